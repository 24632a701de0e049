import * as z from "zod";
import type { ProfileSpec } from "../../plan/profile.js";
import { field, ReadError } from "../fields.js";
import { RATE_PATTERN, suggestRate } from "../quantities.js";
import { type Shape, shapeOf } from "../shape.js";
import { constantForm } from "./profiles/constant.js";
import { backlogForm, topUpForm } from "./profiles/fed.js";
import { rampForm } from "./profiles/ramp.js";
import { replayForm } from "./profiles/replay.js";
import { sineForm } from "./profiles/sine.js";
import { stepsForm, suggestStep } from "./profiles/steps.js";
import { usersForm } from "./profiles/users.js";
import { weekForm } from "./profiles/week.js";

/** Every kind but a plain rate and `max` is a mapping with a key of its name. One that has no form does not compile. */
const FORMS: {
  readonly [K in Exclude<ProfileSpec["kind"], "constant" | "max">]: z.ZodType<
    Extract<ProfileSpec, { readonly kind: K }>
  >;
} = {
  steps: stepsForm,
  ramp: rampForm,
  sine: sineForm,
  week: weekForm,
  replay: replayForm,
  backlog: backlogForm,
  topUp: topUpForm,
  users: usersForm,
};
const AND = new Intl.ListFormat("en-GB", { type: "conjunction" });
const OR = new Intl.ListFormat("en-GB", { type: "disjunction" });
const KINDS = Object.keys(FORMS) as (keyof typeof FORMS)[];

/** What may stand in each form, by its key. */
export const PROFILE_SHAPES: ReadonlyMap<string, Shape> = new Map(
  KINDS.map((kind) => [kind, shapeOf(FORMS[kind])]),
);

/**
 * The profile of a scenario: a rate, `max`, steps, a ramp, a sine, a week, a replay, a backlog, what tops up a rate, or users. Its form is chosen first and then read
 * by that form's own schema, so that a fault names the one value that is wrong.
 */
export function profileField(description: string) {
  return z
    .unknown()
    .transform((value, context): ProfileSpec => {
      const result = readProfile(value);
      if (result.success) return result.data;
      for (const issue of result.error.issues) {
        context.issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
      }
      return z.NEVER;
    })
    .meta({ description, anyOf: profileForms(), examples: ["20/s", "max"] });
}

function readProfile(value: unknown): z.ZodSafeParseResult<ProfileSpec> {
  if (value === "max") return { success: true, data: { kind: "max" } };
  if (Array.isArray(value) || suggestStep(value) !== undefined) return undecided(value, []);
  if (typeof value !== "object" || value === null) return constantForm.safeParse(value);
  const kinds = KINDS.filter((kind) => Object.hasOwn(value, kind));
  return kinds.length === 1 ? FORMS[kinds[0]!].safeParse(value) : undecided(value, kinds);
}

/** The keys of no form, or of several. */
function undecided(value: unknown, kinds: readonly string[]): z.ZodSafeParseResult<ProfileSpec> {
  return field({ description: "" }, (): ProfileSpec => {
    throw kinds.length > 1
      ? new ReadError(
          `must have one of the keys ${AND.format(kinds)}, not ${kinds.length === 2 ? "both" : "all"}`,
          {
            remedy: "Keep one, or make a second scenario.",
            hidesValue: true,
          },
        )
      : new ReadError(`must be a rate, max, or a mapping with the key ${OR.format(KINDS)}`, {
          remedy: `Write ${suggestProfile(value)}.`,
          hidesValue: true,
        });
  }).safeParse(value);
}

/** The profile that was most likely meant. */
function suggestProfile(value: unknown): string {
  const steps = Array.isArray(value) ? value.map(suggestStep) : [suggestStep(value)];
  if (steps.length > 0 && steps.length <= 5 && steps.every((step) => step !== undefined)) {
    return `{steps: [${steps.join(", ")}]}`;
  }
  if (typeof value !== "object" || value === null) return "20/s";
  if (Array.isArray(value)) return "{steps: [20/s for 10m, 50/s for 10m]}";
  if (Object.hasOwn(value, "stages")) return "{ramp: {stages: [{to: 200/s, over: 15m}]}}";
  const [only, ...others] = Object.values(value);
  const rate = others.length === 0 ? suggestRate(String(only)) : undefined;
  return rate ?? "20/s";
}

function profileForms(): unknown[] {
  return [
    { type: "string", pattern: RATE_PATTERN, description: "A constant rate." },
    { const: "max", description: "As many as maxInFlight allows (a closed loop)." },
    ...Object.values(FORMS).map((form) => {
      const { $schema: _, ...schema } = z.toJSONSchema(form, { io: "input" });
      return schema;
    }),
  ];
}
