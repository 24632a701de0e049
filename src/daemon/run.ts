import type { Effect } from "../control/answer.js";
import type { Capacity } from "../control/impact.js";
import type { ReloadReading } from "../control/reload-port.js";
import { type JudgedThreshold, ThresholdWatch } from "../diagnosis/threshold-watch.js";
import { capacityOf } from "../diagnosis/worker-capacity.js";
import type { Problem } from "../http/app.js";
import type { EventLog } from "../http/events.js";
import type { Logger } from "../log.js";
import type { ConnectionStates } from "../news/connection-states.js";
import { EngineNews } from "../news/engine-news.js";
import { ScriptBook } from "../news/script-book.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import { summarize } from "../readings/summary.js";
import type { EndedRun } from "../reports/end-report.js";
import type { Steerable } from "../workload/steering.js";
import type { PlannedEngine } from "../workload/workload.js";
import type { Ending } from "./ending.js";
import { Engines } from "./engines.js";
import { Feeds } from "./feeds.js";
import { Guards } from "./guards.js";
import { Instruments } from "./instruments.js";
import { Leases } from "./leases.js";
import { Observers } from "./observers.js";
import { Orders } from "./orders.js";
import type { Reread } from "./reloads.js";

export interface RunOptions {
  /** What runs at first; a reload puts another plan in its place. */
  readonly planned: PlannedEngine;
  readonly steerable: Steerable;
  /** Where what was ordered survives; null: nowhere. */
  readonly stateFile: string | null;
  /** Over how long drift is looked for. */
  readonly driftWindowMs: number;
  readonly log: Logger;
}

/** As orders have it (`control/steering.ts`). */
const FEED_LEAD_MS = 30;

/** What the daemon has besides, and a run shares. */
export interface RunPorts {
  readonly ending: Ending;
  readonly events: EventLog;
  readonly connections: ConnectionStates;
  readonly reload: () => ReloadReading;
}

/**
 * What is at work from the start of the engine to its end: the plan that leads, what steers and observes it, and what
 * is read off it. Engine, observers and orders know each other here only.
 */
export class Run {
  readonly #options: RunOptions;
  readonly #ports: RunPorts;
  readonly #news: EngineNews;
  readonly #scripts: ScriptBook;
  readonly orders: Orders;
  readonly leases: Leases;
  readonly engines: Engines;
  readonly observers: Observers;
  /** Of the plan that leads. */
  #planned: PlannedEngine;
  #instruments: Instruments;
  #guards: Guards;
  #feeds: Feeds;
  #thresholds: ThresholdWatch;
  #lastReading: LedgerView | undefined;
  #isGuarding = false;
  /** When its first plan began, on a monotonic clock and on the wall; until then when it was started. */
  #began = { ms: performance.now(), unixMs: Date.now() };
  #hasBegun = false;

  /** @throws {UserError} with exit code 104 when the state file cannot be read or written */
  static async start(options: RunOptions, ports: RunPorts): Promise<Run> {
    const { planned, steerable, stateFile, log } = options;
    let run: Run | undefined;
    const orders = await Orders.open({
      ...{ steerable, stateFile, log },
      configHash: planned.subject.configHash,
      // The first of these are asked for before there is a run.
      send: (effects) => run?.carryOut(effects),
      isOver: (scenario) => run?.isOver(scenario) ?? false,
      today: () => run?.engines.today() ?? null,
      capacityOf: (scenario) => run?.capacityOf(scenario) ?? null,
    });
    run = new Run(orders, options, ports);
    return run;
  }

  private constructor(orders: Orders, options: RunOptions, ports: RunPorts) {
    const { planned, log } = options;
    this.#options = options;
    this.#ports = ports;
    this.#planned = planned;
    this.orders = orders;
    this.leases = new Leases(planned.leases, log);
    this.#scripts = new ScriptBook(log);
    this.#news = this.#createNews();
    this.engines = new Engines(planned.plan, planned.subject, orders.formerToday, {
      gates: this.leases.gates,
      onMessage: (message, of) => this.#news.hear(message, of),
      onRetired: (ledger, { subject }) => tellRetired(ledger, subject, log),
      beforeBegin: async () => {
        // After what the load needs: on a server that is full the places are not theirs.
        if (!ports.ending.isStopping) await this.observers.open();
      },
      beginningsAt: (zeroMs) => orders.begin(this.engines.current, zeroMs),
    });
    this.observers = new Observers(planned.observe, {
      log,
      isBrokerUp: (connection) => ports.connections.isUp(connection, "broker"),
      listeners: (connection) => this.engines.listeners(connection),
    });
    this.#instruments = this.#createInstruments();
    this.#guards = this.#createGuards();
    this.#feeds = this.#createFeeds();
    this.#thresholds = new ThresholdWatch(planned.thresholds);
    orders.desk.onChange((change) => {
      const { text, actor, reason, kind, scenario, id, revision } = change;
      // A throttle moves every few seconds, and the guard says when it begins and ends.
      const level = kind === "throttle" ? "debug" : "info";
      log[level]({ actor, reason, kind, scenario, id, revision }, `ordered: ${text}`);
      ports.events.publish("change", { ...change });
    });
    ports.ending.governs(this.engines);
  }

  /** What is read off the plan that leads. */
  get instruments(): Instruments {
    return this.#instruments;
  }

  get guards(): Guards {
    return this.#guards;
  }

  /** When its first plan began, on a monotonic clock. */
  get beganMs(): number {
    return this.#began.ms;
  }

  /** Of the plan that leads. */
  get planned(): PlannedEngine {
    return this.#planned;
  }

  /** How long it has been at work. */
  seconds(): number {
    return (performance.now() - this.#began.ms) / 1000;
  }

  /** Where things stand that do not keep the load from its work. */
  degradations(): Problem[] {
    const { isFailing } = this.orders.desk.reading.stateFile;
    const message = "the state file cannot be written: a restart would forget what was ordered";
    return [...this.leases.notes(), ...(isFailing ? [{ message }] : [])];
  }

  /** What an order makes the engine and the workers do. */
  carryOut(effects: readonly Effect[]): void {
    const { engine, plan } = this.engines.current;
    for (const effect of effects) {
      if (effect.kind === "revoke") void this.#revokeInFlight();
      else {
        const scenario = plan.scenarios.findIndex(({ name }) => name === effect.scenario);
        if (scenario >= 0) engine.control({ ...effect, scenario });
      }
    }
  }

  /** Has the scenario come to its end? */
  isOver(scenario: string): boolean {
    return this.#news.isOver(scenario);
  }

  /** What the workers of a scenario can do; null: not known. */
  capacityOf(scenario: string): Capacity | null {
    if (this.#lastReading === undefined) return null;
    const observed = this.observers.observed();
    return capacityOf(scenario, this.#planned.subject, this.#lastReading, observed);
  }

  /** A snapshot never fails; while the engine is busy it reads the live memory. */
  async judge(): Promise<void> {
    const ledger = await this.engines.snapshot("whole");
    this.#lastReading = ledger;
    this.#instruments.judge(ledger, this.observers.observed(), performance.now());
  }

  /**
   * Looks with the guards, unless the last look is still under way.
   *
   * @param scrapedMs when the metrics were last asked for
   */
  async guard(scrapedMs: () => number): Promise<void> {
    if (this.#isGuarding || this.#ports.ending.isStopping) return;
    if (this.engines.current.engine.zeroMs === null) return;
    this.#isGuarding = true;
    try {
      const watchesLatency = this.#planned.guards.some(({ watch }) => watch === "latency");
      const ledger = await this.engines.snapshot(watchesLatency ? "whole" : "counts");
      const nowMs = performance.now();
      const observed = this.observers.observed();
      const { subject } = this.engines.current;
      this.#feeds.look({ nowMs, ledger, subject, observed });
      await this.#guards.look({ nowMs, ledger, observed, scrapeAgeMs: nowMs - scrapedMs() });
    } finally {
      this.#isGuarding = false;
    }
  }

  /** Looks how thresholds stand, about once a second; one that is missed and is to end the run does so. */
  async watchThresholds(): Promise<void> {
    const watch = this.#thresholds;
    if (watch.isEmpty || this.engines.current.engine.zeroMs === null) return;
    const ledger = await this.engines.snapshot("whole");
    // Meanwhile another plan may lead, whose ledger this is not.
    if (watch !== this.#thresholds) return;
    watch.look(ledger);
    const elapsedMs = this.seconds() * 1000;
    const missed = this.judgedThresholds().find(
      ({ plan, verdict }) => plan.abort && verdict === "missed" && elapsedMs >= plan.afterMs,
    );
    if (missed === undefined) return;
    const { plan, reason } = missed;
    const text = `threshold ${plan.text} is missed (${reason})`;
    const { ending, events } = this.#ports;
    if (ending.endEarly(text)) events.publish("verdict", { text, threshold: plan.text });
  }

  /** As they would be if the run ended now. */
  judgedThresholds(): JudgedThreshold[] {
    return this.#thresholds.judge({
      seconds: this.seconds(),
      plannedSeconds: () => this.#plannedSeconds(),
    });
  }

  /** Has another plan take over. */
  async replace({ planned, steerable }: Reread): Promise<void> {
    const old = this.engines.current;
    await this.engines.replace(planned.plan, planned.subject, (atMs) => {
      this.#planned = planned;
      this.#news.forgetScenarios();
      return this.orders.handOver(atMs, old, planned, steerable);
    });
    this.observers.follow(planned.observe);
    this.#instruments = this.#createInstruments();
    this.#guards = this.#createGuards();
    this.#thresholds = new ThresholdWatch(planned.thresholds, this.#thresholds);
    this.#feeds = this.#createFeeds();
    this.#instruments.carryOn(await this.engines.snapshot("whole"), performance.now());
  }

  /** What is known when every task has ended. */
  async ended(): Promise<EndedRun> {
    const ledger = await this.engines.snapshot("whole");
    const { subject } = this.engines.current;
    const endedMs = performance.now();
    this.#thresholds.look(ledger, this.#ports.ending.isBySignal);
    return {
      ledger,
      thresholds: this.judgedThresholds(),
      scripts: this.#scripts.reading,
      stages: this.engines.stages(),
      subject,
      startedUnixMs: this.#began.unixMs,
      seconds: (endedMs - this.#began.ms) / 1000,
      stoppedBySignal: this.#ports.ending.isBySignal,
      bottleneckOf: (task) => this.#instruments.bottleneckOf(task, endedMs),
      reasons: this.#news.reasons,
    };
  }

  /** By scenario, how long starts were planned. */
  #plannedSeconds(): number[] {
    const stages = this.engines.stages();
    return this.engines.current.subject.scenarios.map(({ name }) =>
      stages.reduce((sum, { scenario, seconds }) => sum + (scenario === name ? seconds : 0), 0),
    );
  }

  async close(): Promise<void> {
    // Not as one that has stopped as it should, unless that was said before.
    this.orders.desk.close();
    await Promise.all([
      // Not before: what starts tasks must hold their leases.
      this.engines.terminate().then(() => this.leases.close()),
      this.observers.close(),
    ]);
  }

  #createNews(): EngineNews {
    const { log } = this.#options;
    const { connections, events, ending } = this.#ports;
    return new EngineNews({
      ...{ connections, events, log, scripts: this.#scripts },
      onReady: () => this.#begin(),
      onFull: () => this.observers.stepAside(),
      onWorkerClocks: (connection, clocks) => this.observers.clocks(connection, clocks),
      onFatal: (error) => ending.giveUp(error),
    });
  }

  /** The plan begins. One that replaces it goes on with its time. */
  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#began = { ms: performance.now(), unixMs: Date.now() };
    this.#instruments.begin(this.#began.ms);
  }

  /** A little ahead, so that every thread hears of it before. */
  #createFeeds(): Feeds {
    return new Feeds(this.#planned.feeds, this.#options.log, (scenario, factor) => {
      const { engine } = this.engines.current;
      const fromMs = engine.elapsedMs() + FEED_LEAD_MS;
      engine.control({ kind: "feed", scenario, factor, fromMs });
    });
  }

  #createInstruments(): Instruments {
    const { driftWindowMs, log } = this.#options;
    const { events, reload } = this.#ports;
    return new Instruments(this.engines.current, {
      observe: this.#planned.observe,
      driftWindowMs,
      log,
      scripts: () => this.#scripts.reading,
      leases: () => this.leases.readings(),
      guards: () => this.#guards.standings,
      steering: () => this.orders.desk.reading,
      reload,
      onVerdict: (verdict) => events.publish("verdict", verdict),
    });
  }

  #createGuards(): Guards {
    const { desk } = this.orders;
    return new Guards(this.#planned.guards, desk, this.#options.log, ({ guard, type, text }) =>
      this.#ports.events.publish("guard", { text: `guard ${guard}: ${text}`, guard, type }),
    );
  }

  #revokeInFlight(): Promise<void> {
    return this.observers.revoke(async (connection) => {
      const all = this.engines.all.map(({ engine }) => engine.idsInFlight(connection));
      return (await Promise.all(all)).flat();
    });
  }
}

function tellRetired(ledger: LedgerView, { entries }: Subject, log: Logger): void {
  const { counters } = summarize(ledger, [...entries.keys()]);
  const { planned, published, succeeded, failed, revoked, timedOut, unknown } = counters;
  log.info(
    { planned, published, succeeded, failed, revoked, timedOut, unknown },
    "the last task of the plan that was replaced has ended",
  );
}
