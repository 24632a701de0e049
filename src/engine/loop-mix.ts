import { type Mix, mixOf } from "../plan/mix.js";
import { seedOf } from "../plan/random.js";
import type { Regime } from "../plan/regime.js";
import { numberOf } from "../plan/share.js";
import type { PacingOptions } from "./pacing.js";

/** The rows that starts of a closed loop take, of which no plan says how many come when. */
export class LoopRows {
  readonly #options: Pick<PacingOptions, "rows" | "deal" | "readAhead">;
  /** Rows that were taken of each data, in this thread. */
  readonly #taken: Float64Array;
  #isOut = false;

  constructor(options: Pick<PacingOptions, "rows" | "deal" | "readAhead">) {
    this.#options = options;
    this.#taken = new Float64Array(options.rows?.most.length ?? 0);
    options.rows?.most.forEach((_, data) => {
      options.readAhead(data, 0);
    });
  }

  /** There was no row for a start: it was the last one. */
  get isOut(): boolean {
    return this.#isOut;
  }

  /** Which row a start takes, by its place in the mix; 0 where it takes none. */
  take(place: number): number {
    const { rows, deal } = this.#options;
    const data = rows?.dataOf[place] ?? -1;
    if (rows === undefined || data < 0) return 0;
    // The rows that fall to this thread are those whose numbers starts of a plan would have here.
    const ordinal = numberOf(deal, this.#taken[data]!++);
    this.#isOut ||= ordinal >= rows.most[data]!;
    return ordinal;
  }
}

/** What a closed loop starts next: the mix of its entries, and the rows that they take. */
export class LoopMix {
  /** Which of the plan's entries it is, once `take` has answered true. */
  entry = 0;
  /** Which row it takes. */
  ordinal = 0;
  readonly #options: PacingOptions;
  #weights: readonly number[];
  #mix: Mix;
  readonly #rows: LoopRows;

  constructor(options: PacingOptions, regime: Regime) {
    this.#options = options;
    this.#rows = new LoopRows(options);
    this.#weights = regime.weights ?? options.plan.weights;
    this.#mix = this.#begin();
  }

  /** There was no row for a start: it was the last one. */
  get isOutOfRows(): boolean {
    return this.#rows.isOut;
  }

  /** @returns false when there is no row for it */
  take(): boolean {
    const place = this.#mix.take();
    this.entry = this.#options.plan.entries[place]!;
    this.ordinal = this.#rows.take(place);
    return !this.#rows.isOut;
  }

  follow(regime: Regime): void {
    const weights = regime.weights ?? this.#options.plan.weights;
    if (weights.every((weight, entry) => weight === this.#weights[entry])) return;
    this.#weights = weights;
    this.#mix = this.#begin();
  }

  #begin(): Mix {
    const { plan, seed, share } = this.#options;
    return mixOf(plan.choose, this.#weights, seedOf(`mix ${plan.name} ${share.index}`, seed));
  }
}
