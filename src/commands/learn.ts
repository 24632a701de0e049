import { resolve } from "node:path";
import { readZone } from "../config/scenarios/local-time.js";
import { SecretFiles } from "../config/sources/secret-files.js";
import { EXIT, messageOf, UserError } from "../errors.js";
import { BROKER_VARIABLE, learnedConfiguration } from "../learn/configuration-text.js";
import { dayOf } from "../learn/day-of.js";
import { measureFit } from "../learn/fit.js";
import { fitText } from "../learn/fit-text.js";
import { type LearnedPlan, learnPlan, scaled } from "../learn/learned-plan.js";
import type { DayChoice } from "../learn/shape.js";
import type { Traffic } from "../learn/traffic.js";
import type { ReceivedSignal } from "../signals.js";
import { wrappedText } from "../terminal/text.js";
import { flagError, parseFor } from "./flags.js";
import { eventConnection, learnFromEvents } from "./learn-events.js";
import { learnFromPrometheus } from "./learn-prometheus.js";
import type { LearnSource } from "./learn-sources.js";
import { type NewFile, refuseIfThere, writeNewFile } from "./new-file.js";
import { PrometheusClient } from "./prometheus-client.js";
import type { Streams } from "./streams.js";

/** The flags of `celery-load learn`, as they were typed. */
export interface LearnFlags extends NewFile {
  readonly from: LearnSource;
  /** Prometheus' URL, or a configuration with the connection whose events are listened to. */
  readonly source?: string | undefined;
  readonly range: string;
  readonly step?: string | undefined;
  readonly match: readonly string[];
  readonly tokenFile?: string | undefined;
  readonly for: string;
  readonly connection?: string | undefined;
  readonly broker?: string | undefined;
  readonly scale: string;
  readonly day?: DayChoice | undefined;
  /** Default: that of this machine. */
  readonly zone?: string | undefined;
}

/** Where no terminal says how wide it is. */
const USUAL_WIDTH = 80;

/**
 * `celery-load learn`: writes a configuration with the shape of production, and says how well it fits. `onSignal` is
 * called with what a signal is to do: one that ends it ends the listening, and what is known by then is written.
 * @returns 0, or 105 when a signal ended it at once
 * @throws {UserError} when nothing can be learned, or the file cannot be written
 * @throws {ConfigError} when a flag or the configuration cannot be used
 */
export async function learn(
  flags: LearnFlags,
  streams: Streams,
  onSignal: (receive: (signal: ReceivedSignal) => void) => void,
): Promise<number> {
  const scale = parseScale(flags.scale);
  const zone = parseZone(flags.zone);
  refuseIfThere(flags);
  const tell = (text: string) =>
    streams.stderr(`${wrappedText(text, streams.stderrColumns() ?? Infinity)}\n`);
  const end = new AbortController();
  const endedAtOnce = new Promise<null>((resolve) =>
    onSignal(({ meaning }) => {
      if (meaning === "end" && flags.from === "events") end.abort();
      else if (meaning !== "nothing") resolve(null);
    }),
  );
  const known = await Promise.race([readTraffic(flags, streams, end.signal, tell), endedAtOnce]);
  if (known === null) return EXIT.stoppedBySignal;

  const { traffic, when } = partOf(known, flags.day, zone);
  const plan = learnPlan(traffic, { zone, isOneDay: flags.day !== undefined });
  refuseNoTask(plan);
  const fit = measureFit(plan, traffic);
  const text = learnedConfiguration(scaled(plan, scale), {
    source: `${traffic.source}, ${when}`,
    ...{ dispersions: traffic.dispersions, scale },
  });
  writeNewFile(flags, text, "the configuration", streams.stdout);
  for (const remark of plan.remarks) tell(`Note: ${remark}`);
  streams.stderr(fitText(fit, streams.stderrColumns() ?? USUAL_WIDTH));
  const file = flags.out === "-" ? "FILE" : flags.out;
  const tasks = `${plan.tasks.length} task${plan.tasks.length === 1 ? "" : "s"}`;
  tell(
    `${flags.out === "-" ? "Learned" : `Wrote ${flags.out} with`} ${tasks}. Set ${BROKER_VARIABLE}, and look at it: celery-load plan ${file}`,
  );
  return EXIT.ok;
}

async function readTraffic(
  flags: LearnFlags,
  { env }: Streams,
  end: AbortSignal,
  tell: (text: string) => void,
): Promise<Traffic> {
  if (flags.from === "events") {
    const { source: file, connection, broker } = flags;
    const forMs = parseFor(flags.for);
    if (forMs < LEAST_MS || forMs > MOST_MS) {
      throw flagError("--for", `must be from 10s to 14d; found "${flags.for}"`);
    }
    const target = eventConnection({ file, connection, broker }, env);
    tell(`Listening to events for ${flags.for}. Ctrl-C ends it and writes what is known by then.`);
    return await learnFromEvents(target, forMs, end);
  }
  const rangeMs = parseFor(flags.range, "--range");
  const stepMs = flags.step === undefined ? null : parseFor(flags.step, "--step");
  if (stepMs !== null && (stepMs < 1000 || 2 * stepMs > rangeMs)) {
    throw flagError("--step", `must be from 1s to half of --range; found "${flags.step}"`);
  }
  const url = flags.source;
  if (url === undefined) {
    throw flagError("--from", "prometheus needs its URL: --from prometheus http://prometheus:9090");
  }
  const token = flags.tokenFile === undefined ? null : readToken(flags.tokenFile);
  const client = new PrometheusClient(url, token);
  const { match } = flags;
  return await learnFromPrometheus(client, { rangeMs, stepMs, match, nowUnixMs: Date.now() });
}

/** Less has no steps. */
const LEAST_MS = 10_000;
/** Longer than any season of a week, and short enough for a timer. */
const MOST_MS = 14 * 86_400_000;

/** The day that is meant, or all. */
function partOf(traffic: Traffic, choice: DayChoice | undefined, zone: string) {
  if (choice !== undefined) {
    const day = dayOf(traffic, choice, zone);
    if (day !== null) return { traffic: day.traffic, when: `the ${choice} day, ${day.date}` };
    throw new UserError(`No day in ${zone} is known as a whole, so there is no ${choice} one.`, {
      hint: "Learn from a longer --range; or leave --day out.",
    });
  }
  const { fromUnixMs, stepMs, isKnown } = traffic;
  const text = (step: number) =>
    new Date(fromUnixMs + step * stepMs).toISOString().slice(0, 16).replace("T", " ");
  const last = isKnown.lastIndexOf(true) + 1;
  return { traffic, when: `${text(Math.max(0, isKnown.indexOf(true)))} to ${text(last)} UTC` };
}

function refuseNoTask({ tasks, remarks }: LearnedPlan): void {
  if (tasks.length > 0) return;
  throw new UserError(`There is no task that a configuration could start. ${remarks.join(" ")}`);
}

function parseScale(text: string): number {
  const scale = Number(text);
  if (scale > 0 && scale <= 10_000) return scale;
  throw flagError("--scale", `must be a number above 0, such as 1.5; found "${text}"`);
}

function parseZone(text: string | undefined): string {
  try {
    return readZone(text ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  } catch (error) {
    throw flagError("--zone", `${messageOf(error)}; found "${text}"`);
  }
}

function readToken(file: string): string {
  const result = new SecretFiles().read(resolve(file), file);
  if ("text" in result) return result.text;
  throw flagError("--token-file", result.problem);
}
