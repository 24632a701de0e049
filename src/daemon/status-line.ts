import type { LedgerView } from "../exposition/ledger-view.js";
import type { Subject } from "../exposition/subject.js";
import {
  entriesByTask,
  errorsOf,
  finished,
  latencyText,
  type Summary,
  summarize,
} from "./summary.js";

/** Makes the line that a terminal shows each second: what changed since the line before. */
export class StatusLine {
  readonly #subject: Subject;
  #before: Summary | null = null;
  #beforeMs: number;

  /** `nowMs` is monotonic, as in `render`. */
  constructor(subject: Subject, nowMs: number) {
    this.#subject = subject;
    this.#beforeMs = nowMs;
  }

  /** `nowMs` is monotonic. Rates and percentiles are of the time since the last call. */
  render(ledger: LedgerView, nowMs: number): string {
    const all = [...this.#subject.entries.keys()];
    const now = summarize(ledger, all);
    const before = this.#before ?? summarizeNothing(now);
    const seconds = Math.max(0.001, (nowMs - this.#beforeMs) / 1000);
    this.#before = now;
    this.#beforeMs = nowMs;

    const latencies = now.latencies.map((count, index) => count - before.latencies[index]!);
    const achieved = (now.counters.published - before.counters.published) / seconds;
    const done = (finished(now) - finished(before)) / seconds;
    const parts = [
      this.#stages(ledger),
      `target ${this.#target(ledger)}`,
      `achieved ${achieved.toFixed(1)}/s`,
      `done ${done.toFixed(1)}/s`,
      `in flight ${now.inFlight + now.publishing}`,
      `p50 ${latencyText(latencies, 0.5)} p95 ${latencyText(latencies, 0.95)} p99 ${latencyText(latencies, 0.99)}`,
      ...this.#errors(ledger),
      ...(now.counters.timedOut > 0 ? [`timed out ${now.counters.timedOut}`] : []),
      ...(now.dropped > 0 ? [`dropped ${now.dropped}`] : []),
      ...(now.publishFailures > 0 ? [`refused ${now.publishFailures}`] : []),
    ];
    return parts.join(" | ");
  }

  #stages(ledger: LedgerView): string {
    return this.#subject.scenarios
      .map(({ name, stages }, index) => {
        const state = ledger.scenarioState(index);
        const stage = ledger.scenario(index, "stage");
        const isActive = state === "warming" || state === "running";
        const place = isActive ? ` ${stage + 1}/${stages.length} ${stages[stage]?.name ?? ""}` : "";
        return `${name} ${state}${place}`;
      })
      .join(", ");
  }

  #target(ledger: LedgerView): string {
    let sum = 0;
    for (const index of this.#subject.scenarios.keys()) {
      sum += ledger.scenario(index, "targetRate");
    }
    return Number.isNaN(sum) ? "max" : `${Number(sum.toFixed(1))}/s`;
  }

  #errors(ledger: LedgerView): string[] {
    const texts: string[] = [];
    for (const [task, entries] of entriesByTask(this.#subject)) {
      for (const [exception, count] of errorsOf(ledger, this.#subject, entries)) {
        texts.push(`${task} ${exception} ${count}`);
      }
    }
    return texts.length === 0 ? [] : [`errors ${texts.join(", ")}`];
  }
}

function summarizeNothing(like: Summary): Summary {
  return {
    ...like,
    counters: Object.fromEntries(
      Object.keys(like.counters).map((name) => [name, 0]),
    ) as Summary["counters"],
    latencies: new Float64Array(like.latencies.length),
  };
}
