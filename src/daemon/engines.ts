import { hrtimeMs } from "../clock.js";
import { dayOf } from "../engine/ceiling.js";
import type {
  DayCount,
  EngineMessage,
  EnginePlan,
  MessageOf,
  SnapshotKind,
} from "../engine/messages.js";
import type { Beginning } from "../engine/pacing.js";
import { addCarried, mergeHalves } from "../ledger/merge.js";
import type { Half } from "../ledger/snapshot.js";
import type { NamedPlan } from "../news/engine-log.js";
import type { TaskListener } from "../observer/task-events.js";
import type { Regime } from "../plan/regime.js";
import { carriedExceptions, carryOver } from "../readings/carried.js";
import { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import { type StageSummary, summarizeStages, withFormerStages } from "../reports/stage-report.js";
import { type Begin, Engine } from "../threads/engine.js";

/**
 * How far ahead of now a plan begins: what a thread builds before its first start must not make that late, and a plan
 * that is replaced must hear of it before.
 */
const LEAD_MS = 100;

/** How old the engine's count of a day may be. */
const LOOK_MS = 1_000;

/** Plans that were replaced and whose tasks are still awaited, at most: each has threads and connections. */
export const MAX_RETIRED = 8;

/** Of a day that was never: nothing was started on it. */
export const NOTHING_TODAY: DayCount = { day: 0, starts: 0 };

/** A plan at work. */
export interface AtWork extends NamedPlan {
  readonly engine: Engine;
}

export interface EnginesOptions {
  /** Of the leases (`lease/lease-gate.ts`). */
  readonly gates: SharedArrayBuffer;
  /** What the engine that leads says; of one that was replaced what concerns its tasks. */
  readonly onMessage: (message: EngineMessage, of: AtWork) => void;
  /** What is to be done before the first plan begins. */
  readonly beforeBegin: () => Promise<void>;
  /** Where the scenarios of the first plan are when it begins, at a time of the clock that threads share. */
  readonly beginningsAt: (zeroMs: number) => readonly Beginning[];
  /** A plan that was replaced has seen the end of its last task. */
  readonly onRetired: (ledger: LedgerView, of: AtWork) => void;
}

/** How one plan takes over from another at a moment of the old one's elapsed time. */
export interface HandOver {
  /** Of each scenario of the old plan: a pause that begins then. */
  readonly pauses: readonly Regime[];
  /** Of each scenario of the new one: where it begins; its elapsed time is 0 then. */
  readonly beginnings: readonly Beginning[];
}

/**
 * The engine that leads, and those that it has replaced: a plan never changes, a new one takes over where it was. What
 * the old one has published it sees to the end, and its counts go on in the new one's ledger.
 */
export class Engines {
  readonly #options: EnginesOptions;
  #current: AtWork;
  #retiring: readonly AtWork[] = [];
  /** What those have counted that are done, in the layout of the current one. */
  #carried: Half | null = null;
  /** What those have counted by stage. */
  #formerStages: readonly StageSummary[] = [];
  #replacing: Promise<void> = Promise.resolve();

  /** Resolves when every scenario has stopped and no task is awaited; rejects when a thread dies before. */
  readonly ended: Promise<void>;
  #fail: (error: unknown) => void = () => {};

  /** @param former what was started on a day before, if anything was */
  constructor(
    plan: EnginePlan,
    subject: Subject,
    former: DayCount | null,
    options: EnginesOptions,
  ) {
    this.#options = options;
    this.#current = this.#start(plan, subject, former ?? NOTHING_TODAY, async () => {
      await options.beforeBegin();
      const zeroMs = hrtimeMs() + LEAD_MS;
      return { zeroMs, beginnings: options.beginningsAt(zeroMs) };
    });
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    this.ended = Promise.race([this.#untilEnded(), failed]);
  }

  /** The plan that leads. */
  get current(): AtWork {
    return this.#current;
  }

  /** The current one first. */
  get all(): readonly AtWork[] {
    return [this.#current, ...this.#retiring];
  }

  /**
   * Puts a plan in the place of the present one: starts its engine, and when that is connected hands over.
   *
   * @param handOver is asked for at that moment, once
   */
  replace(plan: EnginePlan, subject: Subject, handOver: (atMs: number) => HandOver): Promise<void> {
    const replaced = this.#replacing.then(async () => {
      const today = this.today();
      await new Promise<void>((resolve) => {
        const old = this.#current;
        const { dimensions, threads } = plan;
        const exceptions = carriedExceptions(old.subject, subject, dimensions, threads);
        const next = this.#start(plan, { ...subject, exceptions }, today, async () => {
          const atMs = old.engine.elapsedMs() + LEAD_MS;
          const { pauses, beginnings } = handOver(atMs);
          for (const [scenario, regime] of pauses.entries()) {
            old.engine.control({ kind: "retire", scenario, regime });
          }
          this.#lead(next);
          resolve();
          return { zeroMs: (old.engine.zeroMs ?? hrtimeMs()) + atMs, beginnings };
        });
      });
    });
    this.#replacing = replaced;
    return replaced;
  }

  /** What was started today: the engine looks at its clock once a second. */
  today(): DayCount {
    return { day: dayOf(Date.now() - LOOK_MS), starts: this.#current.engine.startsToday() };
  }

  /** A consistent reading. */
  async snapshot(kind: SnapshotKind): Promise<LedgerView> {
    const current = this.#current;
    const { engine, subject } = current;
    const to = { layout: engine.layout, subject };
    const [threads, ...retiring] = await Promise.all(
      this.all.map(({ engine }) => engine.readings(kind)),
    );
    const olds = this.all.slice(1);
    if (current !== this.#current || olds.length !== retiring.length) {
      return this.snapshot(kind); // another one has taken over meanwhile, or an old one is done
    }
    const carried = retiring.map((halves, index) => {
      const { engine, subject } = olds[index]!;
      const from = { layout: engine.layout, subject };
      return carryOver(mergeHalves(engine.layout, halves), from, to);
    });
    if (this.#carried !== null) carried.push(this.#carried);
    return new LedgerView(engine.layout, threads!, carried);
  }

  /** A reading of the memory that is being written (`Engine.live`), with the fine tables of the phases. */
  live(): LedgerView {
    const { engine, subject } = this.#current;
    const to = { layout: engine.layout, subject };
    const carried = this.#retiring.map((old) => {
      const from = { layout: old.engine.layout, subject: old.subject };
      return carryOver(mergeHalves(old.engine.layout, old.engine.live()), from, to);
    });
    if (this.#carried !== null) carried.push(this.#carried);
    return new LedgerView(engine.layout, engine.live(), carried);
  }

  /** What was counted by stage under every plan; final when all have ended. */
  stages(): StageSummary[] {
    const [current, ...retiring] = this.all.map(stagesOfPlan);
    return withFormerStages(current!, [...retiring.flat(), ...this.#formerStages]);
  }

  /** Who may be told what events of a connection's workers say. */
  listeners(connection: number): TaskListener[] {
    return this.all.flatMap(({ engine }) => engine.listeners(connection));
  }

  stop(): void {
    for (const { engine } of this.all) engine.stop();
  }

  abort(): void {
    for (const { engine } of this.all) engine.abort();
  }

  async terminate(): Promise<void> {
    await Promise.all(this.all.map(({ engine }) => engine.terminate()));
  }

  #start(
    plan: EnginePlan,
    subject: Subject,
    before: DayCount,
    beforeBegin: () => Promise<Begin>,
  ): AtWork {
    const starts = before.day === dayOf(Date.now()) ? Math.ceil(before.starts / plan.threads) : 0;
    const engine = new Engine(plan, {
      beforeBegin,
      shared: {
        exceptions: subject.exceptions,
        gates: this.#options.gates,
        today: { day: dayOf(Date.now()), starts },
      },
      onMessage: (message) => this.#receive(message, atWork),
    });
    const atWork = { plan, subject, engine };
    return atWork;
  }

  #lead(next: AtWork): void {
    const old = this.#current;
    const from = { layout: old.engine.layout, subject: old.subject };
    const to = { layout: next.engine.layout, subject: next.subject };
    if (this.#carried !== null) this.#carried = carryOver(this.#carried, from, to);
    this.#current = next;
    this.#retiring = [...this.#retiring, old];
    old.engine.ended.then(() => this.#retired(old)).catch(this.#fail);
  }

  async #retired(old: AtWork): Promise<void> {
    // It has ended: nothing is written any more.
    const halves = old.engine.live();
    const half = mergeHalves(old.engine.layout, halves);
    const from = { layout: old.engine.layout, subject: old.subject };
    const { engine, subject } = this.#current;
    const carried = carryOver(half, from, { layout: engine.layout, subject });
    this.#carried = this.#carried === null ? carried : addCarried(this.#carried, [carried]);
    this.#formerStages = withFormerStages(stagesOfPlan(old), this.#formerStages);
    this.#retiring = this.#retiring.filter((other) => other !== old);
    await old.engine.terminate();
    this.#options.onRetired(new LedgerView(old.engine.layout, halves), old);
  }

  #receive(message: EngineMessage, of: AtWork): void {
    const isOld = this.#retiring.includes(of);
    if (isOld && message.type === "exception") this.#meetLate(message, of);
    else if (!isOld || OF_TASKS.has(message.type)) this.#options.onMessage(message, of);
  }

  /** An exception class that the current plan does not know counts as other there, and stays so. */
  #meetLate({ row, entry, name }: MessageOf<"exception">, { subject }: AtWork): void {
    const isKnown = this.#current.subject.exceptions.some((known) => known.name === name);
    subject.exceptions.push({ row, entry, name: isKnown ? name : "other" });
  }

  async #untilEnded(): Promise<void> {
    for (;;) {
      const { engine } = this.#current;
      await engine.ended;
      await this.#replacing;
      if (engine !== this.#current.engine) continue;
      await Promise.all(this.#retiring.map((old) => old.engine.ended));
      return;
    }
  }
}

function stagesOfPlan({ engine, subject }: AtWork): StageSummary[] {
  return summarizeStages(engine.stageCells(), subject);
}

/** What an engine that was replaced still has to say. */
const OF_TASKS: ReadonlySet<EngineMessage["type"]> = new Set([
  "recovered",
  "forgetFailed",
  "lookUpFailed",
  "dataLost",
  "repliesLost",
  "malformed",
  "library",
]);
