import type { Impact } from "../../control/steering-port.js";
import type { ScenarioAnswer } from "../../http/scenarios.js";
import { countText, durationText, plural, rateText } from "./format.js";

/** What can be ordered from the page. */
export type OrderKind =
  | "rate"
  | "scale"
  | "users"
  | "mix"
  | "pause"
  | "resume"
  | "burst"
  | "skip-stage"
  | "restart"
  | "start"
  | "stop"
  | "undo"
  | "stop-all"
  | "release"
  | "reload";

/** Something to type or to choose. */
export interface Field {
  /** Its key in the body, and the path of its faults. */
  readonly key: string;
  readonly label: string;
  readonly hint: string;
  readonly kind: "text" | "number" | "ttl" | "check";
  readonly first: string;
}

/** An order before it is given: what is asked, and what it becomes. */
export interface OrderForm {
  readonly kind: OrderKind;
  /** What it is about; null: all. */
  readonly scenario: string | null;
  readonly title: string;
  readonly explanation: string;
  /** What the button says. */
  readonly verb: string;
  readonly fields: readonly Field[];
  /** Why it is asked once more, whatever the impact; null: it is not. */
  readonly hurts: string | null;
  readonly method: "PATCH" | "POST" | "DELETE";
  readonly path: string;
}

/** As it is sent. */
export interface OrderRequest {
  readonly method: OrderForm["method"];
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>> | null;
}

/** What has been typed, by key. */
export type Typed = Readonly<Record<string, string>>;

/** Whoever changes something by hand and goes home has changed it for an hour. */
const TTL: Field = {
  key: "ttl",
  label: "For",
  hint: "After so long it undoes itself.",
  kind: "ttl",
  first: "1h",
};
export const TTL_CHOICES: readonly (readonly [value: string, label: string])[] = [
  ["10m", "10 minutes"],
  ["1h", "1 hour"],
  ["4h", "4 hours"],
  ["24h", "1 day"],
  ["", "until it is undone"],
];

const OVER: Field = {
  key: "over",
  label: "Over",
  hint: "Gets there in a straight line, such as 30s; 0s: at once.",
  kind: "text",
  first: "0s",
};

/** The form of an order of one scenario. */
export function scenarioForm(
  kind: Exclude<OrderKind, "undo" | "stop-all" | "release" | "reload">,
  scenario: ScenarioAnswer,
): OrderForm {
  const { name } = scenario;
  const path = `api/v1/scenarios/${encodeURIComponent(name)}`;
  const act = (verb: string, explanation: string, fields: readonly Field[] = []) => ({
    ...{ kind, scenario: name, title: `${verb} ${name}`, explanation, verb, fields },
    ...{ hurts: null, method: "POST" as const, path: `${path}/${kind}` },
  });
  const set = (title: string, explanation: string, fields: readonly Field[]): OrderForm => ({
    ...{ kind, scenario: name, title, explanation, verb: "Set it", fields },
    ...{ hurts: null, method: "PATCH", path },
  });
  switch (kind) {
    case "rate": {
      const first = scenario.targetRate === null ? "10/s" : `${plain(scenario.targetRate)}/s`;
      return set(`Rate of ${name}`, "Takes the plan's place; the plan's clock goes on.", [
        { key: "rate", label: "Rate", hint: "Such as 50/s or 5/m.", kind: "text", first },
        ...[OVER, TTL],
      ]);
    }
    case "scale":
      return set(`Scale ${name}`, "The plan's own rate, so many times.", [
        { key: "scale", label: "Times", hint: "2 is twice the plan.", kind: "number", first: "1" },
        ...[OVER, TTL],
      ]);
    case "users":
      return set(`Users of ${name}`, "Takes the place of the plan's number of users.", [
        {
          ...{ key: "users", label: "Users", hint: "How many there are to be.", kind: "number" },
          first: plain(scenario.users ?? 0),
        },
        ...[OVER, TTL],
      ]);
    case "mix":
      return set(`Mix of ${name}`, "The part of the starts that each task gets; 0: none.", [
        ...Object.entries(scenario.mix).map(
          ([key, weight]): Field => ({
            ...{ key: `mix.${key}`, label: key, hint: "", kind: "number", first: plain(weight) },
          }),
        ),
        TTL,
      ]);
    case "burst":
      return act("Burst of", "So many starts beyond the rate.", [
        { key: "count", label: "Starts", hint: "", kind: "number", first: "100" },
        { ...OVER, hint: "Evenly spread over so long; 0s: at once." },
      ]);
    case "pause":
      return act("Pause", "Nothing starts, and the plan's clock stands.", [TTL]);
    case "resume":
      return act("Resume", "Ends the pauses that people ordered; those of guards stay.");
    case "skip-stage":
      return act("Skip the stage of", "The plan goes on with its next stage.");
    case "start":
      return act("Start", "Its plan begins anew.");
    case "restart":
      return {
        ...act("Restart", "Its plan begins anew."),
        hurts: `the plan of ${name} begins anew`,
      };
    case "stop":
      return {
        ...act("Stop", "Nothing starts any more; results are still waited for."),
        hurts: `${name} ends until somebody starts it`,
      };
  }
}

export function undoForm(id: string, what: string, scenario: string | null): OrderForm {
  return {
    ...{ kind: "undo", scenario, title: "Undo", verb: "Undo it", fields: [], hurts: null },
    ...{ explanation: what, method: "DELETE", path: `api/v1/overrides/${encodeURIComponent(id)}` },
  };
}

/** The forms of orders to all. */
export function formForAll(kind: "stop-all" | "release" | "reload"): OrderForm {
  const form = { kind, scenario: null, fields: [], hurts: null, method: "POST" as const };
  const path = `api/v1/${kind}`;
  switch (kind) {
    case "stop-all":
      return {
        ...{ ...form, path, title: "Kill switch", verb: "Stop everything" },
        explanation: "Nothing starts any more, in all scenarios, until it is released.",
        fields: [
          {
            ...{ key: "revoke", label: "Revoke what is in flight, too", kind: "check", first: "" },
            hint: "Workers drop what they have not begun.",
          },
        ],
        hurts: "all scenarios stop at once",
      };
    case "release":
      return {
        ...{ ...form, path, title: "Release the kill switch", verb: "Release it" },
        explanation: "All scenarios go on where they were.",
      };
    case "reload":
      return {
        ...{ ...form, path, title: "Reload", verb: "Reload it" },
        explanation: "Reads the configuration again, and does what has changed: all or nothing.",
      };
  }
}

/** What is sent for it. What is empty is left out: the daemon says what is missing. */
export function requestOf(form: OrderForm, typed: Typed, reason: string): OrderRequest {
  if (form.method === "DELETE") {
    const query = reason === "" ? "" : `?reason=${encodeURIComponent(reason)}`;
    return { method: "DELETE", path: `${form.path}${query}`, body: null };
  }
  const body: Record<string, unknown> = reason === "" ? {} : { reason };
  const mix: Record<string, number> = {};
  for (const { key, kind } of form.fields) {
    const text = (typed[key] ?? "").trim();
    if (kind === "check") {
      if (text !== "") body[key] = true;
    } else if (key.startsWith("mix.")) {
      if (Number(text) !== 0) mix[key.slice(4)] = Number(text);
    } else if (text !== "") body[key] = kind === "number" ? Number(text) : text;
  }
  if (form.kind === "mix") body.mix = mix;
  return { method: form.method, path: form.path, body };
}

/** What a dry run has said. */
export interface Preview {
  readonly lines: readonly string[];
  /** More than the workers can do, as far as it is known. */
  readonly isTooMuch: boolean;
}

/** An answer to an order or to a reload, as far as the page reads it. */
export interface OrderAnswer {
  readonly revision: number;
  readonly id?: string;
  readonly state?: string | null;
  readonly impact?: Impact | null;
  readonly changes?: readonly { readonly path: string; readonly text: string }[];
}

/** The revision that a dry run was about: orders tell that which they would make, a reload the present one. */
export function revisionTried({ kind }: OrderForm, { revision }: OrderAnswer): number {
  return kind === "reload" ? revision : revision - 1;
}

export function previewOf({ impact, changes, state }: OrderAnswer): Preview {
  if (changes !== undefined) {
    const lines = changes.map(({ path, text }) => `${path}: ${text}`);
    return { lines: lines.length === 0 ? ["Nothing has changed."] : lines, isTooMuch: false };
  }
  const becomes = state === null || state === undefined ? [] : [`It will be ${state}.`];
  if (impact === null || impact === undefined) {
    return { lines: [...becomes, "It changes no rate."], isTooMuch: false };
  }
  const { startsDifference, overSeconds, workers } = impact;
  const more = startsDifference < 0 ? "fewer" : "more";
  const difference =
    startsDifference === 0
      ? `As many starts as without it within ${durationText(overSeconds)}.`
      : `${plural(Math.abs(startsDifference), "start")} ${more} within ${durationText(overSeconds)}.`;
  if (workers === null) {
    const unknown = "What the workers can do is not known.";
    return { lines: [...becomes, difference, unknown], isTooMuch: false };
  }
  const { capacityPerSecond, expectedBacklog, drainSeconds } = workers;
  const backlog = Math.round(expectedBacklog);
  const drained =
    drainSeconds === null
      ? "it is never worked off"
      : `it is worked off within ${durationText(Math.ceil(drainSeconds))}`;
  return {
    lines: [
      ...becomes,
      difference,
      `The workers can do about ${rateText(capacityPerSecond)}.`,
      backlog < 1
        ? "No backlog is expected."
        : `A backlog of ${countText(backlog)} tasks is expected; ${drained}.`,
    ],
    isTooMuch: drainSeconds === null || drainSeconds > LONG_SECONDS,
  };
}

/** A backlog that takes longer than this to work off is asked about. */
const LONG_SECONDS = 60;

/** Why it is asked once more before it is sent; null: it is not. */
export function doubtOf(form: OrderForm, answer: OrderAnswer | null): string | null {
  if (form.hurts !== null) return form.hurts;
  if (answer === null) return null;
  if (previewOf(answer).isTooMuch) return "it is more than the workers can do";
  if (form.kind === "reload" && (answer.changes ?? []).length > 0) {
    return `${plural(answer.changes!.length, "value")} of the configuration change`;
  }
  return null;
}

function plain(value: number): string {
  return String(Number(value.toPrecision(6)));
}
