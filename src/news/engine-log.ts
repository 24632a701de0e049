import { redactUrl } from "../celery/urls/redact-url.js";
import { isFull } from "../connections/limit.js";
import type { BrokerLoss } from "../connections/ports.js";
import type { EngineMessage, EnginePlan, MessageOf } from "../engine/messages.js";
import { type Logger, OnceAMinute } from "../log.js";
import type { Subject } from "../readings/subject.js";
import { told } from "../reports/without-success.js";

type Level = "debug" | "info" | "warn" | "error";
type Fields = Readonly<Record<string, unknown>>;

/** A plan, and the names behind its numbers. */
export interface NamedPlan {
  readonly plan: EnginePlan;
  readonly subject: Subject;
}

/** Says in the log what the engine reports; what may repeat itself is said once a minute. */
export class EngineLog {
  readonly #log: Logger;
  readonly #often = new OnceAMinute();
  /** By connection and role, the cause that was told last. */
  readonly #causes = new Map<string, string>();
  /** What a server that is full leaves undone: it stays so for long, and is told once. */
  readonly #undone = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** What became of the rows of their files. */
  #tellReplays({ scenarios }: EnginePlan): void {
    for (const { name: scenario, profile } of scenarios) {
      if (profile.kind !== "replay" || profile.recording === null) continue;
      const { file, recording } = profile;
      const { used, skipped, outOfOrder, skippedTasks } = recording.rows;
      const fields = { scenario, file, used, skipped, outOfOrder };
      if (skipped === 0) this.#log.info(fields, `${file} is replayed: ${used} rows`);
      else {
        const names = skippedTasks.join(", ");
        this.#log.warn(
          fields,
          `${file} is replayed: ${used} rows; ${skipped} are left out, as their tasks are not in the mix (${names})`,
        );
      }
    }
  }

  /** `of`: the plan of the engine that reports it. */
  write(message: EngineMessage, of: NamedPlan): void {
    const { plan, subject } = of;
    switch (message.type) {
      case "ready":
        this.#log.info({ scenarios: subject.scenarios.map(({ name }) => name) }, "the plan starts");
        this.#tellReplays(plan);
        break;
      case "scenario":
        this.#log.info(scenarioOf(subject, message.scenario), `scenario is ${message.state}`);
        break;
      case "stage": {
        const { stages } = subject.scenarios[message.scenario]!;
        const stage = stages[message.stage]?.name;
        this.#log.debug({ ...scenarioOf(subject, message.scenario), stage }, "stage begins");
        break;
      }
      case "up":
        this.#up(message, of);
        break;
      case "down":
        this.#down(message, of);
        break;
      case "blocked":
        if (message.isBlocked) {
          this.#log.warn(
            connectionOf(subject, message.connection),
            "the broker blocks publishers (memory or disk alarm): starts are dropped with reason backpressure",
          );
        } else {
          this.#log.info(
            connectionOf(subject, message.connection),
            "the broker accepts tasks again",
          );
        }
        break;
      case "recovered":
        this.#log.info(
          { ...connectionOf(subject, message.connection), count: message.count },
          "results that were missed have been found",
        );
        break;
      case "lookUpFailed":
        this.#sometimes(
          "warn",
          `look-up ${message.connection}`,
          { ...connectionOf(subject, message.connection), cause: message.cause },
          "missed results could not be looked up yet; trying again",
        );
        break;
      case "forgetFailed":
        this.#sometimes(
          "warn",
          `forget ${message.connection}`,
          { ...connectionOf(subject, message.connection), cause: message.cause },
          "results of ended tasks could not be removed; they expire by themselves",
        );
        break;
      case "dataLost":
        this.#log.error(
          {
            ...connectionOf(subject, message.connection),
            broker: addressOf(plan, message.connection, "broker"),
            inFlight: message.inFlight,
          },
          LOSSES[message.evidence],
        );
        break;
      case "repliesLost":
        this.#log.error(
          connectionOf(subject, message.connection),
          "our reply queue was deleted: replies until it is declared again are lost, their tasks will time out",
        );
        break;
      case "sentEventsLost":
        this.#sometimes(
          "warn",
          `sent events ${message.connection}`,
          { ...connectionOf(subject, message.connection), cause: message.cause },
          "task-sent events are not sent for now; the tasks are",
        );
        break;
      case "refused":
        this.#sometimes(
          "error",
          // Of one kind are those that differ in numbers alone.
          `refused ${plan.entries[message.entry]?.connection} ${message.reason.replaceAll(/\d+/g, "#")}`,
          refusalOf(message, of),
          "the broker refuses tasks: those that are like this one are counted as publish failures, the others go on",
        );
        break;
      case "invalid":
        this.#sometimes(
          "error",
          `invalid ${message.entry}`,
          { ...taskOf(subject, message.entry), reason: message.reason },
          "a message could not be built",
        );
        break;
      case "malformed":
        this.#sometimes(
          "error",
          `malformed ${message.entry}`,
          { ...taskOf(subject, message.entry), cause: message.cause },
          "a result could not be read: its task ends by the workers' events, or as unknown",
        );
        break;
      case "exception":
        this.#log.info(
          { ...taskOf(subject, message.entry), exception: message.name },
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

  #up({ connection, role, downMs }: MessageOf<"up">, { subject }: NamedPlan): void {
    this.#often.forget(`down ${connection} ${role}`);
    const fields = { ...connectionOf(subject, connection), role };
    if (downMs === null) this.#log.info(fields, "connected");
    else {
      const secondsAway = Number((downMs / 1000).toFixed(1));
      this.#log.info({ ...fields, secondsAway }, "connected again");
    }
  }

  /** A line for each time without a connection, and one more when its cause has become one that somebody has to mend. */
  #down(
    { connection, role, cause, isConfiguration }: MessageOf<"down">,
    { plan, subject }: NamedPlan,
  ): void {
    const kind = `down ${connection} ${role}`;
    const fields = {
      ...connectionOf(subject, connection),
      role,
      address: addressOf(plan, connection, role),
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

  #sometimes(level: Level, kind: string, fields: Fields, text: string): void {
    if (typeof fields.cause === "string" && isFull(fields.cause)) {
      if (this.#undone.has(kind)) return;
      this.#undone.add(kind);
    }
    if (this.#often.allows(kind, performance.now())) this.#log[level](fields, text);
  }
}

function refusalOf({ entry, reason }: MessageOf<"refused">, { plan, subject }: NamedPlan): Fields {
  const { connection } = plan.entries[entry]!;
  const [words, remedy] = told(reason);
  return {
    ...connectionOf(subject, connection),
    ...taskOf(subject, entry),
    reason: words,
    ...(remedy === "" ? {} : { remedy }),
  };
}

function connectionOf({ connections }: Subject, index: number): Fields {
  return { connection: connections[index] };
}

function scenarioOf({ scenarios }: Subject, index: number): Fields {
  return { scenario: scenarios[index]?.name };
}

function taskOf({ entries, members }: Subject, entry: number): Fields {
  return { task: (entries[entry] ?? members.find(({ row }) => row === entry))?.task };
}

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
