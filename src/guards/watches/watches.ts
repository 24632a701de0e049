import type { GuardPlan, GuardSubject, Watch } from "../guard-plan.js";
import { watchBacklogSlope } from "./backlog-slope.js";
import { watchBrokerBlocked } from "./broker-blocked.js";
import { watchBrokerMemory } from "./broker-memory.js";
import { watchFailedShare } from "./failed-share.js";
import { watchLatency } from "./latency.js";
import { watchQueueLength } from "./queue-length.js";
import { watchScrapeAge } from "./scrape-age.js";
import { watchShare } from "./share.js";
import type { Watcher } from "./watch.js";

/** What of a guard is watched and how it is told. */
interface WatchKind {
  readonly open: (subject: GuardSubject, plan: GuardPlan) => Watcher;
  /** A value in words: `62000 messages`. */
  readonly say: (value: number) => string;
}

/** A new watch is a row here, its file beside this one, and a row in `config/guard-watches.ts`. */
export const WATCHES: Readonly<Record<Watch, WatchKind>> = {
  queueLength: { open: watchQueueLength, say: (value) => `${value} messages` },
  brokerMemory: { open: watchBrokerMemory, say: (value) => `${percent(value)} of its memory` },
  brokerBlocked: {
    open: watchBrokerBlocked,
    say: (value) => (value > 0 ? "blocked" : "not blocked"),
  },
  backlogSlope: {
    open: watchBacklogSlope,
    say: (value) => `${percent(value)} of what is sent piles up`,
  },
  failedShare: { open: watchFailedShare, say: (value) => `${percent(value)} failed` },
  latency: {
    open: watchLatency,
    say: (ms) => (ms === Number.POSITIVE_INFINITY ? "timed out" : `latency ${seconds(ms)}`),
  },
  share: { open: watchShare, say: (value) => `our share ${percent(value)}` },
  scrapeAge: { open: watchScrapeAge, say: (ms) => `no scrape for ${seconds(ms)}` },
};

function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(3))} %`;
}

function seconds(ms: number): string {
  return `${Number((ms / 1_000).toPrecision(3))} s`;
}
