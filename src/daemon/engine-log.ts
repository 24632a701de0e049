import { redactUrl } from "../celery/redact-url.js";
import { isFull } from "../connections/limit.js";
import type { BrokerLoss } from "../connections/ports.js";
import type { EngineMessage, EnginePlan } from "../engine/messages.js";
import { type Logger, OnceAMinute } from "../log.js";
import type { Subject } from "../readings/subject.js";
import { told } from "../reports/without-success.js";

type Level = "debug" | "info" | "warn" | "error";
type Fields = Readonly<Record<string, unknown>>;

/** Says in the log what the engine reports; what may repeat itself is said once a minute. */
export class EngineLog {
  readonly #log: Logger;
  readonly #plan: EnginePlan;
  readonly #subject: Subject;
  readonly #often = new OnceAMinute();
  /** By connection and role, the cause that was told last. */
  readonly #causes = new Map<string, string>();
  /** What a server that is full leaves undone: it stays so for long, and is told once. */
  readonly #undone = new Set<string>();
  /** Connections that have been up, as `index role`. */
  readonly #known = new Set<string>();

  constructor(log: Logger, plan: EnginePlan, subject: Subject) {
    this.#log = log;
    this.#plan = plan;
    this.#subject = subject;
  }

  write(message: EngineMessage): void {
    switch (message.type) {
      case "ready":
        this.#log.info(
          { scenarios: this.#subject.scenarios.map(({ name }) => name) },
          "the plan starts",
        );
        break;
      case "scenario":
        this.#log.info(this.#scenario(message.scenario), `scenario is ${message.state}`);
        break;
      case "stage": {
        const { stages } = this.#subject.scenarios[message.scenario]!;
        const stage = stages[message.stage]?.name;
        this.#log.debug({ ...this.#scenario(message.scenario), stage }, "stage begins");
        break;
      }
      case "up":
        this.#up(message);
        break;
      case "down":
        this.#down(message);
        break;
      case "blocked":
        if (message.isBlocked) {
          this.#log.warn(
            this.#connection(message.connection),
            "the broker blocks publishers (memory or disk alarm): starts are dropped with reason backpressure",
          );
        } else {
          this.#log.info(this.#connection(message.connection), "the broker accepts tasks again");
        }
        break;
      case "recovered":
        this.#log.info(
          { ...this.#connection(message.connection), count: message.count },
          "results that were missed have been found",
        );
        break;
      case "lookUpFailed":
        this.#sometimes(
          "warn",
          `look-up ${message.connection}`,
          { ...this.#connection(message.connection), cause: message.cause },
          "missed results could not be looked up yet; trying again",
        );
        break;
      case "forgetFailed":
        this.#sometimes(
          "warn",
          `forget ${message.connection}`,
          { ...this.#connection(message.connection), cause: message.cause },
          "results of ended tasks could not be removed; they expire by themselves",
        );
        break;
      case "dataLost":
        this.#log.error(
          {
            ...this.#connection(message.connection),
            broker: addressOf(this.#plan, message.connection, "broker"),
            inFlight: message.inFlight,
          },
          LOSSES[message.evidence],
        );
        break;
      case "repliesLost":
        this.#log.error(
          this.#connection(message.connection),
          "our reply queue was deleted: replies until it is declared again are lost, their tasks will time out",
        );
        break;
      case "sentEventsLost":
        this.#sometimes(
          "warn",
          `sent events ${message.connection}`,
          { ...this.#connection(message.connection), cause: message.cause },
          "task-sent events are not sent for now; the tasks are",
        );
        break;
      case "refused":
        this.#sometimes(
          "error",
          // Of one kind are those that differ in numbers alone.
          `refused ${this.#plan.entries[message.entry]?.connection} ${message.reason.replaceAll(/\d+/g, "#")}`,
          this.#refusal(message),
          "the broker refuses tasks: those that are like this one are counted as publish failures, the others go on",
        );
        break;
      case "invalid":
        this.#sometimes(
          "error",
          `invalid ${message.entry}`,
          { ...this.#task(message.entry), reason: message.reason },
          "a message could not be built",
        );
        break;
      case "malformed":
        this.#sometimes(
          "error",
          `malformed ${message.entry}`,
          { ...this.#task(message.entry), cause: message.cause },
          "a result could not be read: its task ends by the workers' events, or as unknown",
        );
        break;
      case "exception":
        this.#log.info(
          { ...this.#task(message.entry), exception: message.name },
          `failed with ${message.name} for the first time`,
        );
        break;
      case "clockStep":
        this.#log.warn(
          { stepMs: Math.round(message.stepMs) },
          "the system clock was set; expires and timestamps follow it",
        );
        break;
      case "library":
        if (NEEDLESS_PASSWORD.test(message.line)) {
          this.#sometimes(
            "warn",
            "needless password",
            {},
            "a Redis server needs no password, and its URL has one: it is not checked",
          );
        } else this.#sometimes("debug", message.line, { line: message.line }, "a library says");
        break;
      case "snapshot":
      case "workerClocks":
      case "ended":
        break; // answers to the host, no news
    }
  }

  #up({ connection, role, downMs }: Extract<EngineMessage, { type: "up" }>): void {
    const key = `${connection} ${role}`;
    this.#often.forget(`down ${key}`);
    const fields = { ...this.#connection(connection), role };
    if (this.#known.has(key)) {
      const secondsAway = Number((downMs / 1000).toFixed(1));
      this.#log.info({ ...fields, secondsAway }, "connected again");
    } else this.#log.info(fields, "connected");
    this.#known.add(key);
  }

  /** A line for each time without a connection, and one more when its cause has become one that somebody has to mend. */
  #down({ connection, role, cause, isConfiguration }: DownMessage): void {
    const kind = `down ${connection} ${role}`;
    const fields = {
      ...this.#connection(connection),
      role,
      address: addressOf(this.#plan, connection, role),
      cause,
    };
    if (this.#often.allows(kind, performance.now())) {
      this.#causes.set(kind, cause);
      this.#log.warn(fields, "not connected; trying again until it works");
    } else if (isConfiguration && this.#causes.get(kind) !== cause) {
      this.#causes.set(kind, cause);
      this.#log.warn(fields, "the server refuses us; trying again until that is mended");
    }
  }

  #refusal({ entry, reason }: Extract<EngineMessage, { type: "refused" }>): Fields {
    const { connection } = this.#plan.entries[entry]!;
    const [words, remedy] = told(reason);
    return {
      ...this.#connection(connection),
      ...this.#task(entry),
      reason: words,
      ...(remedy === "" ? {} : { remedy }),
    };
  }

  #sometimes(level: Level, kind: string, fields: Fields, text: string): void {
    if (typeof fields.cause === "string" && isFull(fields.cause)) {
      if (this.#undone.has(kind)) return;
      this.#undone.add(kind);
    }
    if (this.#often.allows(kind, performance.now())) this.#log[level](fields, text);
  }

  #connection(index: number): Fields {
    return { connection: this.#subject.connections[index] };
  }

  #scenario(index: number): Fields {
    return { scenario: this.#subject.scenarios[index]?.name };
  }

  #task(entry: number): Fields {
    const { entries, members } = this.#subject;
    return { task: (entries[entry] ?? members.find(({ row }) => row === entry))?.task };
  }
}

type DownMessage = Extract<EngineMessage, { type: "down" }>;

/** In the words of ioredis. */
const NEEDLESS_PASSWORD = /does not require a password/;

const LOSSES: Readonly<Record<BrokerLoss, string>> = {
  purged:
    "the broker was emptied (FLUSHALL): tasks that were queued are lost and will time out, and workers whose bindings are gone may need a restart",
  restartedEmpty:
    "the broker restarted without its data: tasks that were queued are lost and will time out. Switch persistence on if that must not happen.",
  failover:
    "another Redis took over without the last writes: tasks among them are lost and will time out. Redis replicates after it has answered; min-replicas-to-write limits what can be lost.",
};

/** The URL of a connection's role, without its password. */
export function addressOf(
  plan: EnginePlan,
  connection: number,
  role: "broker" | "backend",
): string {
  const { broker, backend } = plan.connections[connection]!;
  return redactUrl(role === "broker" ? broker : backend);
}
