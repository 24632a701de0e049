import { createHash } from "node:crypto";
import * as z from "zod";
import { later } from "../control/carry-on.js";
import type { ControlState } from "../control/control-state.js";
import { profileForm } from "./profile-form.js";

/** Grows when a former program could not read the file, or would read it wrongly. */
const VERSION = 2;
/** What this program reads: the first has no `zeroUnixMs`, and nothing that asks for it. */
const READ_VERSIONS: readonly number[] = [1, VERSION];

/** A larger one is none of ours. */
export const MAX_STATE_BYTES = 1024 * 1024;

/** What is in a state file. */
export interface StoredState {
  /** Its times are relative to the moment of writing: what is to come is above 0. */
  readonly state: ControlState;
  readonly writtenUnixMs: number;
  /** Written by a daemon that stopped as it should; else that is still running, or was killed. */
  readonly isClean: boolean;
  /** Of the configuration that was in effect. */
  readonly configHash: string;
  readonly today: DayStarts;
}

/** What was started on a day, for `limits.tasksPerDay`. */
export interface DayStarts {
  /** Days of UTC since 1970. */
  readonly day: number;
  readonly starts: number;
}

/** The text of a state file. */
export function stateText(stored: StoredState): string {
  return fileText(JSON.stringify(stored), VERSION);
}

function fileText(body: string, version: number): string {
  const checksum = createHash("sha256").update(body).digest("hex");
  return `{"celeryLoadState":${version},"checksum":"${checksum}","body":${body}}\n`;
}

/** The same state with times relative to now. */
export function relativeTo(nowMs: number, state: ControlState): ControlState {
  const scenarios = Object.entries(state.scenarios).map(
    ([name, control]) => [name, later(control, -nowMs)] as const,
  );
  return { ...state, scenarios: Object.fromEntries(scenarios) };
}

/**
 * Reads the text of a state file, or says in a clause why it cannot be used. Nothing but what `stateText` writes is
 * taken, to the last byte.
 */
export function readState(text: string): StoredState | { readonly problem: string } {
  const version = /^\{"celeryLoadState":(\d{1,9}),/.exec(text)?.[1];
  if (version === undefined)
    return { problem: text === "" ? "it is empty" : "it is no state file" };
  if (!READ_VERSIONS.includes(Number(version))) {
    return {
      problem: `it is of version ${version} and this program reads up to version ${VERSION}`,
    };
  }
  const body = bodyOf(text);
  if (body === undefined) return { problem: "it is damaged: its end is missing, or it is no JSON" };
  // Of the whole text: so no byte of it can be another one.
  if (fileText(JSON.stringify(body), Number(version)) !== text) {
    return { problem: "it is damaged: its checksum is another one" };
  }
  const stored = storedForm.safeParse(body);
  if (stored.success) return stored.data;
  const [issue] = stored.error.issues;
  return { problem: `its ${issue?.path.map(String).join(".")} has another form` };
}

/** A key `__proto__`, which the form would pass over, is none of ours. */
function bodyOf(text: string): unknown {
  try {
    const file = JSON.parse(text, (key, value) => {
      if (key === "__proto__") throw new SyntaxError(key);
      return value;
    });
    return (file as { body?: unknown }).body;
  } catch {
    return undefined;
  }
}

const id = z.string().max(64);
const orderedBy = {
  actor: z.enum(["api", "ctl", "page", "reload", "guard", "ttl"]),
  reason: z.string(),
};
const unixMs = z.number();
const ms = z.number();
const amount = z.number().nonnegative();
/** Names of scenarios and tasks begin with a letter: no key is one of Object's own making. */
const name = z.string().regex(/^[A-Za-z]/);
const weights = z.record(name, amount);

const overrideTo = z.discriminatedUnion("what", [
  z.strictObject({ what: z.literal("rate"), perSecond: amount }),
  z.strictObject({ what: z.literal("scale"), factor: amount }),
  z.strictObject({ what: z.literal("profile"), profile: profileForm }),
  z.strictObject({ what: z.literal("users"), count: z.int().nonnegative() }),
  z.strictObject({ what: z.literal("mix"), weights }),
]);

const burst = { count: z.int().positive(), fromMs: ms, untilMs: ms };

const regime = z.strictObject({
  fromMs: ms,
  planMs: ms,
  zeroUnixMs: unixMs.prefault(0),
  isPaused: z.boolean(),
  override: z
    .discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("rate"), perSecond: amount }),
      z.strictObject({ kind: z.literal("scale"), factor: amount }),
      z.strictObject({ kind: z.literal("profile"), profile: profileForm, fromMs: ms }),
    ])
    .nullable(),
  ramp: z.strictObject({ fromMs: ms, fromPerSecond: amount, untilMs: ms }).nullable(),
  throttle: z.number().positive(),
  bursts: z.array(z.strictObject(burst)),
  weights: z.array(amount).nullable(),
});

const scenario = z.strictObject({
  regime,
  startsBefore: amount,
  isStopped: z.boolean(),
  pauses: z.array(
    z.strictObject({
      ...{ id, guard: z.string().nullable(), untilMs: ms.nullable(), sinceUnixMs: unixMs },
      ...orderedBy,
    }),
  ),
  throttles: z.array(
    z.strictObject({
      ...{ id, guard: z.string(), factor: z.number().positive(), untilMs: ms, sinceUnixMs: unixMs },
      ...orderedBy,
    }),
  ),
  overrides: z.array(
    z.strictObject({
      ...{ id, to: overrideTo, fromMs: ms, untilMs: ms.nullable(), sinceUnixMs: unixMs },
      ...orderedBy,
    }),
  ),
  bursts: z.array(z.strictObject({ id, ...burst, sinceUnixMs: unixMs, ...orderedBy })),
});

const storedForm: z.ZodType<StoredState> = z.strictObject({
  state: z.strictObject({
    revision: z.int().nonnegative(),
    killSwitch: z.strictObject({ id, sinceUnixMs: unixMs, ...orderedBy }).nullable(),
    scenarios: z.record(name, scenario),
  }),
  writtenUnixMs: unixMs,
  isClean: z.boolean(),
  configHash: z.string(),
  today: z.strictObject({ day: z.int(), starts: z.int().nonnegative() }),
});
