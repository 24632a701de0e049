/**
 * Values as Python's serializers have them: JavaScript's for what JSON has, with a `Map` for a dictionary, and
 * `Foreign` for what it has not.
 */
export type PythonValue =
  | string
  | number
  | boolean
  | null
  | Foreign
  | PythonValue[]
  | Map<PythonValue, PythonValue>;

/** A value as far as it could be read. */
export interface PartValue {
  readonly value: PythonValue;
  readonly isWhole: boolean;
}

/** A value that JSON has none for: bytes, a set, a class, an object. Nothing of it is ever resolved or run. */
export class Foreign {
  /** Qualified name of the class, or of what makes the value; "" where there is none. */
  readonly name: string;

  constructor(name = "") {
    this.name = name;
  }
}

/** Deeper ones are not read. */
export const MAX_DEPTH = 64;
/** Values in one: references may make much of few bytes. */
const MAX_VALUES = 100_000;

/** JSON text of a value, keys as Python's `json` writes them; undefined when JSON has none, or it is too large. */
export function jsonText(value: unknown): string | undefined {
  let values = 0;
  const write = (each: unknown, depth: number): string => {
    if (++values > MAX_VALUES || depth > MAX_DEPTH) throw new NoJson();
    if (typeof each === "number" ? Number.isFinite(each) : isScalar(each)) {
      return JSON.stringify(each);
    }
    if (Array.isArray(each)) return `[${each.map((item) => write(item, depth + 1)).join(", ")}]`;
    if (!(each instanceof Map)) throw new NoJson();
    const members = [...each].map(([key, item]) => {
      if (!isScalar(key) && typeof key !== "number") throw new NoJson();
      return `${JSON.stringify(String(key))}: ${write(item, depth + 1)}`;
    });
    return `{${members.join(", ")}}`;
  };
  try {
    return write(value, 0);
  } catch (error) {
    if (error instanceof NoJson) return undefined;
    throw error;
  }
}

class NoJson extends Error {}

function isScalar(value: unknown): value is string | boolean | null {
  return value === null || typeof value === "string" || typeof value === "boolean";
}
