import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { createClock, hrtimeMs } from "../clock.js";
import { isFull } from "../connections/limit.js";
import { openConnection } from "../connections/open.js";
import type { Connection, ConnectionRole } from "../connections/ports.js";
import { RowReader } from "../data/row-reader.js";
import { shapeOf } from "../data/row-values.js";
import { withDeadline } from "../deadline.js";
import { messageOf } from "../errors.js";
import { leaseGate } from "../lease/lease-gate.js";
import { createLayout, type Layout } from "../ledger/layout.js";
import { openLedger, type SharedLedger, takeSnapshot } from "../ledger/snapshot.js";
import { createStageLayout } from "../ledger/stage-rows.js";
import { stagesOf } from "../plan/profile.js";
import { createRandom, seedOf } from "../plan/random.js";
import { type Deal, dealOf, inBlocks, type Share, shareOf, within } from "../plan/share.js";
import type { RowsOfStarts } from "../plan/starts.js";
import { Ceiling } from "./ceiling.js";
import { CodePort } from "./code-port.js";
import { ExceptionRows } from "./exception-rows.js";
import { compileFirstBodies } from "./message-maker.js";
import type {
  Control,
  EngineMessage,
  EnginePlan,
  EngineStart,
  MainMessage,
  SnapshotKind,
} from "./messages.js";
import { Pacer } from "./pacer.js";
import type { Beginning } from "./pacing.js";
import { PayloadSource } from "./payload-source.js";
import { Saturation } from "./saturation.js";
import { ScenarioRun } from "./scenario-run.js";
import { StoredResults } from "./stored-results.js";
import { TaskLife } from "./task-life.js";
import { UserPaceWatch } from "./user-pace.js";

/**
 * Elapsed time starts, for all threads at once, when every connection is up, or after so long without (then starts
 * are dropped with their reason, as at any other time).
 */
const START_GRACE_MS = 10_000;
/** Timeouts and states are looked at this often. */
const SWEEP_MS = 100;
/** A timer that comes this much too late says that this thread was held up, not the others. */
const LATE_MS = 1_000;
/** How long each step of the leave-taking may last. */
const LEAVE_MS = 1_500;

/** A thread's part of a ceiling. */
function partOf(limit: number | null, share: Share): number | null {
  return limit === null ? null : shareOf(limit, share);
}

/** By both clocks, read at each look (`lease/lease-gate.ts`). */
function mayStartBy(gates: SharedArrayBuffer, lease: number | null): () => boolean {
  if (lease === null) return () => true;
  const gate = leaseGate(gates, lease);
  return () => gate.mayStart(hrtimeMs(), Date.now());
}

/** One thread of the engine: builds the parts, then lets the pacer run. */
export class EngineThread {
  readonly #say: (message: EngineMessage) => void;
  readonly #plan: EnginePlan;
  readonly #idPrefix: string;
  readonly #clock = createClock();
  readonly #layout: Layout;
  readonly #ledger: SharedLedger;
  readonly #saturation: Saturation;
  readonly #ceiling: Ceiling;
  readonly #life: TaskLife;
  readonly #stored: StoredResults;
  readonly #readers = new Map<string, RowReader>();
  readonly #runs: readonly ScenarioRun[];
  readonly #pacer: Pacer;
  readonly #connections: readonly Connection[];
  /** By module of the plan. */
  readonly #code: readonly CodePort[];
  readonly #paces: readonly (UserPaceWatch | null)[];
  /** A profile `max`, which starts the next when one has ended. */
  readonly #hasMax: boolean;
  /** Recognisable, as the broker may keep it for a while after we were killed. */
  readonly #replyTo = `celery-load.${randomUUID()}`;
  readonly #sweeper: NodeJS.Timeout;
  readonly #openedMs = this.#clock.nowMs();
  #lastSweepMs = this.#openedMs;
  #nextSecondMs = this.#openedMs + 1_000;
  #isReady = false;
  #hasEnded = false;

  constructor(start: EngineStart, say: (message: EngineMessage) => void) {
    const { plan, memory, thread, idPrefix } = start;
    const share = within(plan.segment, thread);
    this.#say = say;
    this.#plan = plan;
    this.#idPrefix = idPrefix;
    this.#layout = createLayout(plan.dimensions);
    this.#ledger = openLedger(this.#layout, memory);
    this.#saturation = new Saturation(this.#cells, this.#layout);
    this.#ceiling = new Ceiling(
      {
        maxInFlight: partOf(plan.ceilings.maxInFlight, share),
        tasksPerDay: partOf(plan.ceilings.tasksPerDay, share),
      },
      start.today,
    );
    this.#paces = plan.scenarios.map(({ profile }) =>
      profile.kind === "users" ? new UserPaceWatch(profile) : null,
    );
    this.#code = plan.modules.map(() => new CodePort());
    this.#life = this.#createLife(start, share);
    this.#stored = new StoredResults(this.#life, say);
    this.#runs = this.#createRuns(start, share);
    this.#pacer = new Pacer(this.#clock, this.#life, this.#runs, plan.tickMs);
    this.#hasMax = plan.scenarios.some(({ profile }) => profile.kind === "max");
    this.#connections = plan.connections.map((_, index) => this.#connect(index));
    this.#life.connect(this.#connections);
    this.#stored.connect(this.#connections);
    // What stores the sizes of chords is needed from the start.
    this.#connections.forEach(({ optional }, index) => {
      if (this.#hasWorkflows(index)) optional.open();
    });
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
  }

  receive(message: MainMessage): void {
    const nowMs = this.#clock.nowMs();
    switch (message.type) {
      case "code":
        this.#code[message.module]!.renew(message.port, () => {
          this.#lookIfReady(this.#clock.nowMs());
          this.#pacer.turnSoon();
        });
        break;
      case "openOptional":
        this.#openOptional();
        break;
      case "begin":
        this.#begin(nowMs - (hrtimeMs() - message.hrtimeMs), nowMs, message.beginnings);
        break;
      case "control":
        this.#control(message.control, nowMs);
        break;
      case "snapshot":
        this.#snapshot(message.kind, nowMs);
        this.#say({ type: "snapshot", id: message.id });
        break;
      case "listInFlight":
        this.#say({
          type: "inFlight",
          id: message.id,
          ids: this.#connections.map((_, connection) => this.#life.idsInFlight(connection)),
        });
        break;
      case "taskReports":
        this.#life.reported(message.connection, message.reports);
        this.#hasRoomAgain();
        break;
      case "clockReadings":
        this.#life.readClocks(message.connection, message.readings);
        break;
      case "stop":
        for (const run of this.#runs) run.stop(nowMs);
        this.#endIfStopped(nowMs);
        break;
      case "abort":
        for (const run of this.#runs) run.abort(nowMs);
        this.#endIfStopped(nowMs);
        break;
    }
  }

  get #cells(): Float64Array {
    return this.#ledger.live.cells;
  }

  #createLife(start: EngineStart, share: Share): TaskLife {
    const { plan, stageMemory, thread, idPrefix } = start;
    const say = this.#say;
    const random = createRandom(seedOf(`arguments${share.index || ""}`, plan.seed));
    const shapes = plan.data.map((source) => shapeOf(source));
    return new TaskLife({
      layout: this.#layout,
      live: this.#ledger.live,
      stageLayout: createStageLayout(plan.scenarios.map(({ profile }) => stagesOf(profile).length)),
      stageCells: new Float64Array(stageMemory),
      clock: this.#clock,
      idPrefix,
      share,
      origin: `gen${process.pid}@${hostname()}`,
      connectionPlans: plan.connections,
      scenarios: plan.scenarios.map((scenario) => ({
        ...scenario,
        maxInFlight: shareOf(scenario.maxInFlight, share),
      })),
      entries: plan.entries,
      slos: plan.slos,
      ceiling: this.#ceiling,
      isSaturated: (nowMs) => this.#saturation.isSaturated(nowMs),
      bodies: plan.entries.map((entry) =>
        compileFirstBodies(entry, plan.entries, this.#replyTo, {
          readLines: (name) => plan.templateLines[name] ?? [],
          random,
          rows: entry.data === null ? null : shapes[entry.data]!,
        }),
      ),
      rowsOf: (scenario, data) => this.#readerOf(start, share, scenario, data),
      exceptions: new ExceptionRows(
        plan.entries.length,
        plan.dimensions.exceptionRows,
        (row, entry, name) => say({ type: "exception", row, entry, name }),
        thread,
        start.exceptions,
      ),
      paceOf: (scenario) => this.#paces[scenario]!,
      payloadOf: (entry) => {
        const { payload } = plan.entries[entry]!;
        return payload === null ? null : new PayloadSource(this.#code[payload]!, entry);
      },
      onUserStartEnded: (scenario, slot, end, text) => {
        this.#runs[scenario]!.ended(slot, end, text, this.#clock.nowMs());
        this.#pacer.turnSoon();
      },
      onRefused: (entry, outcome, reason) => say({ type: "refused", entry, outcome, reason }),
      onInvalid: (entry, reason) => say({ type: "invalid", entry, reason }),
      onMalformed: (entry, cause) => say({ type: "malformed", entry, cause }),
    });
  }

  /** Every scenario goes through the rows by itself. */
  #readerOf(start: EngineStart, share: Share, scenario: number, data: number): RowReader {
    const key = `${scenario}/${data}`;
    const known = this.#readers.get(key);
    if (known !== undefined) return known;
    const { plan, thread } = start;
    const source = plan.data[data]!;
    const { name } = plan.scenarios[scenario]!;
    const seed = seedOf(`rows ${source.name} ${name} ${share.index}`, plan.seed);
    const random = (ordinal: number) => seedOf(String(ordinal), seed) / 2 ** 32;
    const { turn } = this.#dealOf(thread, scenario);
    const reader = new RowReader(source, random, turn);
    this.#readers.set(key, reader);
    return reader;
  }

  /**
   * Which starts of a scenario this thread does. A limit on their number, or on that of rows, is shared out one by one,
   * and is to be reached by all threads at the same time.
   */
  #dealOf(thread: Share, scenario: number): Deal {
    const { segment, countLimit, scenarios } = this.#plan;
    const hasLimit = countLimit !== null || this.#rowsOf(scenario)?.most.some(Number.isFinite);
    return hasLimit
      ? inBlocks(segment, thread, 1)
      : dealOf(segment, thread, scenarios[scenario]!.maxInFlight);
  }

  /** What the starts of a scenario take rows of. */
  #rowsOf(scenario: number): RowsOfStarts | undefined {
    const { scenarios, entries, data } = this.#plan;
    const dataOf = scenarios[scenario]!.entries.map((entry) => entries[entry]!.data ?? -1);
    if (dataOf.every((number) => number < 0)) return undefined;
    const most = data.map(({ take, rowCount }, number) =>
      take === "once" && dataOf.includes(number) ? rowCount : Number.POSITIVE_INFINITY,
    );
    return { dataOf, most };
  }

  #createRuns({ thread, gates }: EngineStart, share: Share): ScenarioRun[] {
    const { scenarios, countLimit, seed } = this.#plan;
    const limit = shareOf(countLimit ?? Number.POSITIVE_INFINITY, share);
    const budget = { limit, left: limit };
    return scenarios.map(
      (plan, index) =>
        new ScenarioRun({
          index,
          plan,
          layout: this.#layout,
          cells: this.#cells,
          clock: this.#clock,
          life: this.#life,
          budget,
          seed,
          mayStart: mayStartBy(gates, plan.lease),
          deal: this.#dealOf(thread, index),
          share,
          pace: this.#paces[index]!,
          code: plan.script === null ? null : this.#code[plan.script]!,
          nowMs: () => this.#clock.nowMs(),
          rows: this.#rowsOf(index),
          readAhead: (data, ordinal) => this.#readers.get(`${index}/${data}`)?.has(ordinal),
          onState: (state) => this.#say({ type: "scenario", scenario: index, state }),
          onStage: (stage) => this.#say({ type: "stage", scenario: index, stage }),
        }),
    );
  }

  #begin(zeroMs: number, nowMs: number, beginnings: readonly Beginning[]): void {
    if (this.#hasEnded) return;
    this.#cells[this.#layout.engine("saturatedSeconds")] = 0; // to start is busy work, too
    for (const [index, run] of this.#runs.entries()) run.begin(zeroMs, nowMs, beginnings[index]!);
    this.#pacer.turn();
  }

  /** The regime holds from a moment that lies ahead; the pacer sleeps anew until the next start. */
  #control(control: Control, nowMs: number): void {
    if (this.#hasEnded) return;
    const run = this.#runs[control.scenario]!;
    if (control.kind === "feed") run.feed(control.factor, control.fromMs);
    else if (control.kind === "stop") run.halt(control.regime);
    else if (control.kind === "retire") run.retire(control.regime);
    else {
      run.follow(control.regime);
      if (control.isStart) run.start(nowMs);
    }
    this.#pacer.turn();
  }

  #snapshot(kind: SnapshotKind, nowMs: number): void {
    for (const run of this.#runs) run.refresh(nowMs);
    takeSnapshot(this.#ledger, kind === "whole" ? this.#layout.cellCount : this.#layout.fineAt);
    if (kind === "scrape") this.#cells[this.#layout.engine("dispatchLagMaxSeconds")] = 0;
  }

  #lookIfReady(nowMs: number): void {
    if (this.#isReady || this.#hasEnded) return;
    this.#isReady =
      nowMs - this.#openedMs >= START_GRACE_MS ||
      (this.#connections.every(({ publisher, results }) => publisher.ready && results.ready) &&
        this.#code.every(({ isReady }) => isReady));
    if (this.#isReady) this.#say({ type: "ready" });
  }

  /** Where there are workflows, it has been opened with all else. */
  #openOptional(): void {
    if (this.#hasEnded) return;
    this.#connections.forEach(({ optional }, index) => {
      if (!this.#hasWorkflows(index)) optional.open();
    });
  }

  #sweep(): void {
    const nowMs = this.#clock.nowMs();
    const isLate = nowMs - this.#lastSweepMs > SWEEP_MS + LATE_MS;
    this.#saturation.turned(nowMs);
    this.#lookIfReady(nowMs);
    // Timers run before sockets are read, and after a pause of our own results may be waiting there: a
    // deadline has passed when it had passed at the last sweep, since which they have been read.
    this.#life.sweep(this.#lastSweepMs);
    this.#lastSweepMs = nowMs;
    for (const run of this.#runs) run.refresh(nowMs);
    if (nowMs >= this.#nextSecondMs) {
      this.#nextSecondMs = nowMs + 1_000;
      this.#everySecond(isLate);
    }
    this.#endIfStopped(nowMs);
  }

  #everySecond(isLate: boolean): void {
    const stepMs = this.#clock.anchor();
    if (stepMs !== 0) this.#say({ type: "clockStep", stepMs });
    for (const connection of this.#connections) connection.checkLiveness(isLate);
    this.#saturation.check();
    this.#cells[this.#layout.engine("lastTurnSeconds")] = process.hrtime()[0];
    this.#countToday();
    this.#connections.forEach((_, connection) => {
      this.#tellClocks(connection);
    });
    this.#stored.everySecond();
  }

  #countToday(): void {
    const unixMs = this.#clock.unixMs(this.#clock.nowMs());
    this.#cells[this.#layout.engine("startsToday")] = this.#ceiling.startsOn(unixMs);
  }

  #tellClocks(connection: number): void {
    const clocks = [...this.#life.workerClocks(connection)].map(([worker, clock]) => ({
      worker,
      ...clock,
    }));
    if (clocks.length > 0) this.#say({ type: "workerClocks", connection, clocks });
  }

  #endIfStopped(nowMs: number): void {
    if (this.#hasEnded || !this.#runs.every((run) => run.isOver(nowMs))) return;
    this.#hasEnded = true;
    this.#countToday();
    this.#pacer.stop();
    clearInterval(this.#sweeper);
    for (const reader of this.#readers.values()) reader.close();
    for (const port of this.#code) port.close();
    void this.#leave();
  }

  /** Cleans up after itself, but does not wait for a server that stands still. */
  async #leave(): Promise<void> {
    await Promise.all(
      this.#connections.map(async (connection, index) => {
        // Twice, as the first may be one that has begun before the last tasks ended.
        const removed = this.#stored.forget(index).then(() => this.#stored.forget(index));
        await withDeadline(removed, LEAVE_MS, "removing results").catch((error) =>
          this.#say({ type: "forgetFailed", connection: index, cause: messageOf(error) }),
        );
        const closed = connection.close(this.#life.isOwed(index));
        await withDeadline(closed, LEAVE_MS, "closing").catch(() => {
          // The process ends next, and the sockets with it.
        });
      }),
    );
    this.#say({ type: "ended" });
  }

  #connect(index: number): Connection {
    const cell = (name: Parameters<Layout["connection"]>[1]) =>
      this.#layout.connection(index, name);
    const say = this.#say;
    const cells = this.#cells;
    const seen = new Set<ConnectionRole>();
    return openConnection({
      ...this.#plan.connections[index]!,
      idPrefix: this.#idPrefix,
      replyTo: this.#replyTo,
      events: {
        up: (role, downMs) => {
          cells[cell(`${role}Up`)] = 1;
          const wasUp = seen.has(role);
          seen.add(role);
          if (wasUp) cells[cell(`${role}Reconnects`)]! += 1;
          say({ type: "up", connection: index, role, downMs: wasUp ? downMs : null });
          this.#lookIfReady(this.#clock.nowMs());
        },
        down: (role, cause, isConfiguration) => {
          cells[cell(`${role}Up`)] = 0;
          // Whichever connection is on the same server: each place counts.
          if (isFull(cause)) for (const { optional } of this.#connections) optional.stepAside();
          say({ type: "down", connection: index, role, cause, isConfiguration });
        },
        dataLost: (evidence) => {
          const inFlight = this.#life.idsInFlight(index).length;
          if (inFlight === 0) return;
          cells[cell(evidence)]! += 1;
          say({ type: "dataLost", connection: index, evidence, inFlight });
        },
        blocked: (isBlocked) => {
          cells[cell("brokerBlocked")] = isBlocked ? 1 : 0;
          say({ type: "blocked", connection: index, isBlocked });
        },
        repliesLost: () => {
          cells[cell("replyQueueDeleted")]! += 1;
          say({ type: "repliesLost", connection: index });
        },
        sentEventsLost: (cause) => say({ type: "sentEventsLost", connection: index, cause }),
        resultsMissed: () => this.#stored.missed(index),
        result: (channel, idAt, text, isRepeat) => {
          this.#life.result(channel, idAt, text, isRepeat);
          this.#hasRoomAgain();
        },
        ...(this.#expectsAnswers(index)
          ? {}
          : {
              success: (slot: number, seq: number, doneUnixMs: number) => {
                this.#life.success(slot, seq, doneUnixMs);
                this.#hasRoomAgain();
              },
            }),
      },
    });
  }

  /** A task has ended: `max` may start the next. */
  #hasRoomAgain(): void {
    if (this.#hasMax) this.#pacer.turnSoon();
  }

  #hasWorkflows(connection: number): boolean {
    return this.#plan.entries.some(
      (entry) => entry.connection === connection && entry.workflow !== null,
    );
  }

  /** Then the texts of its results must be seen. */
  #expectsAnswers(connection: number): boolean {
    return this.#plan.entries.some(
      (entry) =>
        entry.connection === connection && (entry.expect !== undefined || entry.isScripted),
    );
  }
}
