import type { RecordedKind, RecordedTasks, Recording } from "../plan/profiles/replay.js";

/** A row of a file of starts. */
export interface StartRow {
  /** Unix time, or time since some moment, milliseconds. */
  readonly timeMs: number;
  /** A key of the mix, or a registered name; null: it names none. */
  readonly task: string | null;
  readonly queue: string | null;
  readonly priority: number | null;
  /** So many starts from there to the next time; null: one start at the time itself. */
  readonly count: number | null;
}

/** A task of the scenario's mix. */
export interface RecordableTask {
  readonly key: string;
  /** As it is registered, or measured. */
  readonly name: string;
  readonly queue: string;
  /** Why rows cannot name its queue or priority, in a clause; null: they can. */
  readonly isFixedAs: string | null;
}

export interface RecordingSettings {
  readonly speed: number;
  readonly maxGapMs: number | null;
  readonly tasks: readonly RecordableTask[];
}

/** More starts would take too much memory: 10 bytes each. */
export const MOST_STARTS = 20_000_000;
/** More tasks, queues and priorities are no series that anybody looks at. */
const MOST_KINDS = 200;
const TOLD_TASKS = 5;
const SECOND_MS = 1_000;

/** Makes a recording of the rows of a file, in whatever order they are. Pure. */
export class Recorder {
  readonly #settings: RecordingSettings;
  readonly #times = new Growing();
  readonly #kindOf = new Growing();
  readonly #counts = new Growing();
  readonly #kinds: { task: string; queue: string | null; priority: number | null }[] = [];
  /** By what the row names; -1: it is skipped. */
  readonly #kindNumbers = new Map<string, number>();
  readonly #skippedTasks = new Set<string>();
  /** What the first row has, all have. */
  #form: { readonly hasTask: boolean; readonly hasCount: boolean } | null = null;
  #skipped = 0;
  #outOfOrder = 0;
  #starts = 0;
  #latestMs = Number.NEGATIVE_INFINITY;

  constructor(settings: RecordingSettings) {
    this.#settings = settings;
  }

  /** @throws {Error} that says what is wrong with the row, and what to do */
  add(row: StartRow): void {
    const hasTask = row.task !== null || row.queue !== null || row.priority !== null;
    const hasCount = row.count !== null;
    this.#form ??= { hasTask, hasCount };
    if (this.#form.hasTask !== hasTask) {
      throw new Error(`names ${hasTask ? "a" : "no"} task, unlike the rows before it`);
    }
    if (this.#form.hasCount !== hasCount) {
      throw new Error(`has ${hasCount ? "a" : "no"} count, unlike the rows before it`);
    }
    const kind = hasTask ? this.#kindOfRow(row) : 0;
    if (kind < 0) {
      this.#skipped++;
      return;
    }
    if (row.timeMs < this.#latestMs) this.#outOfOrder++;
    else this.#latestMs = row.timeMs;
    this.#times.push(row.timeMs);
    if (hasTask) this.#kindOf.push(kind);
    if (row.count !== null) this.#counts.push(row.count);
    this.#starts += row.count ?? 1;
    if (this.#starts > MOST_STARTS && (hasTask || !hasCount)) {
      throw new Error(
        `is beyond ${MOST_STARTS} starts. Split the file, or give counts without tasks`,
      );
    }
  }

  /**
   * @param digest of the file and the settings
   * @throws {Error} when there is nothing to start
   */
  finish(digest: string): Recording {
    if (this.#starts === 0) {
      const names = [...this.#skippedTasks].join(", ");
      throw new Error(
        this.#skipped > 0
          ? `names only tasks that are not in the mix (${names}). Add them to the mix`
          : "has no starts. Put one on each line",
      );
    }
    const order = this.#order();
    const times = Float64Array.from(order, (row) => this.#times.at(row));
    const hasCount = this.#form!.hasCount;
    const counts = hasCount ? Float64Array.from(order, (row) => this.#counts.at(row)) : null;
    const rows = {
      used: order.length,
      skipped: this.#skipped,
      outOfOrder: this.#outOfOrder,
      skippedTasks: [...this.#skippedTasks],
    };
    const kinds = this.#form!.hasTask ? order.map((row) => this.#kindOf.at(row)) : null;
    if (counts !== null && kinds === null) {
      return { digest, ...this.#stretches(times, counts), tasks: null, rows };
    }
    const starts =
      counts === null ? { times, kindOf: kinds } : spread(times, counts, kinds as Uint32Array);
    const tasks = starts.kindOf === null ? null : this.#tasks(starts.kindOf);
    return { digest, ...this.#moments(starts.times), tasks, rows };
  }

  #kindOfRow({ task, queue, priority }: StartRow): number {
    const key = JSON.stringify([task, queue, priority]);
    const known = this.#kindNumbers.get(key);
    if (known !== undefined) return known;
    const found = this.#taskOf(task, queue);
    const number = found === undefined ? -1 : this.#numberOf(found, queue, priority);
    if (number < 0 && this.#skippedTasks.size < TOLD_TASKS) this.#skippedTasks.add(task!);
    this.#kindNumbers.set(key, number);
    return number;
  }

  #numberOf(
    { key, queue: own, isFixedAs }: RecordableTask,
    named: string | null,
    priority: number | null,
  ): number {
    const queue = named === own ? null : named;
    if (isFixedAs !== null && (queue !== null || priority !== null)) {
      throw new Error(`names a queue or priority for ${key}, ${isFixedAs}`);
    }
    const known = this.#kinds.findIndex(
      (kind) => kind.task === key && kind.queue === queue && kind.priority === priority,
    );
    if (known >= 0) return known;
    if (this.#kinds.length === MOST_KINDS) {
      throw new Error(`is beyond ${MOST_KINDS} different tasks, queues and priorities`);
    }
    return this.#kinds.push({ task: key, queue, priority }) - 1;
  }

  #taskOf(task: string | null, queue: string | null): RecordableTask | undefined {
    const { tasks } = this.#settings;
    if (task === null) {
      if (tasks.length === 1) return tasks[0];
      throw new Error("names no task, and the mix has several. Add a column task");
    }
    const named = tasks.filter(({ name }) => name === task);
    return (
      tasks.find(({ key }) => key === task) ??
      named.find((each) => each.queue === queue) ??
      named[0]
    );
  }

  /** Rows by their times; those of one time as they stand. */
  #order(): Uint32Array {
    const order = Uint32Array.from({ length: this.#times.length }, (_, row) => row);
    if (this.#outOfOrder === 0) return order;
    return order.sort((one, other) => this.#times.at(one) - this.#times.at(other) || one - other);
  }

  #tasks(kindOf: Uint32Array): RecordedTasks {
    const shared = new SharedArrayBuffer(2 * kindOf.length);
    new Uint16Array(shared).set(kindOf);
    const starts = this.#kinds.map(() => 0);
    for (const kind of kindOf) starts[kind]!++;
    const kinds = this.#kinds.map((kind, number): RecordedKind => {
      return { ...kind, starts: starts[number]! };
    });
    return { kindOf: shared, kinds };
  }

  /** Starts at times of their own. */
  #moments(
    times: Float64Array,
  ): Pick<Recording, "times" | "counts" | "lengthMs" | "mostInASecond"> {
    const { speed } = this.#settings;
    const maxGapMs = this.#settings.maxGapMs ?? Number.POSITIVE_INFINITY;
    const shared = new SharedArrayBuffer(8 * times.length);
    const own = new Float64Array(shared);
    let cutMs = times[0]!;
    for (let start = 1; start < times.length; start++) {
      cutMs += Math.max(0, times[start]! - times[start - 1]! - maxGapMs);
      own[start] = (times[start]! - cutMs) / speed;
    }
    const lastMs = own.at(-1)!;
    // It lasts as long as if one more would follow, so that a loop has no two starts in one place.
    const meanMs = lastMs > 0 ? lastMs / (own.length - 1) : SECOND_MS / speed;
    return {
      ...{ times: shared, counts: null, lengthMs: lastMs + meanMs },
      mostInASecond: mostWithin(own, SECOND_MS),
    };
  }

  /** Counts: a rate from each time to the next. */
  #stretches(
    times: Float64Array,
    counts: Float64Array,
  ): Pick<Recording, "times" | "counts" | "lengthMs" | "mostInASecond"> {
    const { speed } = this.#settings;
    const maxGapMs = this.#settings.maxGapMs ?? Number.POSITIVE_INFINITY;
    const widthMs = leastGap(times);
    const lines: { count: number; durationMs: number }[] = [];
    const add = (count: number, durationMs: number) => {
      const last = lines.at(-1);
      if (count === 0 && last?.count === 0) last.durationMs += durationMs;
      else if (durationMs > 0) lines.push({ count, durationMs });
    };
    for (let row = 0; row < times.length; ) {
      const fromMs = times[row]!;
      let count = 0;
      for (; row < times.length && times[row] === fromMs; row++) count += counts[row]!;
      add(count, widthMs);
      // What rows say nothing of has no starts.
      if (row < times.length) add(0, times[row]! - fromMs - widthMs);
    }
    const lengths = lines.map(({ count, durationMs }) => {
      return (count === 0 ? Math.min(durationMs, maxGapMs) : durationMs) / speed;
    });
    const sharedTimes = new SharedArrayBuffer(8 * (lines.length + 1));
    const borders = new Float64Array(sharedTimes);
    for (const [index, length] of lengths.entries()) borders[index + 1] = borders[index]! + length;
    const sharedCounts = new SharedArrayBuffer(8 * lines.length);
    new Float64Array(sharedCounts).set(lines.map(({ count }) => count));
    let mostInASecond = 0;
    for (const [index, { count }] of lines.entries()) {
      mostInASecond = Math.max(mostInASecond, (count * SECOND_MS) / lengths[index]!);
    }
    return { times: sharedTimes, counts: sharedCounts, lengthMs: borders.at(-1)!, mostInASecond };
  }
}

/** A list of numbers that grows. */
class Growing {
  length = 0;
  #values = new Float64Array(1024);

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Float64Array(2 * this.length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  at(index: number): number {
    return this.#values[index]!;
  }
}

/** Starts of counts, evenly from each time to the next, in order. */
function spread(
  times: Float64Array,
  counts: Float64Array,
  kinds: Uint32Array,
): { readonly times: Float64Array; readonly kindOf: Uint32Array } {
  const widthMs = leastGap(times);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const unordered = new Float64Array(total);
  const kindOf = new Uint32Array(total);
  let start = 0;
  for (const [row, count] of counts.entries()) {
    for (let each = 0; each < count; each++) {
      unordered[start] = times[row]! + (each * widthMs) / count;
      kindOf[start++] = kinds[row]!;
    }
  }
  const order = Uint32Array.from({ length: total }, (_, index) => index).sort(
    (one, other) => unordered[one]! - unordered[other]! || one - other,
  );
  return {
    times: Float64Array.from(order, (index) => unordered[index]!),
    kindOf: order.map((index) => kindOf[index]!),
  };
}

/** How far times lie apart that stand for stretches: a second, or a minute, also where some are left out. */
function leastGap(times: Float64Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (let row = 1; row < times.length; row++) {
    const gap = times[row]! - times[row - 1]!;
    if (gap > 0) least = Math.min(least, gap);
  }
  return least === Number.POSITIVE_INFINITY ? SECOND_MS : least;
}

/** The most of ascending times within so long. */
function mostWithin(times: Float64Array, withinMs: number): number {
  let most = 0;
  let first = 0;
  for (let last = 0; last < times.length; last++) {
    while (times[last]! - times[first]! >= withinMs) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
