import { setTimeout as sleep } from "node:timers/promises";
import { redactUrl } from "../celery/urls/redact-url.js";
import { loadConfig } from "../config/load.js";
import type { ConnectionConfig } from "../config/schema.js";
import { quickForm } from "../config/sources/quick.js";
import { openEvents } from "../connections/open.js";
import { faultOf, OpenParts } from "../doctor/open-parts.js";
import { UserError } from "../errors.js";
import { EventTally } from "../learn/event-tally.js";
import type { Traffic } from "../learn/traffic.js";
import { flagError } from "./flags.js";
import type { Streams } from "./streams.js";

/** Whose events are listened to, as it was typed. */
export interface EventSource {
  /** A configuration with the connection. */
  readonly file: string | undefined;
  readonly connection: string | undefined;
  readonly broker: string | undefined;
}

/** Events are sent in bundles: those of the last moments come so much later. */
const LATE_MS = 1_500;
const LIVENESS_MS = 1_000;

/**
 * Listens to the events of workers and producers for a time, or until it is told to end.
 * @throws {UserError} when the broker cannot be reached, or no event of a task came
 */
export async function learnFromEvents(
  { broker, options }: ConnectionConfig,
  forMs: number,
  end: AbortSignal,
): Promise<Traffic> {
  const url = redactUrl(broker);
  const parts = new OpenParts();
  let tally: EventTally | undefined;
  let isCut = false;
  try {
    const stream = await parts
      .usable(broker, (report) =>
        openEvents({
          ...{ url: broker, transport: options },
          report: {
            up: () => report.up(),
            down(cause, isConfiguration) {
              isCut ||= tally !== undefined;
              report.down(cause, isConfiguration);
            },
          },
          received({ events }) {
            const nowUnixMs = Date.now();
            for (const event of events) tally?.add(event, nowUnixMs);
          },
        }),
      )
      .catch((error: unknown) => {
        throw new UserError(`Cannot listen to events on ${url}: ${faultOf(error).cause}.`, {
          hint: "Check the URL, that the broker runs, and the account.",
        });
      });
    const fromUnixMs = Date.now();
    tally = new EventTally(fromUnixMs, forMs);
    const liveness = setInterval(() => stream.checkLiveness(false), LIVENESS_MS);
    await sleep(forMs, undefined, { signal: end }).catch(() => {});
    // A timer may be a millisecond early, and then the last step were no whole one.
    const untilUnixMs = end.aborted ? Date.now() : fromUnixMs + forMs;
    if (!end.aborted) await sleep(LATE_MS);
    clearInterval(liveness);
    const traffic = tally.traffic(untilUnixMs);
    if (traffic === null) throw tally.heard === 0 ? nothingHeard(url) : tooShort(tally.heard);
    return isCut ? { ...traffic, remarks: [...traffic.remarks, CUT] } : traffic;
  } finally {
    await parts.close();
  }
}

const CUT =
  "The connection to the broker was lost in between: what was sent meanwhile is missing, and rates are too low.";

function nothingHeard(url: string): UserError {
  return new UserError(`No task was heard of in the events on ${url}.`, {
    hint: "Have workers send events (celery worker -E, or celery control enable_events), and producers too (task_send_sent_event = True); listen on their very broker and virtual host; and for longer where tasks are rare.",
  });
}

function tooShort(heard: number): UserError {
  return new UserError(`Of ${heard} tasks that were heard of, none was in the first 10 s.`, {
    hint: "Listen for longer: rates are learned in steps of 10 s, and only whole ones count.",
  });
}

/**
 * The connection that is meant: of a configuration, or a broker.
 * @throws {ConfigError} when there is none, or more than one
 */
export function eventConnection(
  { file, connection: name, broker }: EventSource,
  env: Streams["env"],
): ConnectionConfig {
  if (file === undefined) {
    if (name !== undefined)
      throw flagError("--connection", "is one of a configuration: name its FILE");
    const overrides = quickForm({ broker, task: "task" }, env);
    return loadConfig({ files: [], env, overrides }).config.connections.main!;
  }
  if (broker !== undefined) {
    throw flagError("--broker", "cannot be used together with FILE. Keep one of them");
  }
  const { connections } = loadConfig({ files: [file], env }).config;
  const names = Object.keys(connections);
  const found = connections[name ?? (names.length === 1 ? names[0]! : "")];
  if (found !== undefined) return found;
  throw flagError("--connection", `must be one of ${file}: ${names.join(", ")}`);
}
