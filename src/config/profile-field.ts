import * as z from "zod";
import { duration, field, ReadError, rateMeta, readDuration, readRate } from "./fields.js";
import { RATE_PATTERN } from "./quantities.js";

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
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return constantForm.safeParse(value);
  }
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
      throw error instanceof ReadError
        ? new ReadError(error.message, { ...error.details, noun: "rate" })
        : error;
    }
  },
);

/** Neither or both of the forms with keys. */
function undecidedForm(isBoth: boolean) {
  return field({ description: "" }, (): ProfileSpec => {
    throw isBoth
      ? new ReadError("must have one of the keys steps and ramp, not both", {
          remedy: "Keep one, or make a second scenario.",
          hidesValue: true,
        })
      : new ReadError("must be a rate, max, or a mapping with the key steps or ramp", {
          remedy: "Write 20/s.",
          hidesValue: true,
        });
  });
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
    throw new ReadError("must be a rate and a duration such as 20/s for 10m", {
      remedy: "Write it like 20/s for 10m.",
    });
  }
  return {
    ratePerSecond: readPart("rate", () => readRate(rate)),
    durationMs: readPart("duration", () => readDuration(time, true)),
  };
}

/** The same fault, but saying which part of the step it is about. */
function readPart(part: string, read: () => number): number {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ReadError)) throw error;
    throw new ReadError(`${part} ${error.message}`, { remedy: "Write it like 20/s for 10m." });
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
