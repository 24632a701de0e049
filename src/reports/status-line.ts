import type { LedgerView } from "../readings/ledger-view.js";
import { haveUsers, type Subject } from "../readings/subject.js";
import {
  entriesByTask,
  errorsOf,
  finished,
  latencyText,
  type Summary,
  summarize,
} from "../readings/summary.js";
import { cut, printable, shortened, widthOf } from "../terminal/text.js";

/** A part of the line: all of it, then ever shorter forms for when there is less room; "" leaves it out. */
type Part = readonly string[];

/** Makes the line that a terminal shows each second: what changed since the line before. */
export class StatusLine {
  readonly #subject: Subject;
  readonly #hasUsers: readonly boolean[];
  #before: Summary | null = null;
  #beforeMs: number;

  /** `nowMs` is monotonic, as in `render`. */
  constructor(subject: Subject, nowMs: number) {
    this.#subject = subject;
    this.#hasUsers = haveUsers(subject);
    this.#beforeMs = nowMs;
  }

  /** What was counted before belongs to no line. */
  begin(ledger: LedgerView, nowMs: number): void {
    this.#before = summarize(ledger, [...this.#subject.entries.keys()]);
    this.#beforeMs = nowMs;
  }

  /**
   * `nowMs` is monotonic. Rates and percentiles are of the time since the last call. The line takes at most `width`
   * columns: what says least goes first.
   */
  render(ledger: LedgerView, nowMs: number, width = Number.POSITIVE_INFINITY): string {
    const all = [...this.#subject.entries.keys()];
    const now = summarize(ledger, all);
    const before = this.#before ?? summarizeNothing(now);
    const seconds = Math.max(0.001, (nowMs - this.#beforeMs) / 1000);
    this.#before = now;
    this.#beforeMs = nowMs;

    const latencies = now.latencies.map((count, index) => count - before.latencies[index]!);
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => latencyText(latencies, q));
    const achieved = (now.counters.published - before.counters.published) / seconds;
    const done = (finished(now) - finished(before)) / seconds;
    const count = (name: string, value: number) => (value > 0 ? `${name} ${value}` : "");
    const target = this.#target(ledger);
    const of = this.#hasUsers.includes(true) ? "by" : "of";
    const parts: Record<string, Part> = {
      stages: this.#stages(ledger),
      target: [`target ${target}`, ""],
      achieved: [`achieved ${achieved.toFixed(1)}/s`, `${achieved.toFixed(1)} ${of} ${target}`],
      done: [`done ${done.toFixed(1)}/s`, ""],
      inFlight: [`in flight ${now.inFlight + now.publishing}`, ""],
      latency: [`p50 ${p50} p95 ${p95} p99 ${p99}`, `p50 ${p50} p99 ${p99}`, `p99 ${p99}`],
      errors: this.#errors(ledger),
      timedOut: [count("timed out", now.counters.timedOut)],
      dropped: [count("dropped", now.dropped)],
      refused: [count("refused", now.publishFailures)],
    };
    return fitted(parts, width);
  }

  #stages(ledger: LedgerView): Part {
    const { scenarios } = this.#subject;
    const each = scenarios.map(({ name, stages }, index) => {
      const state = ledger.scenarioState(index);
      const stage = ledger.scenario(index, "stage");
      const isActive = state === "warming" || state === "running";
      const number = isActive ? ` ${stage + 1}/${stages.length}` : "";
      const stageName = isActive ? ` ${stages[stage]?.name ?? ""}` : "";
      return { all: `${printable(name)} ${state}${number}${stageName}`, name, state, number };
    });
    const states = [...new Set(each.map(({ state }) => state))].map(
      (state) => `${each.filter((scenario) => scenario.state === state).length} ${state}`,
    );
    const short =
      each.length === 1
        ? `${shortened(printable(each[0]!.name), 16)}${each[0]!.number || ` ${each[0]!.state}`}`
        : states.join(", ");
    return [each.map(({ all }) => all).join(", "), short];
  }

  #target(ledger: LedgerView): string {
    let sum = 0;
    let users = 0;
    for (const index of this.#subject.scenarios.keys()) {
      if (this.#hasUsers[index]) users += ledger.scenario(index, "users");
      else sum += ledger.scenario(index, "targetRate");
    }
    if (Number.isNaN(sum)) return "max";
    const rate = `${Number(sum.toFixed(1))}/s`;
    if (!this.#hasUsers.includes(true)) return rate;
    const there = `${users} ${users === 1 ? "user" : "users"}`;
    return sum === 0 ? there : `${rate} and ${there}`;
  }

  #errors(ledger: LedgerView): Part {
    const texts: string[] = [];
    let total = 0;
    for (const [task, entries] of entriesByTask(this.#subject)) {
      for (const [exception, count] of errorsOf(ledger, this.#subject, entries)) {
        texts.push(printable(`${task} ${exception} ${count}`));
        total += count;
      }
    }
    return total === 0 ? [""] : [`errors ${texts.join(", ")}`, `errors ${total}`];
  }
}

/** Which part is shortened next, when the line has no room: the last ones are what the line is for. */
const SHORTENED_FIRST = [
  ...["errors", "latency", "stages", "done", "achieved", "target", "latency", "inFlight"],
] as const;

function fitted(parts: Readonly<Record<string, Part>>, width: number): string {
  const forms = new Map(Object.entries(parts));
  const line = () =>
    [...forms.values()].flatMap(([form]) => (form === "" ? [] : [form])).join(" | ");
  for (const name of SHORTENED_FIRST) {
    if (widthOf(line()) <= width) return line();
    const [, ...shorter] = forms.get(name)!;
    if (shorter.length > 0) forms.set(name, shorter);
  }
  return cut(line(), width);
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
