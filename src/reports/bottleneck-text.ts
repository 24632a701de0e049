import type { Evidence, Side } from "../diagnosis/bottleneck.js";
import { msText } from "../readings/summary.js";

/** What a verdict rests on, in words: only what speaks for this side. Empty for `none`. */
export function evidenceText(side: Side, evidence: Evidence): string {
  const { latencyMs, planned } = evidence;
  const part = (name: string, ms: number | null) =>
    ms === null || latencyMs === null ? [] : [`${name} ${msText(ms)} of ${msText(latencyMs)}`];
  const starts = (count: number, what: string) =>
    count > 0 ? [`${count} of ${planned} starts ${what}`] : [];
  switch (side) {
    case "generator":
      return [
        `saturated ${Math.round(evidence.saturatedRatio * 100)}% of the time`,
        ...starts(evidence.droppedSaturated, "dropped"),
      ].join(", ");
    case "broker":
      return [
        ...(evidence.isBrokerUsable ? [] : ["away or blocked"]),
        ...starts(evidence.notTaken, "not taken"),
        ...part("publish", evidence.publishMs),
      ].join(", ");
    case "workers_busy":
    case "workers_idle_but_waiting":
      return [...part("queue", evidence.queueMs ?? evidence.workMs), placesText(evidence)].join(
        ", ",
      );
    case "code":
      return part("run", evidence.runMs ?? evidence.workMs).join(", ");
    case "backend":
      return part("delivery", evidence.deliveryMs).join(", ");
    case "none":
      return "";
  }
}

function placesText({ places, busyRatio, waiting }: Evidence): string {
  if (places === null) return "workers unknown";
  if (places === 0) return `no worker, ${waiting ?? "some"} waiting`;
  if (busyRatio === null) return `${places} places`;
  return `${Math.round(busyRatio * places)} of ${places} places taken`;
}
