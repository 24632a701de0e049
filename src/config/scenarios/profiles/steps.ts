import * as z from "zod";
import type { RatedSpec } from "../../../plan/profile.js";
import { field, ReadError, readDuration, readRate } from "../../fields.js";
import { suggestDuration, suggestRate } from "../../quantities.js";

/** `{steps: [20/s for 10m, 100/s for 10m], repeat: true}`: rates that are held one after another. */
export const stepsForm = z
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
      .meta({
        description:
          "Start again after the last step, or the last number of users, instead of ending.",
      })
      .prefault(false),
  })
  .transform(({ steps, repeat }): RatedSpec<"steps"> => ({ kind: "steps", stages: steps, repeat }));

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
export function suggestStep(value: unknown): string | undefined {
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
