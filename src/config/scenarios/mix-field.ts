import { field, ReadError, readEach } from "../fields.js";
import { nullRecord } from "../null-record.js";

/**
 * What a scenario publishes in which proportion: `{resize: 3, thumb: 1}`, `[resize, thumb]` or
 * `resize`, read as weights by name.
 */
export function mixField(description: string) {
  const meta = {
    description,
    anyOf: [
      {
        type: "object",
        additionalProperties: { type: "number", exclusiveMinimum: 0 },
        minProperties: 1,
      },
      { type: "array", items: { type: "string" }, minItems: 1, uniqueItems: true },
      { type: "string" },
    ],
    examples: [{ resize: 3, thumb: 1 }],
  };
  return field(meta, readMix);
}

function readMix(value: unknown): Record<string, number> {
  if (typeof value === "string") return nullRecord([[value, 1]]);
  if (typeof value !== "object" || value === null) {
    throw new ReadError("must be a mapping of tasks to weights", MIX_REMEDY);
  }
  const names = new Set<unknown>();
  const entries: [string, unknown][] = Array.isArray(value)
    ? readEach(value, (name: unknown, index) => {
        const isRepeated = names.has(name);
        names.add(name);
        return readMixName(name, isRepeated, index);
      })
    : Object.entries(value);
  if (entries.length === 0) throw new ReadError("must name at least one task", MIX_REMEDY);
  return nullRecord(readEach(entries, ([name, weight]) => [name, readWeight(name, weight)]));
}

const MIX_REMEDY = { remedy: "Write {resize: 3, thumb: 1}.", hidesValue: true };

function readMixName(name: unknown, isRepeated: boolean, index: number): [string, number] {
  if (typeof name !== "string") {
    const remedy = "Write {resize: 3, thumb: 1} for weights, or [resize, thumb].";
    throw new ReadError("must be the key of a task", { remedy }, [index]);
  }
  if (isRepeated) {
    throw new ReadError("must be named once", { remedy: "Give it a weight instead." }, [index]);
  }
  return [name, 1];
}

function readWeight(name: string, weight: unknown): number {
  if (typeof weight === "number" && weight > 0 && weight <= MAX_WEIGHT) return weight;
  const remedy = weight === 0 ? "Remove the task from the mix." : weightRemedy(weight);
  throw new ReadError(`must be a weight above 0 and at most ${MAX_WEIGHT}`, { remedy }, [name]);
}

/** `75%` and `"3"` are meant as numbers: weights are relative, so that per cents do as well. */
function weightRemedy(weight: unknown): string {
  const [, number] = /^(\d+(?:\.\d+)?) ?%?$/.exec(String(weight)) ?? [];
  return number === undefined || Number(number) === 0 ? "Write it like 3." : `Write ${number}.`;
}

/** Enough for any share, small enough for exact sums. */
const MAX_WEIGHT = 1_000_000;
