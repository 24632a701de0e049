import type { Arrival } from "../../plan/arrival.js";
import { choiceFor } from "../faults/suggest.js";
import { field, ReadError } from "../fields.js";

const BURST = /^burst +of +([1-9][0-9]{0,5})$/;

/** `even`, `poisson`, or `burst of 50`. */
export const arrivalField = field(
  {
    description:
      "Starts at even intervals, or at random ones with the same mean, or so many at once: `burst of 50` at 100/s is 50 starts every half a second.",
    anyOf: [{ enum: ["even", "poisson"] }, { type: "string", pattern: BURST.source }],
    examples: ["poisson", "burst of 50"],
  },
  (value): Arrival => {
    if (value === "even" || value === "poisson") return value;
    const [, starts] = typeof value === "string" ? (BURST.exec(value.trim()) ?? []) : [];
    if (starts !== undefined) return { burstOf: Number(starts) };
    throw new ReadError("must be even, poisson or a burst such as burst of 50", {
      remedy: remedyFor(value),
    });
  },
);

function remedyFor(value: unknown): string {
  const [, starts] = /^bursts?\b\D*([1-9][0-9]{0,5})\b/.exec(String(value)) ?? [];
  if (starts !== undefined) return `Write burst of ${starts}.`;
  return choiceFor(value, ["even", "poisson"]) ?? "Write it like burst of 50.";
}
