import type { Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { EngineMessage, EnginePlan } from "../engine/messages.js";
import { EXIT, UserError } from "../errors.js";
import { engineMetrics } from "../exposition/engine-metrics.js";
import type { LedgerView } from "../exposition/ledger-view.js";
import { MetricsRegistry } from "../exposition/registry.js";
import type { Subject } from "../exposition/subject.js";
import type { TextFormat } from "../exposition/text-format.js";
import {
  createApp,
  type HttpSource,
  metricsUrl,
  type Problem,
  type Readiness,
  stopServing,
} from "../http/app.js";
import { listenWhenFree } from "../http/wait-for-port.js";
import { type Logger, OnceAMinute } from "../log.js";
import {
  ConnectionObserver,
  type ObservedConnection,
  type ObservePlan,
} from "../observer/connection-observer.js";
import type { ReceivedSignal } from "../signals.js";
import { AchievedRates } from "./achieved-rates.js";
import { Bottlenecks } from "./bottlenecks.js";
import { ConnectionStates } from "./connection-states.js";
import { Drifts } from "./drifts.js";
import { endReport, reportText } from "./end-report.js";
import { Engine } from "./engine.js";
import { addressOf, EngineLog } from "./engine-log.js";
import { exitCodeOf, isUnpublished } from "./exit-code.js";
import { ObserverLog } from "./observer-log.js";
import { type Status, statusOf } from "./status.js";
import { StatusLine } from "./status-line.js";

export interface DaemonOptions {
  readonly plan: EnginePlan;
  readonly subject: Subject;
  /** What to look at beside the engine's work, one for each connection. */
  readonly observe: readonly ObservePlan[];
  readonly listen: { readonly host: string; readonly port: number };
  /** How long the metrics stay readable after a stop, so that Prometheus gets the last values. */
  readonly lingerMs: number;
  /** How long a port in use is waited for: a daemon before us may linger there. */
  readonly portWaitMs: number;
  /** Over how long drift is looked for. */
  readonly driftWindowMs: number;
  /** The run is to end by itself (`--for`, `--count`): a signal before that is not a success. */
  readonly isBounded: boolean;
  /** The exit code tells whether the SLOs are met. */
  readonly exitOnSlo: boolean;
  readonly log: Logger;
  /** Called once a second with what a terminal shows; null elsewhere. */
  readonly showStatus: ((line: string) => void) | null;
  /** Called once at the end; null when nobody wants the report. */
  readonly showReport: ((report: { text: string; json: string }) => void) | null;
}

/** An engine whose last turn is older than this does not work any more. */
const STALLED_AFTER_MS = 10_000;
const STATUS_MS = 1_000;
/** How often it is asked which side is slow, and what drifts. */
const JUDGE_MS = 5_000;

/**
 * The main thread's part of a run: start → run → drain → linger → stop. It never waits for a broker:
 * connections, pacing and results are the engine's.
 */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #connections: ConnectionStates;
  readonly #engineLog: EngineLog;
  readonly #bottlenecks: Bottlenecks;
  readonly #drifts: Drifts;
  readonly #achieved: AchievedRates;
  readonly #registry: MetricsRegistry<LedgerView>;
  readonly #toldToStop = new AbortController();
  readonly #aborted = new AbortController();
  #engine: Engine | undefined;
  #observers: readonly ConnectionObserver[] = [];
  #reading: LedgerView | undefined;
  #observed: readonly ObservedConnection[] = [];
  #scrapes: Promise<unknown> = Promise.resolve();
  #signals = 0;
  #fatal: UserError | undefined;
  #isStopping = false;
  #startedMs = performance.now();

  constructor(options: DaemonOptions) {
    this.#options = options;
    const { log, plan, subject } = options;
    this.#connections = new ConnectionStates(subject.connections);
    this.#bottlenecks = new Bottlenecks(subject, plan.entries);
    this.#drifts = new Drifts({
      subject,
      connections: options.observe,
      windowMs: options.driftWindowMs,
      residentBytes: () => process.memoryUsage.rss(),
    });
    this.#achieved = new AchievedRates(subject);
    this.#engineLog = new EngineLog(log, plan, subject);
    const often = new OnceAMinute();
    this.#registry = new MetricsRegistry(
      engineMetrics(
        subject,
        () => this.#reading!,
        () => this.#observed,
        () => this.#bottlenecks.sides,
        () => this.#drifts.drifts,
      ),
      (metric, cause) => {
        if (often.allows(metric, performance.now())) {
          log.error({ metric, cause }, "a metric could not be collected");
        }
      },
    );
  }

  /**
   * Runs until the scenarios have ended or a signal came. Returns the exit code.
   * @throws {UserError} when it cannot start: address in use, wrong password …
   */
  async run(): Promise<number> {
    const server = await this.#listen();
    if (server === null) return this.#options.isBounded ? EXIT.stoppedBySignal : EXIT.ok;
    let status: NodeJS.Timeout | undefined;
    let judging: NodeJS.Timeout | undefined;
    try {
      const engine = new Engine(this.#options.plan, (message) => this.#onMessage(message));
      this.#engine = engine;
      this.#observers = this.#observe(engine);
      judging = setInterval(() => void this.#judge(engine), JUDGE_MS);
      if (this.#options.showStatus !== null) status = this.#startStatus(this.#options.showStatus);
      await engine.ended;
      clearInterval(status);
      clearInterval(judging);
      if (this.#fatal !== undefined) throw this.#fatal;
      return await this.#finish(engine);
    } finally {
      clearInterval(status);
      clearInterval(judging);
      await Promise.all([
        this.#engine?.terminate(),
        ...this.#observers.map((observer) => observer.close()),
      ]);
      await stopServing(server);
    }
  }

  /** The first that asks for an end drains, the second one stops at once. */
  signal({ name, meaning }: ReceivedSignal): void {
    if (meaning === "nothing") {
      this.#options.log.info({ signal: name }, "ignored: SIGTERM is what ends the run");
      return;
    }
    this.#signals++;
    this.#isStopping = true;
    this.#toldToStop.abort();
    if (this.#signals === 1 && meaning === "end") {
      this.#options.log.info(
        { signal: name },
        "stopping: no new tasks; waiting for results in flight. Again to stop at once.",
      );
      this.#engine?.stop();
      return;
    }
    this.#options.log.warn({ signal: name }, "stopping at once");
    this.#aborted.abort();
    this.#engine?.abort();
  }

  /** Nothing is published before the page can be served. Null when a signal came first. */
  async #listen(): Promise<Server | null> {
    const { listen: address, portWaitMs, log } = this.#options;
    const server = await listenWhenFree(createApp(this.#httpSource()), address, {
      waitMs: portWaitMs,
      signal: this.#toldToStop.signal,
      onWait: () =>
        log.info(
          { ...address, seconds: Math.round(portWaitMs / 1000) },
          "the port is in use: waiting for it, as a daemon that ends may linger there; nothing is published before",
        ),
    });
    if (server !== null) log.info({ metrics: metricsUrl(server) }, "celery-load starts");
    return server;
  }

  async #finish(engine: Engine): Promise<number> {
    const { log, subject, isBounded, exitOnSlo, lingerMs, showReport } = this.#options;
    this.#isStopping = true;
    const ledger = await engine.snapshot(false);
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const stoppedBySignal = this.#signals > 0;
    const report = endReport(ledger, subject, seconds, stoppedBySignal);
    const { unknown } = report.total.outcomes;
    if (!report.balanced) {
      log.error(
        report.total,
        "ended; the ledger does not add up: a defect of ours, please report it",
      );
    } else if (unknown === 0) log.info(report.total, "ended; every task is accounted for");
    else {
      log.warn(
        report.total,
        `ended; ${unknown} published tasks are unknown: never confirmed, or not waited for any longer`,
      );
    }
    for (const [slo, { verdict, reason }] of Object.entries(report.slos)) {
      if (verdict !== "met") log.warn({ slo, reason }, `the SLO is ${verdict}`);
    }
    showReport?.({ text: reportText(ledger, subject, seconds), json: JSON.stringify(report) });
    if (lingerMs > 0 && !this.#aborted.signal.aborted) {
      log.info({ lingerMs }, "metrics stay up for a last scrape");
      await sleep(lingerMs, undefined, { signal: this.#aborted.signal }).catch(() => {
        // The second signal ends the lingering: nothing else aborts it.
      });
    }
    if (isBounded && !stoppedBySignal && isUnpublished(report.total)) {
      const { dropped } = report.total;
      log.error({ dropped }, "not one of the planned tasks could be published");
    }
    return exitCodeOf(report, { isBounded, exitOnSlo });
  }

  #startStatus(show: (line: string) => void): NodeJS.Timeout {
    const line = new StatusLine(this.#options.subject, performance.now());
    return setInterval(async () => {
      const ledger = await this.#engine!.snapshot(false);
      show(line.render(ledger, performance.now()));
    }, STATUS_MS);
  }

  #httpSource(): HttpSource {
    return {
      metricsPage: (format) => this.#metricsPage(format),
      status: () => this.#status(),
      healthFault: () => this.#healthFault(),
      readiness: () => this.#readiness(),
    };
  }

  /** One page after another: all metrics of a page must read the same snapshot. */
  #metricsPage(format: TextFormat): Promise<Buffer> {
    const page = this.#scrapes.then(async () => {
      this.#reading = await this.#runningEngine().snapshot(true);
      this.#observed = this.#observers.map((observer) => observer.observed());
      return this.#registry.render(format);
    });
    this.#scrapes = page.catch(() => {
      // The scrape that failed has its answer; the next one starts afresh.
    });
    return page;
  }

  async #status(): Promise<Status> {
    const engine = this.#runningEngine();
    return statusOf({
      subject: this.#options.subject,
      ledger: await engine.snapshot(false),
      observed: this.#observers.map((observer) => observer.observed()),
      verdicts: this.#bottlenecks.standing,
      drifts: this.#drifts.drifts,
      readiness: this.#readiness(),
      seconds: (performance.now() - this.#startedMs) / 1000,
      achievedRate: (scenario) => this.#achieved.of(scenario),
    });
  }

  /** @throws {UserError} in the first moments of the process */
  #runningEngine(): Engine {
    if (this.#engine === undefined) throw new UserError("the engine has not started yet");
    return this.#engine;
  }

  #healthFault(): string | null {
    if (this.#engine === undefined || this.#isStopping) return null;
    const ageMs = this.#engine.turnAgeMs();
    return ageMs > STALLED_AFTER_MS
      ? `the engine has not moved for ${Math.round(ageMs / 1000)} s`
      : null;
  }

  #readiness(): Readiness {
    const problems = [...this.#connections.problems(), ...this.#deafness()];
    if (this.#isStopping) problems.unshift({ message: "stopping" });
    const ready = problems.length === 0;
    return { ready, problems: [...problems, ...this.#connections.degradations()] };
  }

  #observe(engine: Engine): ConnectionObserver[] {
    const log = new ObserverLog(this.#options.log);
    return this.#options.observe.map(
      (plan, connection) =>
        new ConnectionObserver({
          plan,
          listeners: engine.listeners(connection),
          say: (news) => log.write(plan, news),
        }),
    );
  }

  /** A snapshot never fails; while the engine is busy it reads the live memory. */
  async #judge(engine: Engine): Promise<void> {
    const ledger = await engine.snapshot(false);
    const observed = this.#observers.map((observer) => observer.observed());
    const nowMs = performance.now();
    this.#drifts.look(ledger, observed, nowMs);
    this.#achieved.look(ledger, nowMs);
    for (const { task, side, evidence } of this.#bottlenecks.look(ledger, observed)) {
      this.#options.log.info({ task, side, evidence }, "another side makes the task slow");
    }
  }

  /** Event streams that the configuration wants and that are not there. */
  #deafness(): Problem[] {
    return this.#options.observe.flatMap(({ name, events }, index) =>
      events !== "on" || this.#observers[index]?.isListening === true
        ? []
        : [{ connection: name, role: "events", message: "no events of workers can be heard" }],
    );
  }

  #onMessage(message: EngineMessage): void {
    switch (message.type) {
      case "ready":
        this.#startedMs = performance.now();
        break;
      case "up":
        this.#connections.up(message.connection, message.role);
        break;
      case "down":
        this.#connections.down(message.connection, message.role, message.cause);
        if (this.#isFatal(message)) {
          this.#giveUp(message);
          return;
        }
        break;
      case "blocked":
        this.#connections.blocked(message.connection, message.isBlocked);
        break;
      case "workerClocks":
        this.#observers[message.connection]?.clocks(message.clocks);
        break;
      case "exception":
        this.#options.subject.exceptions.push(message);
        break;
      default:
        break; // news for the log only
    }
    this.#engineLog.write(message);
  }

  /** A wrong password or the like: at the start trying again would hide it, later somebody mends it. */
  #isFatal({ connection, role, isConfiguration }: DownMessage): boolean {
    return isConfiguration && !this.#connections.wasEverUp(connection, role);
  }

  #giveUp({ connection, role, cause }: DownMessage): void {
    const { plan, subject } = this.#options;
    this.#fatal ??= new UserError(
      `Cannot use the ${role} of connection "${subject.connections[connection]}" at ${addressOf(plan, connection, role)}: ${cause}`,
      { exitCode: EXIT.badConfiguration },
    );
    this.#engine?.abort();
  }
}

type DownMessage = Extract<EngineMessage, { type: "down" }>;
