import type { TopUpSpec } from "../plan/profiles/fed.js";
import type { Feed, FeedAnswer, FeedFacts } from "./feed.js";

/** The rate of others is that of the last seconds. */
const WINDOW_MS = 10_000;
/** Less says nothing. */
const LEAST_MS = 5_000;

/** What the tasks of others leave of a rate. */
export class TopUpFeed implements Feed {
  readonly #spec: TopUpSpec;
  /** The oldest first. */
  #seen: { readonly nowMs: number; readonly others: number }[] = [];

  constructor(spec: TopUpSpec) {
    this.#spec = spec;
  }

  look({ nowMs, others }: FeedFacts): FeedAnswer {
    if (others === null) {
      this.#seen = [];
      return { unknown: "the workers send no events of tasks (celery worker -E, or events: on)" };
    }
    // It counts from 0 again when the connection was lost.
    if (others < (this.#seen.at(-1)?.others ?? 0)) this.#seen = [];
    this.#seen.push({ nowMs, others });
    const isOld = (each: { nowMs: number } | undefined) =>
      each !== undefined && each.nowMs <= nowMs - WINDOW_MS;
    while (isOld(this.#seen[1])) this.#seen.shift();
    const [first] = this.#seen;
    const lastedMs = nowMs - first!.nowMs;
    if (lastedMs < LEAST_MS)
      return { unknown: "what others send is counted for some seconds first" };
    const perSecond = ((others - first!.others) * 1000) / lastedMs;
    return { perSecond: Math.max(0, this.#spec.toPerSecond - perSecond) };
  }
}
