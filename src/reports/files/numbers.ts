import type { Judgement } from "./judgements.js";

/** A value in its unit, as people read it: `812 ms`, `1.5%`, `19.9/s`, `3`. */
export function numberText(value: number, unit: Judgement["unit"]): string {
  const short = (number: number) => String(Number(number.toPrecision(3)));
  switch (unit) {
    case "seconds":
      return value < 1 ? `${short(value * 1000)} ms` : `${short(value)} s`;
    case "ratio":
      return `${short(value * 100)}%`;
    case "per_second":
      return `${Number(value.toPrecision(4))}/s`;
    default:
      return String(value);
  }
}
