import { EXIT, UserError } from "../errors.js";
import { stopServing } from "../http/app.js";
import { EventLog } from "../http/events.js";
import type { Logger } from "../log.js";
import { ConnectionStates } from "../news/connection-states.js";
import { logEnd } from "../news/end-log.js";
import { type EndedRun, type EndReport, endReport } from "../reports/end-report.js";
import { exitCodeOf } from "../reports/exit-code.js";
import type { JunitOptions } from "../reports/files/junit.js";
import { reportFiles } from "../reports/files/report-files.js";
import { type RunReportSources, runReport } from "../reports/files/run-report.js";
import { frozenPage } from "../reports/frozen-page.js";
import { reportText } from "../reports/report-text.js";
import type { ReceivedSignal } from "../signals.js";
import { Ending } from "./ending.js";
import { MAX_RETIRED } from "./engines.js";
import { Health } from "./health.js";
import { Pages } from "./pages.js";
import { type PushTarget, pushMetrics, runId } from "./push.js";
import { Recording } from "./recording.js";
import { Reloads, type ReloadsOptions } from "./reloads.js";
import { type RoundsOptions, startRounds } from "./rounds.js";
import { Run, type RunOptions } from "./run.js";
import { type ServersOptions, serveOrders, servePages } from "./servers.js";

export interface DaemonOptions extends RunOptions, ServersOptions, Pick<RoundsOptions, "terminal"> {
  /** Reads the configuration again; null: there is no file to read. */
  readonly reread: ReloadsOptions["reread"] | null;
  /** How long the metrics stay readable after a stop, so that Prometheus gets the last values. */
  readonly lingerMs: number;
  /** The run is to end by itself (`--for`, `--count`, profiles that end): a signal before that is not a success. */
  readonly isBounded: boolean;
  /** The exit code tells whether the SLOs are met. */
  readonly exitOnSlo: boolean;
  /** What the files of a report are made with; null: there are to be none. */
  readonly report: ReportOptions | null;
  /** Where the metrics are sent when all has ended; null: nowhere. */
  readonly push: PushTarget | null;
  readonly log: Logger;
  /** It belongs to a terminal, whose end is that of the run. */
  readonly hasTerminal: boolean;
  /** Called once at the end. */
  readonly showReport: (report: ReportForms) => void;
  /** The report is read as text where the log is: the log need not say the same. */
  readonly isReportBesideLog: boolean;
}

export interface ReportOptions extends JunitOptions {
  /** What is in effect, as YAML without passwords; null where it is too long. */
  readonly configuration: () => string | null;
}

/** The report at the end; as text its lines have at most so many columns. */
export interface ReportForms {
  text(columns: number): string;
  json(): string;
  /** The files of a report, by name. */
  files(): Iterable<readonly [name: string, text: string]>;
}

/**
 * The main thread's part of a run: start → run → drain → linger → stop. It never waits for a broker:
 * connections, pacing and results are the engine's.
 */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #events = new EventLog();
  readonly #ending: Ending;
  readonly #connections: ConnectionStates;
  readonly #health: Health;
  readonly #pages: Pages;
  readonly #reloads: Reloads;
  /** Tells this run from others: in its report, and as a label of what is pushed. */
  readonly #id = runId();
  /** None before the engine starts. */
  #run: Run | undefined;

  constructor(options: DaemonOptions) {
    const { log, planned } = options;
    const run = () => this.#run;
    const events = this.#events;
    this.#options = options;
    this.#ending = new Ending(log);
    this.#connections = new ConnectionStates(planned.subject.connections);
    this.#health = new Health({
      ...{ run, events },
      connections: this.#connections,
      ending: this.#ending,
    });
    const isRecording = options.report !== null;
    this.#pages = new Pages({ run, events, log, health: this.#health, isRecording });
    this.#reloads = this.#createReloads();
  }

  /**
   * Runs until the scenarios have ended or a signal came. Returns the exit code.
   * @throws {UserError} when it cannot start: address in use, wrong password …
   */
  async run(): Promise<number> {
    const { log, isBounded, terminal } = this.#options;
    // Nothing is published before the page can be served.
    const server = await servePages(this.#pages, this.#options, this.#ending.told);
    if (server === null) return isBounded ? EXIT.stoppedBySignal : EXIT.ok;
    const servers = [server];
    let endRounds = () => {};
    try {
      const run = await this.#startRun();
      const target = { steering: run.orders.desk, reloading: this.#reloads };
      const control = await serveOrders(this.#pages, target, this.#options);
      if (control !== null) servers.push(control);
      endRounds = startRounds(run, {
        health: this.#health,
        scrapedMs: () => this.#pages.scrapedMs,
        live: this.#pages.live,
        ...{ terminal, isBounded, log },
      });
      await run.engines.ended;
      await this.#pages.live.look();
      // Not at the end of the linger: another daemon may take over.
      void run.leases.close();
      endRounds();
      await run.orders.close();
      if (this.#ending.fatal !== undefined) throw this.#ending.fatal;
      return await this.#finish(run);
    } finally {
      endRounds();
      const closed = this.#run?.close() ?? Promise.resolve();
      await this.#ending.unlessAborted(closed.then(() => Promise.all(servers.map(stopServing))));
    }
  }

  /** The first that asks for an end drains, the second one stops at once. A hang-up may mean to read the files again. */
  signal(received: ReceivedSignal): void {
    const { reread, hasTerminal } = this.#options;
    // As most daemons do; what was started from a terminal has lost its user.
    const reloads = reread !== null && !hasTerminal && !this.#ending.isBySignal;
    if (received.name === "SIGHUP" && received.meaning !== "nothing" && reloads) {
      void this.#reloads.reload({ actor: "reload", reason: "SIGHUP" });
    } else this.#ending.signal(received);
  }

  async #startRun(): Promise<Run> {
    const run = await Run.start(this.#options, {
      ending: this.#ending,
      events: this.#events,
      connections: this.#connections,
      reload: () => this.#reloads.reading,
    });
    this.#run = run;
    return run;
  }

  #createReloads(): Reloads {
    const { log, reread } = this.#options;
    return new Reloads({
      reread: (elapsedMs) => {
        if (reread !== null) return reread(elapsedMs);
        throw new UserError(
          "the run has no file: what was on the command line cannot be read again",
        );
      },
      elapsedMs: () => (this.#run?.seconds() ?? 0) * 1000,
      revision: () => this.#pages.revision(),
      replace: (next) => this.#run!.replace(next),
      obstacle: () => this.#reloadObstacle(),
      log,
      onEnd: (text) => this.#events.publish("config", { text }),
    });
  }

  #reloadObstacle(): string | null {
    if (this.#ending.isStopping) return "the run ends";
    const engines = this.#run?.engines;
    if (engines === undefined || engines.current.engine.zeroMs === null) {
      return "the run has not begun, it still connects: try again when it has";
    }
    if (engines.current.plan.countLimit !== null) {
      return "a run of --count is not changed while it counts";
    }
    if (engines.all.length > MAX_RETIRED) {
      return `${MAX_RETIRED} plans that were replaced still wait for results: try again when their tasks have ended`;
    }
    return null;
  }

  /** Every task has ended. */
  async #finish(run: Run): Promise<number> {
    const { log, isBounded, exitOnSlo, lingerMs, showReport, isReportBesideLog } = this.#options;
    this.#ending.tasksHaveEnded();
    run.observers.runHasEnded();
    const ended = await run.ended();
    const report = endReport(ended);
    const isLingering = lingerMs > 0 && !this.#ending.aborted.aborted;
    logEnd(report, log, isReportBesideLog);
    if (isLingering) log.info({ lingerMs }, "metrics stay up for a last scrape");
    showReport({
      text: (columns) => reportText(ended, report, columns),
      json: () => JSON.stringify(report),
      files: () => this.#files(run, ended, report),
    });
    await this.#push();
    if (isLingering) await this.#ending.linger(lingerMs);
    return exitCodeOf(report, { isBounded, exitOnSlo });
  }

  #files(run: Run, ended: EndedRun, report: EndReport): ReturnType<ReportForms["files"]> {
    const { isBounded, report: options } = this.#options;
    if (options === null) return [];
    const { subject, ledger } = ended;
    const { guards, plan } = run.planned;
    const { timeline, blocks } = this.#recorded(run, subject);
    const files = runReport({
      ...{ report, ledger, subject, isBounded, timeline, blocks },
      id: this.#id,
      endedBy: this.#ending.isBySignal ? "signal" : this.#ending.isEarly ? "threshold" : "plan",
      guards: run.guards.standings,
      guardScenarios: new Map(
        guards.map(({ name, subjects }) => [name, subjects.flatMap(({ scenarios }) => scenarios)]),
      ),
      expecting: new Set(
        plan.entries.flatMap(({ expect }, entry) => (expect === undefined ? [] : [entry])),
      ),
      segment: `${plan.segment.index + 1}/${plan.segment.of}`,
      threads: plan.threads,
      live: run.engines.live(),
      marks: this.#pages.history().marks,
      observed: run.observers.observed(),
      configuration: options.configuration(),
    });
    return reportFiles(files, () => frozenPage(this.#pages.live.frozen(ledger)), options);
  }

  /** Nothing of it when the plan has never begun. */
  #recorded(run: Run, subject: EndedRun["subject"]): Pick<RunReportSources, "timeline" | "blocks"> {
    const recording = this.#pages.recording ?? new Recording(run.beganMs, () => run.engines.live());
    recording.end(subject, { nowMs: performance.now(), unixSeconds: Date.now() / 1000 });
    return { timeline: recording.timeline.answer(), blocks: recording.blocks };
  }

  /** To a gateway, for what scrapes that. What has scraped us knows it all. */
  async #push(): Promise<void> {
    const { push, log } = this.#options;
    if (push === null) return;
    const page = await this.#pages.unscrapedPage("text");
    await pushMetrics(push, this.#id, page, log, this.#ending.aborted);
  }
}
