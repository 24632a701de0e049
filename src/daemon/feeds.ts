import { createFeed, type Feed } from "../feeds/feed.js";
import type { FeedPlan } from "../feeds/feed-plan.js";
import { type Logger, OnceAMinute } from "../log.js";
import type { ObservedConnection } from "../observer/connection-observer.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";

export interface FeedLook {
  readonly nowMs: number;
  readonly ledger: LedgerView;
  readonly subject: Subject;
  readonly observed: readonly ObservedConnection[];
}

/** Which part of its highest rate a scenario is to have from now on. */
export type SendFeed = (scenario: number, factor: number) => void;

/** Has the rates of scenarios follow what is observed, and says when that is not known. */
export class Feeds {
  /** `planMs`: for how long each has run. */
  readonly #feeds: readonly { readonly plan: FeedPlan; readonly feed: Feed; planMs: number }[];
  readonly #log: Logger;
  readonly #send: SendFeed;
  readonly #often = new OnceAMinute();
  #lastMs: number | null = null;

  constructor(plans: readonly FeedPlan[], log: Logger, send: SendFeed) {
    this.#feeds = plans.map((plan) => ({ plan, feed: createFeed(plan), planMs: 0 }));
    this.#log = log;
    this.#send = send;
  }

  /** About once a second. */
  look({ nowMs, ledger, subject, observed }: FeedLook): void {
    const passedMs = this.#lastMs === null ? 0 : nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    for (const each of this.#feeds) {
      const { plan, feed } = each;
      const { scenario, name, queue, mostPerSecond } = plan;
      const state = ledger.scenarioState(scenario);
      if (state === "running" || state === "warming") each.planMs += passedMs;
      const seen = observed[plan.connection]?.queues.find((each) => each.name === queue);
      const own = [...subject.entries.keys()].filter((entry) => {
        const { scenario: of, queue: to } = subject.entries[entry]!;
        return of === scenario && to === queue;
      });
      const answer = feed.look({
        nowMs,
        depth: seen?.ready ?? null,
        others: seen?.started?.others ?? null,
        ours: own.reduce((sum, entry) => sum + ledger.counter(entry, "published"), 0),
        planMs: each.planMs,
      });
      if ("unknown" in answer && this.#often.allows(`${name} ${answer.unknown}`, nowMs)) {
        this.#log.warn({ scenario: name, queue }, `${name} starts nothing: ${answer.unknown}`);
      }
      this.#send(scenario, "unknown" in answer ? 0 : answer.perSecond / mostPerSecond);
    }
  }
}
