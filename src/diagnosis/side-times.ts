import type { Side } from "./bottleneck.js";

/** For how long of a run each side was the slow one, task by task. */
export class SideTimes {
  readonly #seconds = new Map<string, Map<Side, number>>();
  #lastMs: number;

  /** `nowMs` is monotonic, as in `look`. */
  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  /** The verdicts that stood since the last look, by task. */
  look(sides: ReadonlyMap<string, Side>, nowMs: number): void {
    const seconds = (nowMs - this.#lastMs) / 1000;
    this.#lastMs = nowMs;
    for (const [task, side] of sides) {
      const times = this.#seconds.get(task) ?? new Map<Side, number>();
      times.set(side, (times.get(side) ?? 0) + seconds);
      this.#seconds.set(task, times);
    }
  }

  of(task: string): Partial<Record<Side, number>> {
    return Object.fromEntries(this.#seconds.get(task) ?? []);
  }
}
