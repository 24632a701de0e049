/** Running totals at a moment. */
interface Look<Totals> {
  readonly nowMs: number;
  readonly totals: Totals;
}

/** Keeps running totals of a while, a few seconds apart: what happened in it is the last less the first. */
export class Recent<Totals> {
  readonly #windowMs: number;
  readonly #everyMs: number;
  #looks: Look<Totals>[] = [];

  constructor(windowMs: number, everyMs: number) {
    this.#windowMs = windowMs;
    this.#everyMs = everyMs;
  }

  /** Takes the totals of now when the last are old enough, and returns those at the begin of the window. */
  look(nowMs: number, totals: Totals): Look<Totals> {
    const last = this.#looks.at(-1);
    if (last === undefined || nowMs - last.nowMs >= this.#everyMs) {
      this.#looks.push({ nowMs, totals });
    }
    while (this.#looks.length > 1 && nowMs - this.#looks[1]!.nowMs >= this.#windowMs) {
      this.#looks.shift();
    }
    return this.#looks[0]!;
  }

  /** What was before says nothing of what is now. */
  forget(): void {
    this.#looks = [];
  }
}

/** Window of what is counted: a minute. */
export const WINDOW_MS = 60_000;
export const EVERY_MS = 5_000;
/** Tasks that must have ended in it. */
export const MIN_SAMPLES = 20;
