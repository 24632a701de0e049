import type { Steering } from "../control/steering-port.js";
import type { GuardPlan } from "../guards/guard-plan.js";
import {
  type GuardFacts,
  type GuardNews,
  type GuardOrder,
  type GuardStanding,
  GuardWatch,
} from "../guards/guard-watch.js";
import type { Logger } from "../log.js";

/** Looks with the guards, has their orders done and says in the log what comes of it. */
export class Guards {
  readonly #watch: GuardWatch;
  readonly #steering: Steering;
  readonly #log: Logger;
  readonly #onNews: (news: GuardNews) => void;

  constructor(
    plans: readonly GuardPlan[],
    steering: Steering,
    log: Logger,
    onNews: (news: GuardNews) => void,
  ) {
    this.#watch = new GuardWatch(plans, steering.state, performance.now());
    this.#steering = steering;
    this.#log = log;
    this.#onNews = onNews;
  }

  get standings(): readonly GuardStanding[] {
    return this.#watch.standings(performance.now());
  }

  /** About once a second. Resolves when the orders that come of it are answered. */
  async look(facts: GuardFacts): Promise<void> {
    const { orders, news } = this.#watch.look(facts, this.#steering.state);
    for (const each of news) {
      this.#say(each);
      this.#onNews(each);
    }
    for (const each of orders) await this.#order(each);
  }

  async #order({ guard, order, by }: GuardOrder): Promise<void> {
    const answer = await this.#steering.order(order, by);
    if (!("refused" in answer)) return;
    const faults = "faults" in answer ? answer.faults.map(({ message }) => message) : [];
    this.#log.warn({ guard, order, faults }, "an order of a guard is refused; it is given again");
  }

  #say({ type, guard, text }: GuardNews): void {
    this.#log[LEVELS[type]]({ guard }, `guard ${guard}: ${text}`);
  }
}

const LEVELS = {
  pending: "debug",
  throttled: "debug",
  fired: "warn",
  blind: "warn",
  over: "info",
  sees: "info",
} as const satisfies Record<GuardNews["type"], keyof Logger>;
