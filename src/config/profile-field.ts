import * as z from "zod";
import { duration, field, ReadError, rateMeta, readDuration, readRate } from "./fields.js";
import { RATE_PATTERN, suggestDuration, suggestRate } from "./quantities.js";

/** How many tasks to start when: starts a second and milliseconds, the input of `plan/profile.ts`. */
export type ProfileSpec =
  | { readonly kind: "constant"; readonly ratePerSecond: number }
  | {
      readonly kind: "steps";
      readonly stages: readonly { readonly ratePerSecond: number; readonly durationMs: number }[];
      readonly repeat: boolean;
    }
  | {
      readonly kind: "ramp";
      readonly fromPerSecond: number;
      readonly stages: readonly { readonly toPerSecond: number; readonly durationMs: number }[];
    }
  | { readonly kind: "max" };

/**
 * The profile of a scenario: a rate, `max`, steps, or a ramp. Its form is chosen first and then read
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

/** The highest rate that a profile reaches, starts a second; Infinity for `max`. */
export function peakPerSecond(profile: ProfileSpec): number {
  switch (profile.kind) {
    case "constant":
      return profile.ratePerSecond;
    case "steps":
      return highest(profile.stages.map((stage) => stage.ratePerSecond));
    case "ramp":
      return highest([profile.fromPerSecond, ...profile.stages.map((stage) => stage.toPerSecond)]);
    case "max":
      return Number.POSITIVE_INFINITY;
  }
}

/** `Math.max` takes its values as arguments, of which there may not be too many. */
function highest(rates: readonly number[]): number {
  return rates.reduce((peak, rate) => Math.max(peak, rate), 0);
}

function readProfile(value: unknown) {
  if (value === "max") return z.literal("max").transform(toMax).safeParse(value);
  if (Array.isArray(value) || suggestStep(value) !== undefined) {
    return undecidedForm(false).safeParse(value);
  }
  if (typeof value !== "object" || value === null) return constantForm.safeParse(value);
  const kinds = ["steps", "ramp"].filter((kind) => Object.hasOwn(value, kind));
  if (kinds.length !== 1) return undecidedForm(kinds.length > 1).safeParse(value);
  return kinds[0] === "steps" ? stepsForm.safeParse(value) : rampForm.safeParse(value);
}

function toMax(): ProfileSpec {
  return { kind: "max" };
}

const constantForm = field(
  rateMeta("Task starts a second (s), minute (m) or hour (h)."),
  (value) => {
    try {
      return { kind: "constant", ratePerSecond: readRate(value) } satisfies ProfileSpec;
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      const remedy = UNBOUNDED.test(String(value)) ? { remedy: "Write max." } : {};
      throw new ReadError(error.message, { ...error.details, noun: "rate", ...remedy });
    }
  },
);

/** Other words for `max`. */
const UNBOUNDED = /^\s*(?:max|maximum|unlimited|unbounded|inf|infinity)\s*$/i;

/** Neither or both of the forms with keys. */
function undecidedForm(isBoth: boolean) {
  return field({ description: "" }, (value): ProfileSpec => {
    throw isBoth
      ? new ReadError("must have one of the keys steps and ramp, not both", {
          remedy: "Keep one, or make a second scenario.",
          hidesValue: true,
        })
      : new ReadError("must be a rate, max, or a mapping with the key steps or ramp", {
          remedy: `Write ${suggestProfile(value)}.`,
          hidesValue: true,
        });
  });
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

const stepsForm = z
  .strictObject({
    steps: z
      .array(
        field(
          {
            description: "A rate and how long it is held.",
            type: "string",
            examples: ["20/s for 10m"],
          },
          readStep,
        ),
      )
      .min(1, { error: "must have at least one step" })
      .meta({ description: "Rates that are held one after another." }),
    repeat: z
      .boolean({ error: "must be true or false" })
      .meta({ description: "Start again after the last step instead of ending." })
      .prefault(false),
  })
  .transform(({ steps, repeat }): ProfileSpec => ({ kind: "steps", stages: steps, repeat }));

function readStep(value: unknown): { ratePerSecond: number; durationMs: number } {
  const [, rate, time] = /^(\S+) +for +(\S+)$/.exec(String(value)) ?? [];
  if (typeof value !== "string" || rate === undefined || time === undefined) {
    throw new ReadError("must be a rate and a duration such as 20/s for 10m", stepRemedy(value));
  }
  return {
    ratePerSecond: readPart("rate", value, () => readRate(rate)),
    durationMs: readPart("duration", value, () => readDuration(time, true)),
  };
}

function stepRemedy(value: unknown): { readonly remedy: string } {
  const step = suggestStep(value);
  const isNew = step !== undefined && step !== value;
  return { remedy: isNew ? `Write ${step}.` : "Write it like 20/s for 10m." };
}

/** The step that was most likely meant by `10 for 1m`, `10/s 1m`, `{rate: 10/s, duration: 1m}`, `{10/s: 1m}`. */
function suggestStep(value: unknown): string | undefined {
  const [first = "", second = ""] = partsOfStep(value);
  const rate = suggestRate(first);
  const time = suggestDuration(second);
  return rate === undefined || time === undefined ? undefined : `${rate} for ${time}`;
}

function partsOfStep(value: unknown): readonly string[] {
  if (typeof value === "string") {
    const [, rate = "", time = ""] =
      /^(\S+(?: ?\/ ?[a-z]+)?)(?:\s+(?:for|during|x)\s+|\s*,\s*|\s+)(\d.*)$/i.exec(value) ?? [];
    return [rate, time];
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) return [only[0], String(only[1])];
  const { rate, duration, for: held } = value as Readonly<Record<string, unknown>>;
  return [String(rate), String(duration ?? held)];
}

/** The same fault, but saying which part of the step it is about. */
function readPart(part: string, step: unknown, read: () => number): number {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ReadError)) throw error;
    throw new ReadError(`${part} ${error.message}`, stepRemedy(step));
  }
}

const rate = (description: string) => field(rateMeta(description), readRate);

const rampStage = z
  .strictObject({
    to: rate("Rate at the end of the stage.").optional(),
    over: duration("How long the rate moves there.", { positive: true }).optional(),
    hold: duration("How long the rate of the stage before is held; instead of `to` and `over`.", {
      positive: true,
    }).optional(),
  })
  .superRefine(({ to, over, hold }, context) => {
    const isHold = hold !== undefined && to === undefined && over === undefined;
    const isMove = hold === undefined && to !== undefined && over !== undefined;
    if (isHold || isMove) return;
    context.addIssue({
      code: "custom",
      message: "must have either to and over, or hold",
      params: { remedy: "Write {to: 200/s, over: 15m} or {hold: 1h}.", hidesValue: true },
    });
  });

const rampForm = z
  .strictObject({
    ramp: z
      .strictObject({
        from: rate("Rate at the start.").prefault("0/s"),
        stages: z
          .array(rampStage)
          .min(1, { error: "must have at least one stage" })
          .meta({ description: "Stages: `{to: 200/s, over: 15m}` or `{hold: 1h}`." }),
      })
      .meta({ description: "Rates that change in straight lines." }),
  })
  .transform(({ ramp }): ProfileSpec => {
    let toPerSecond = ramp.from;
    const stages = ramp.stages.map(({ to, over, hold }) => {
      toPerSecond = to ?? toPerSecond;
      return { toPerSecond, durationMs: hold ?? over ?? 0 };
    });
    return { kind: "ramp", fromPerSecond: ramp.from, stages };
  });

function profileForms(): unknown[] {
  return [
    { type: "string", pattern: RATE_PATTERN, description: "A constant rate." },
    { const: "max", description: "As many as maxInFlight allows (a closed loop)." },
    ...[stepsForm, rampForm].map((form) => {
      const { $schema: _, ...schema } = z.toJSONSchema(form, { io: "input" });
      return schema;
    }),
  ];
}
