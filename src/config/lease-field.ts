import { LONGEST_LEASE_MS, SHORTEST_LEASE_MS } from "../lease/lease-times.js";
import { field, ReadError, readDuration } from "./fields.js";
import { DURATION_PATTERN, formatDuration } from "./quantities.js";

/** The lease time of `lease: true`. */
const USUAL_MS = 15_000;

/** `false`, `true`, or a lease time; read as milliseconds, or null for none. */
export function leaseField(description: string) {
  const meta = {
    description,
    anyOf: [{ type: "boolean" }, { type: "string", pattern: DURATION_PATTERN }],
    examples: [true, "30s"],
  };
  return field(meta, (value) => {
    if (value === false) return null;
    return value === true ? USUAL_MS : readLeaseTime(value);
  });
}

function readLeaseTime(value: unknown): number {
  if (typeof value !== "string" && typeof value !== "number") throw wrong();
  const leaseMs = readDuration(value);
  if (leaseMs < SHORTEST_LEASE_MS || leaseMs > LONGEST_LEASE_MS) throw wrong();
  return leaseMs;
}

function wrong(): ReadError {
  const [least, most] = [SHORTEST_LEASE_MS, LONGEST_LEASE_MS].map(formatDuration);
  return new ReadError(`must be true, false, or a lease time from ${least} to ${most}`, {
    remedy: `Write true for ${formatDuration(USUAL_MS)}.`,
  });
}
