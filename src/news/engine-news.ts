import type { WorkerClock } from "../celery/events/worker-clock.js";
import { isFull } from "../connections/limit.js";
import type { EngineMessage, MessageOf } from "../engine/messages.js";
import { EXIT, UserError } from "../errors.js";
import type { EventLog } from "../http/events.js";
import type { ScenarioState } from "../ledger/layout.js";
import type { Logger } from "../log.js";
import { type NotSentReasons, refusalKey } from "../reports/without-success.js";
import type { ConnectionStates } from "./connection-states.js";
import { addressOf, EngineLog, type NamedPlan } from "./engine-log.js";
import { Flapping } from "./flapping.js";
import type { ScriptBook } from "./script-book.js";

export interface EngineNewsOptions {
  /** Kept up to date. */
  readonly connections: ConnectionStates;
  readonly scripts: ScriptBook;
  readonly log: Logger;
  readonly events: EventLog;
  /** A plan begins. */
  readonly onReady: () => void;
  /** A server has no place left for one of our connections. */
  readonly onFull: () => void;
  readonly onWorkerClocks: (connection: number, clocks: readonly WorkerClock[]) => void;
  /** The run cannot go on. */
  readonly onFatal: (error: UserError) => void;
}

/** Takes what the engine says to where it is kept or waited for, and to the log. */
export class EngineNews {
  readonly #options: EngineNewsOptions;
  readonly #log: EngineLog;
  readonly #flapping: Flapping<NamedPlan>;
  /** What each scenario does, as the engine last said. */
  readonly #scenarioStates = new Map<string, ScenarioState>();
  readonly #refusals = new Map<string, string>();
  #reasons: NotSentReasons = { refused: this.#refusals, invalid: null, notConnected: null };

  constructor(options: EngineNewsOptions) {
    const { log } = options;
    this.#options = options;
    this.#log = new EngineLog(log);
    this.#flapping = new Flapping(
      (message, of) => this.#log.write(message, of),
      ({ connection, role }, losses, { subject }) =>
        log.warn(
          { connection: subject.connections[connection], role, losses },
          "the connection was lost again and again within a second",
        ),
    );
  }

  /** Why tasks were not sent, the last reason of each kind. */
  get reasons(): NotSentReasons {
    return this.#reasons;
  }

  /** Has the scenario come to its end? */
  isOver(scenario: string): boolean {
    const state = this.#scenarioStates.get(scenario);
    return state === "draining" || state === "stopped";
  }

  /** Another plan takes over: its scenarios have not said anything yet. */
  forgetScenarios(): void {
    this.#scenarioStates.clear();
  }

  /** `of`: the plan of the engine that says it. */
  hear(message: EngineMessage, of: NamedPlan): void {
    const { connections, events, onReady, onFull, onWorkerClocks, onFatal } = this.#options;
    const { subject } = of;
    switch (message.type) {
      case "ready":
        onReady();
        break;
      case "up":
        connections.up(message.connection, message.role);
        break;
      case "down":
        connections.down(message.connection, message.role, message.cause);
        // Whichever server theirs is: each place counts.
        if (isFull(message.cause)) onFull();
        if (message.role === "broker") {
          this.#reasons = { ...this.#reasons, notConnected: message.cause };
        }
        if (this.#isFatal(message)) {
          onFatal(unusable(message, of));
          return;
        }
        break;
      case "refused": {
        // The last one of each task counts.
        const task = subject.entries[message.entry]?.task;
        if (task !== undefined) {
          this.#refusals.set(refusalKey(task, message.outcome), message.reason);
        }
        break;
      }
      case "invalid":
        this.#reasons = { ...this.#reasons, invalid: message.reason };
        break;
      case "blocked":
        connections.blocked(message.connection, message.isBlocked);
        break;
      case "workerClocks":
        onWorkerClocks(message.connection, message.clocks);
        break;
      case "codeNews":
        this.#options.scripts.hear(message, of);
        return;
      case "exception":
        subject.exceptions.push(message);
        break;
      case "scenario": {
        const scenario = subject.scenarios[message.scenario]!.name;
        this.#scenarioStates.set(scenario, message.state);
        const text = `${scenario} is ${message.state}`;
        events.publish("state", { text, scenario, state: message.state });
        break;
      }
      case "stage": {
        const { name: scenario, stages } = subject.scenarios[message.scenario]!;
        const stage = stages[message.stage]?.name ?? "";
        events.publish("stage", { text: `${scenario}: ${stage}`, scenario, stage });
        break;
      }
      default:
        break; // news for the log only
    }
    this.#flapping.write(message, of);
  }

  /** A wrong password or the like: at the start trying again would hide it, later somebody mends it. */
  #isFatal({ connection, role, isConfiguration }: MessageOf<"down">): boolean {
    return isConfiguration && !this.#options.connections.wasEverUp(connection, role);
  }
}

function unusable({ connection, role, cause }: MessageOf<"down">, { plan, subject }: NamedPlan) {
  return new UserError(
    `Cannot use the ${role} of connection "${subject.connections[connection]}" at ${addressOf(plan, connection, role)}: ${cause}`,
    { exitCode: EXIT.badConfiguration },
  );
}
