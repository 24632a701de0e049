import type { Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { isFull } from "../connections/limit.js";
import { BottleneckWatch } from "../diagnosis/bottleneck-watch.js";
import { DriftWatch } from "../diagnosis/drift-watch.js";
import { SideTimes } from "../diagnosis/side-times.js";
import type { EngineMessage, EnginePlan } from "../engine/messages.js";
import { EXIT, messageOf, UserError } from "../errors.js";
import { engineMetrics } from "../exposition/engine-metrics.js";
import { MetricsRegistry } from "../exposition/registry.js";
import type { TextFormat } from "../exposition/text-format.js";
import {
  createApp,
  type HttpSource,
  metricsUrl,
  type Problem,
  type Readiness,
  stopServing,
} from "../http/app.js";
import { onlyHosts } from "../http/hosts.js";
import { listenWhenFree } from "../http/wait-for-port.js";
import { type Logger, OnceAMinute } from "../log.js";
import {
  ConnectionObserver,
  type ObservedConnection,
  type ObservePlan,
} from "../observer/connection-observer.js";
import { AchievedRates } from "../readings/achieved-rates.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { Subject } from "../readings/subject.js";
import { evidenceText } from "../reports/bottleneck-text.js";
import { type EndedRun, type EndReport, endReport } from "../reports/end-report.js";
import { exitCodeOf } from "../reports/exit-code.js";
import { reportText } from "../reports/report-text.js";
import { type Status, statusOf } from "../reports/status.js";
import { StatusLine } from "../reports/status-line.js";
import { type NotSentReasons, refusalKey } from "../reports/without-success.js";
import type { ReceivedSignal } from "../signals.js";
import { ConnectionStates } from "./connection-states.js";
import { Engine } from "./engine.js";
import { addressOf, EngineLog } from "./engine-log.js";
import { Flapping } from "./flapping.js";
import { ObserverLog } from "./observer-log.js";
import { PROGRESS_MS, Progress } from "./progress.js";

export interface DaemonOptions {
  readonly plan: EnginePlan;
  readonly subject: Subject;
  /** What to look at beside the engine's work, one for each connection. */
  readonly observe: readonly ObservePlan[];
  readonly listen: { readonly host: string; readonly port: number };
  /** As `server.hosts`. */
  readonly hosts: readonly string[] | null;
  /** How long the metrics stay readable after a stop, so that Prometheus gets the last values. */
  readonly lingerMs: number;
  /** How long a port in use is waited for: a daemon before us may linger there. */
  readonly portWaitMs: number;
  /** Over how long drift is looked for. */
  readonly driftWindowMs: number;
  /** The run is to end by itself (`--for`, `--count`, profiles that end): a signal before that is not a success. */
  readonly isBounded: boolean;
  /** The exit code tells whether the SLOs are met. */
  readonly exitOnSlo: boolean;
  readonly log: Logger;
  /** The terminal that shows how it goes, once a second; null: the log says it, less often. */
  readonly terminal: { columns(): number; show(line: string): void } | null;
  /** Called once at the end. */
  readonly showReport: (report: ReportForms) => void;
  /** The report is read as text where the log is: the log need not say the same. */
  readonly isReportBesideLog: boolean;
}

/** The report at the end; as text its lines have at most so many columns. */
export interface ReportForms {
  text(columns: number): string;
  json(): string;
}

/** An engine whose last turn is older than this does not work any more. */
const STALLED_AFTER_MS = 10_000;
const STATUS_MS = 1_000;
/** How long the plan's clock waits for the observers, so that they see the first tasks as well. */
const OBSERVERS_MS = 500;
/** After the second signal: how long the engine may take to end, and then all else, together less than a second. */
const ABORT_MS = { engine: 500, rest: 300 };
/** How often it is asked which side is slow, and what drifts. */
const JUDGE_MS = 5_000;

/**
 * The main thread's part of a run: start → run → drain → linger → stop. It never waits for a broker:
 * connections, pacing and results are the engine's.
 */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #connections: ConnectionStates;
  readonly #engineNews: Flapping;
  readonly #bottlenecks: BottleneckWatch;
  readonly #drifts: DriftWatch;
  readonly #achieved: AchievedRates;
  readonly #registry: MetricsRegistry<LedgerView>;
  readonly #toldToStop = new AbortController();
  readonly #aborted = new AbortController();
  #engine: Engine | undefined;
  #observers: readonly ConnectionObserver[] = [];
  readonly #observerLogs: ObserverLog[] = [];
  #reading: LedgerView | undefined;
  #observed: readonly ObservedConnection[] = [];
  #scrapes: Promise<unknown> = Promise.resolve();
  readonly #often = new OnceAMinute();
  #signals = 0;
  #fatal: UserError | undefined;
  #isStopping = false;
  #startedMs = performance.now();
  #startedUnixMs = Date.now();
  #sideTimes = new SideTimes(performance.now());
  readonly #refusals = new Map<string, string>();
  #reasons: NotSentReasons = { refused: this.#refusals, invalid: null, notConnected: null };

  constructor(options: DaemonOptions) {
    this.#options = options;
    const { log, plan, subject } = options;
    this.#connections = new ConnectionStates(subject.connections);
    this.#bottlenecks = new BottleneckWatch(subject, plan.entries);
    this.#drifts = new DriftWatch({
      subject,
      connections: options.observe,
      windowMs: options.driftWindowMs,
      residentBytes: () => this.#residentBytes(),
    });
    this.#achieved = new AchievedRates(subject);
    const engineLog = new EngineLog(log, plan, subject);
    this.#engineNews = new Flapping(
      (message) => engineLog.write(message),
      ({ connection, role }, losses) =>
        log.warn(
          { connection: subject.connections[connection], role, losses },
          "the connection was lost again and again within a second",
        ),
    );
    this.#registry = new MetricsRegistry(
      engineMetrics(
        subject,
        () => this.#reading!,
        () => this.#observed,
        () => this.#bottlenecks.sides,
        () => this.#drifts.drifts,
      ),
      (metric, cause) => {
        if (this.#often.allows(metric, performance.now())) {
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
      const engine = new Engine(this.#options.plan, {
        onMessage: (message) => this.#onMessage(message),
        beforeBegin: () => this.#openObservers(),
      });
      this.#engine = engine;
      this.#observers = this.#observe(engine);
      judging = setInterval(() => void this.#judge(engine), JUDGE_MS);
      status = this.#startStatus();
      await engine.ended;
      clearInterval(status);
      clearInterval(judging);
      if (this.#fatal !== undefined) throw this.#fatal;
      return await this.#finish(engine);
    } finally {
      clearInterval(status);
      clearInterval(judging);
      await this.#untilAborted(
        Promise.all([
          this.#engine?.terminate(),
          ...this.#observers.map((observer) => observer.close()),
        ]).then(() => stopServing(server)),
      );
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
    // It may be busy, or wait for servers that stand still.
    setTimeout(() => void this.#engine?.terminate(), ABORT_MS.engine);
  }

  /** What is left to do at the end, for as long as nobody wants it at once; the process ends next. */
  async #untilAborted(work: Promise<unknown>): Promise<void> {
    const { signal } = this.#aborted;
    const aborted = new Promise((resolve) => {
      if (signal.aborted) resolve(null);
      else signal.addEventListener("abort", resolve);
    });
    await Promise.race([work, aborted.then(() => sleep(ABORT_MS.rest))]);
  }

  /** Nothing is published before the page can be served. Null when a signal came first. */
  async #listen(): Promise<Server | null> {
    const { listen: address, hosts, portWaitMs, log } = this.#options;
    const server = await listenWhenFree(
      createApp(this.#httpSource(), onlyHosts(address, hosts)),
      address,
      {
        waitMs: portWaitMs,
        signal: this.#toldToStop.signal,
        onWait: () =>
          log.info(
            { ...address, seconds: Math.round(portWaitMs / 1000) },
            "the port is in use: waiting for it, as a daemon that ends may linger there; nothing is published before",
          ),
      },
    );
    if (server !== null) log.info({ metrics: metricsUrl(server) }, "celery-load starts");
    return server;
  }

  async #finish(engine: Engine): Promise<number> {
    const { log, isBounded, exitOnSlo, lingerMs, showReport } = this.#options;
    this.#isStopping = true;
    for (const observerLog of this.#observerLogs) observerLog.runHasEnded();
    const run = await this.#endedRun(engine);
    const report = endReport(run);
    const isLingering = lingerMs > 0 && !this.#aborted.signal.aborted;
    this.#logEnd(report);
    if (isLingering) log.info({ lingerMs }, "metrics stay up for a last scrape");
    showReport({
      text: (columns) => reportText(run, report, columns),
      json: () => JSON.stringify(report),
    });
    if (isLingering) {
      await sleep(lingerMs, undefined, { signal: this.#aborted.signal }).catch(() => {
        // The second signal ends the lingering: nothing else aborts it.
      });
    }
    return exitCodeOf(report, { isBounded, exitOnSlo });
  }

  async #endedRun(engine: Engine): Promise<EndedRun> {
    const ledger = await engine.snapshot(false);
    const endedMs = performance.now();
    this.#sideTimes.look(this.#bottlenecks.sides, endedMs);
    return {
      ledger,
      stageCells: engine.stageCells(),
      subject: this.#options.subject,
      startedUnixMs: this.#startedUnixMs,
      seconds: (endedMs - this.#startedMs) / 1000,
      stoppedBySignal: this.#signals > 0,
      bottleneckOf: (task) => ({
        ...this.#bottlenecks.standing.get(task)!,
        secondsBySide: this.#sideTimes.of(task),
      }),
      reasons: this.#reasons,
    };
  }

  /** What the report says as well is left to it where both are read together. */
  #logEnd({ total, balanced, slos, withoutSuccess }: EndReport): void {
    const { log, isReportBesideLog } = this.#options;
    const fields = isReportBesideLog ? {} : total;
    const { unknown } = total.outcomes;
    if (!balanced) {
      log.error(fields, "ended; the ledger does not add up: a defect of ours, please report it");
    } else if (unknown === 0) log.info(fields, "ended; every task is accounted for");
    else {
      log.warn(
        fields,
        `ended; ${unknown} published tasks are unknown: never confirmed, or not waited for any longer`,
      );
    }
    if (isReportBesideLog) return;
    for (const [slo, { verdict, reason }] of Object.entries(slos)) {
      if (verdict !== "met") log.warn({ slo, reason }, `the SLO is ${verdict}`);
    }
    for (const sentence of withoutSuccess) log.warn(sentence);
  }

  /** How it goes, on a terminal or in the log. */
  #startStatus(): NodeJS.Timeout {
    const { terminal, subject, log, isBounded } = this.#options;
    const startedMs = performance.now();
    if (terminal !== null) {
      const line = new StatusLine(subject, startedMs);
      return setInterval(async () => {
        const ledger = await this.#engine!.snapshot(false);
        // Measured anew each time: it may have been resized.
        terminal.show(line.render(ledger, performance.now(), terminal.columns()));
      }, STATUS_MS);
    }
    const progress = new Progress(log, subject, isBounded, startedMs);
    return setInterval(async () => {
      if (!progress.isDue(performance.now())) return;
      progress.write(await this.#engine!.snapshot(false), performance.now());
    }, PROGRESS_MS);
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

  /** The system reads it from a file, for which there may be no descriptor left. */
  #residentBytes(): number | null {
    try {
      return process.memoryUsage.rss();
    } catch (error) {
      if (this.#often.allows("resident memory", performance.now())) {
        this.#options.log.warn({ cause: messageOf(error) }, "our own memory cannot be read");
      }
      return null;
    }
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
    return this.#options.observe.map((plan, connection) => {
      const log = new ObserverLog(this.#options.log, plan, () =>
        this.#connections.isUp(connection, "broker"),
      );
      this.#observerLogs.push(log);
      const listeners = engine.listeners(connection);
      return new ConnectionObserver({ plan, listeners, say: (news) => log.write(news) });
    });
  }

  /** After what the load needs: on a server that is full the places are not theirs. */
  async #openObservers(): Promise<void> {
    if (this.#isStopping || this.#fatal !== undefined) return;
    const opened = Promise.all(this.#observers.map((observer) => observer.open()));
    await Promise.race([opened, sleep(OBSERVERS_MS, undefined, { ref: false })]);
  }

  /** A snapshot never fails; while the engine is busy it reads the live memory. */
  async #judge(engine: Engine): Promise<void> {
    const ledger = await engine.snapshot(false);
    const observed = this.#observers.map((observer) => observer.observed());
    const nowMs = performance.now();
    this.#drifts.look(ledger, observed, nowMs);
    this.#achieved.look(ledger, nowMs);
    this.#sideTimes.look(this.#bottlenecks.sides, nowMs);
    for (const { task, side, evidence } of this.#bottlenecks.look(ledger, observed)) {
      const text =
        side === "none"
          ? `no side makes ${task} slow any more`
          : `${task} is slow: ${side} (${evidenceText(side, evidence)})`;
      this.#options.log.info({ task, side, evidence }, text);
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
        this.#startedUnixMs = Date.now();
        this.#sideTimes = new SideTimes(this.#startedMs);
        break;
      case "up":
        this.#connections.up(message.connection, message.role);
        break;
      case "down":
        this.#connections.down(message.connection, message.role, message.cause);
        // Whichever server theirs is: each place counts.
        if (isFull(message.cause)) for (const each of this.#observers) each.stepAside();
        if (message.role === "broker") {
          this.#reasons = { ...this.#reasons, notConnected: message.cause };
        }
        if (this.#isFatal(message)) {
          this.#giveUp(message);
          return;
        }
        break;
      case "refused":
        this.#noteRefusal(message);
        break;
      case "invalid":
        this.#reasons = { ...this.#reasons, invalid: message.reason };
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
    this.#engineNews.write(message);
  }

  /** The last one of each task counts. */
  #noteRefusal({ entry, outcome, reason }: Extract<EngineMessage, { type: "refused" }>): void {
    const task = this.#options.subject.entries[entry]?.task;
    if (task !== undefined) this.#refusals.set(refusalKey(task, outcome), reason);
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
