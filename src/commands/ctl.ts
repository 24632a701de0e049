import { askControl } from "../ctl/client.js";
import { type OrderFlags, type OrderName, orderRequest } from "../ctl/orders.js";
import { controlTarget, type TargetFlags } from "../ctl/target.js";
import { doneText, statusText } from "../ctl/texts.js";
import { type WatchedEvent, watchEvents } from "../ctl/watch.js";
import { EXIT, messageOf } from "../errors.js";
import type { ScenariosAnswer } from "../http/scenarios.js";
import type { ReceivedSignal } from "../signals.js";
import { printable } from "../terminal/text.js";
import type { Streams } from "./streams.js";

/** The flags of `celery-load ctl …`, as they were typed. */
export interface CtlFlags extends TargetFlags, OrderFlags {
  readonly json?: boolean | undefined;
}

/** Where what is read on no terminal is broken: tables stay as they are. */
const WIDE = 100;

/**
 * `celery-load ctl ORDER …`: gives an order to a running daemon, and prints what it came to.
 * @throws {UserError} when it is refused, with every fault, and when nothing answers
 */
export async function ctlOrder(
  name: OrderName,
  words: readonly string[],
  flags: CtlFlags,
  streams: Streams,
): Promise<number> {
  const request = orderRequest(name, words, flags);
  const answer = await askControl(controlTarget(flags, streams.env), request);
  print(answer, flags, streams, (width) =>
    doneText(answer as Parameters<typeof doneText>[0], width),
  );
  return EXIT.ok;
}

/**
 * `celery-load ctl status`: what each scenario does, and who steers it.
 * @throws {UserError} when nothing answers
 */
export async function ctlStatus(flags: CtlFlags, streams: Streams): Promise<number> {
  const target = controlTarget(flags, streams.env);
  const answer = await askControl(target, { method: "GET", path: "scenarios" });
  print(answer, flags, streams, (width) => statusText(answer as ScenariosAnswer, width));
  return EXIT.ok;
}

/**
 * `celery-load ctl watch`: a line for each event, until a signal comes; with `--json` each as JSON.
 * @throws {UserError} when nothing answers at the beginning, or it is refused
 */
export async function ctlWatch(
  flags: CtlFlags,
  streams: Streams,
  onSignal: (receive: (signal: ReceivedSignal) => void) => void,
): Promise<number> {
  const ended = new AbortController();
  onSignal(({ meaning }) => {
    if (meaning !== "nothing") ended.abort();
  });
  let isLost = false;
  const watcher = {
    onEvent: (event: WatchedEvent) => {
      isLost = false;
      streams.stdout(`${flags.json ? JSON.stringify(event) : eventLine(event)}\n`);
    },
    onLost: (error: unknown) => {
      if (isLost) return;
      isLost = true;
      const why = error === null ? "the daemon has closed it" : messageOf(error);
      streams.stderr(`The connection is lost (${printable(why)}): trying again.\n`);
    },
  };
  await watchEvents(controlTarget(flags, streams.env), watcher, ended.signal);
  return EXIT.ok;
}

function print(
  answer: unknown,
  flags: CtlFlags,
  streams: Streams,
  textOf: (width: number) => string,
) {
  const text = flags.json ? JSON.stringify(answer) : textOf(streams.stdoutColumns() ?? WIDE);
  streams.stdout(`${text}\n`);
}

function eventLine({ type, data }: WatchedEvent): string {
  const { at, text, scenario, actor, reason } = data as Readonly<Record<string, unknown>>;
  const who = typeof actor === "string" ? ` (${actor}${reason ? `: ${String(reason)}` : ""})` : "";
  const subject = typeof scenario === "string" ? `${scenario}: ` : "";
  const time = typeof at === "string" ? `${at.slice(0, 19)}Z ` : "";
  return printable(`${time}${type.padEnd(9)} ${subject}${String(text)}${who}`);
}
