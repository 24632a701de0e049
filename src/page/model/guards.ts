import type { LiveStatus } from "../../reports/live-status.js";
import { durationText, numberText, percentText } from "./format.js";

export type GuardStatus = LiveStatus["status"]["guards"][string];

/** What is found, what the limit is, and what comes of it: `now 120, limit 50,000: then pause`. A block has no limit. */
export function guardText({ watch, value, limit, action, scenarios, factor }: GuardStatus): string {
  const text = TEXTS[watch];
  const found = value === null ? "" : `now ${text(value)}, `;
  const until = watch === "brokerBlocked" ? "when it is blocked" : `limit ${text(limit)}`;
  const part = factor < 1 ? ` at ${percentText(factor)} of the plan` : "";
  const then =
    scenarios.length === 0 ? `then ${action}` : `it holds ${scenarios.join(", ")}${part}`;
  return `${found}${until}: ${then}`;
}

/** Values in the unit of what is watched: shares are ratios, times milliseconds. */
const TEXTS: Readonly<Record<GuardStatus["watch"], (value: number) => string>> = {
  queueLength: numberText,
  brokerMemory: percentText,
  brokerBlocked: (value) => (value > 0 ? "blocked" : "accepting"),
  backlogSlope: percentText,
  failedShare: percentText,
  latency: msText,
  share: percentText,
  scrapeAge: msText,
};

function msText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : durationText(ms / 1000);
}
