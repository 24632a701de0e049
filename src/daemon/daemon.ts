import { setTimeout as sleep } from "node:timers/promises";
import { redactUrl } from "../celery/redact-url.js";
import type { ConnectionRole } from "../connections/ports.js";
import type { EngineMessage, EnginePlan } from "../engine/messages.js";
import { EXIT, UserError } from "../errors.js";
import { engineMetrics } from "../exposition/engine-metrics.js";
import type { LedgerView } from "../exposition/ledger-view.js";
import { MetricsRegistry } from "../exposition/registry.js";
import type { Subject } from "../exposition/subject.js";
import type { TextFormat } from "../exposition/text-format.js";
import { createApp, type HttpSource, listen, type Readiness, stopServing } from "../http/app.js";
import { type Logger, OnceAMinute } from "../log.js";
import { ConnectionStates } from "./connection-states.js";
import { endReport, reportText } from "./end-report.js";
import { EngineHost } from "./engine-host.js";
import { StatusLine } from "./status-line.js";

export interface DaemonOptions {
  readonly plan: EnginePlan;
  readonly subject: Subject;
  readonly listen: { readonly host: string; readonly port: number };
  /** How long the metrics stay readable after a stop, so that Prometheus gets the last values. */
  readonly lingerMs: number;
  /** The run is to end by itself (`--for`, `--count`): a signal before that is not a success. */
  readonly isBounded: boolean;
  readonly log: Logger;
  /** Called once a second with what a terminal shows; null elsewhere. */
  readonly showStatus: ((line: string) => void) | null;
  /** Called once at the end; null when nobody wants the report. */
  readonly showReport: ((report: { text: string; json: string }) => void) | null;
}

/** An engine whose last turn is older than this does not work any more. */
const STALLED_AFTER_MS = 10_000;
const STATUS_MS = 1_000;

/**
 * The main thread's part of a run: start → run → drain → linger → stop. It never waits for a broker:
 * connections, pacing and results are the engine's.
 */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #connections: ConnectionStates;
  readonly #oftenLogged = new OnceAMinute();
  readonly #registry: MetricsRegistry<LedgerView>;
  readonly #aborted = new AbortController();
  #engine: EngineHost | undefined;
  #reading: LedgerView | undefined;
  #scrapes: Promise<unknown> = Promise.resolve();
  #signals = 0;
  #fatal: UserError | undefined;
  #isStopping = false;
  #startedMs = performance.now();

  constructor(options: DaemonOptions) {
    this.#options = options;
    this.#connections = new ConnectionStates(options.subject.connections);
    this.#registry = new MetricsRegistry(
      engineMetrics(options.subject, () => this.#reading!),
      (metric, cause) => {
        if (this.#oftenLogged.allows(`metric ${metric}`, performance.now())) {
          options.log.error({ metric, cause }, "a metric could not be collected");
        }
      },
    );
  }

  /**
   * Runs until the scenarios have ended or a signal came. Returns the exit code.
   * @throws {UserError} when it cannot start: address in use, wrong password …
   */
  async run(): Promise<number> {
    const server = await listen(createApp(this.#httpSource()), this.#options.listen);
    let status: NodeJS.Timeout | undefined;
    try {
      const engine = new EngineHost(this.#options.plan, (message) => this.#onMessage(message));
      this.#engine = engine;
      if (this.#options.showStatus !== null) status = this.#startStatus(this.#options.showStatus);
      await engine.ended;
      clearInterval(status);
      if (this.#fatal !== undefined) throw this.#fatal;
      return await this.#finish(engine);
    } finally {
      clearInterval(status);
      await this.#engine?.terminate();
      await stopServing(server);
    }
  }

  /** SIGTERM or SIGINT: the first one drains, the second one stops at once. */
  signal(name: string): void {
    this.#signals++;
    this.#isStopping = true;
    if (this.#signals === 1) {
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

  async #finish(engine: EngineHost): Promise<number> {
    const { log, subject, isBounded, lingerMs, showReport } = this.#options;
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
    showReport?.({ text: reportText(ledger, subject, seconds), json: JSON.stringify(report) });
    if (lingerMs > 0 && !this.#aborted.signal.aborted) {
      log.info({ lingerMs }, "metrics stay up for a last scrape");
      await sleep(lingerMs, undefined, { signal: this.#aborted.signal }).catch(() => {
        // The second signal ends the lingering: nothing else aborts it.
      });
    }
    if (!isBounded) return EXIT.ok;
    if (stoppedBySignal) return EXIT.stoppedBySignal;
    if (report.total.planned > 0 && report.total.published === 0) {
      log.error(
        { dropped: report.total.dropped },
        "not one of the planned tasks could be published",
      );
      return EXIT.failed;
    }
    return EXIT.ok;
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
      healthFault: () => this.#healthFault(),
      readiness: () => this.#readiness(),
    };
  }

  /** One page after another: all metrics of a page must read the same snapshot. */
  #metricsPage(format: TextFormat): Promise<string> {
    const page = this.#scrapes.then(async () => {
      if (this.#engine === undefined) throw new UserError("the engine has not started yet");
      this.#reading = await this.#engine.snapshot(true);
      return this.#registry.render(format);
    });
    this.#scrapes = page.catch(() => {
      // The scrape that failed has its answer; the next one starts afresh.
    });
    return page;
  }

  #healthFault(): string | null {
    if (this.#engine === undefined || this.#isStopping) return null;
    const ageMs = this.#engine.turnAgeMs();
    return ageMs > STALLED_AFTER_MS
      ? `the engine has not moved for ${Math.round(ageMs / 1000)} s`
      : null;
  }

  #readiness(): Readiness {
    const problems = this.#connections.problems();
    if (this.#isStopping) problems.unshift({ message: "stopping" });
    const ready = problems.length === 0;
    return { ready, problems: [...problems, ...this.#connections.degradations()] };
  }

  #onMessage(message: EngineMessage): void {
    const { log, subject, plan } = this.#options;
    const nameOf = (connection: number) => subject.connections[connection]!;
    switch (message.type) {
      case "started":
        this.#startedMs = performance.now();
        log.info({ scenarios: subject.scenarios.map(({ name }) => name) }, "the plan starts");
        break;
      case "scenario":
        log.info(
          { scenario: subject.scenarios[message.scenario]!.name },
          `scenario is ${message.state}`,
        );
        break;
      case "stage": {
        const { name, stages } = subject.scenarios[message.scenario]!;
        log.debug({ scenario: name, stage: stages[message.stage]?.name }, "stage begins");
        break;
      }
      case "up":
        this.#onUp(message.connection, message.role, message.downMs);
        break;
      case "down":
        this.#onDown(message);
        break;
      case "recovered":
        log.info(
          { connection: nameOf(message.connection), count: message.count },
          "results that were missed have been found",
        );
        break;
      case "lookUpFailed":
        this.#logSometimes(
          "warn",
          `look-up ${message.connection}`,
          "missed results could not be looked up yet; trying again",
          {
            connection: nameOf(message.connection),
            cause: message.cause,
          },
        );
        break;
      case "forgetFailed":
        this.#logSometimes(
          "warn",
          `forget ${message.connection}`,
          "results of ended tasks could not be removed; they expire by themselves",
          { connection: nameOf(message.connection), cause: message.cause },
        );
        break;
      case "restartedEmpty":
        log.error(
          {
            connection: nameOf(message.connection),
            broker: redactUrl(plan.connections[message.connection]!.broker),
            inFlight: message.inFlight,
          },
          "the broker restarted without its data: tasks that were queued are lost and will time out. Switch persistence on if that must not happen.",
        );
        break;
      case "blocked":
        this.#connections.blocked(message.connection, message.isBlocked);
        if (message.isBlocked) {
          log.warn(
            { connection: nameOf(message.connection) },
            "the broker blocks publishers (memory or disk alarm): starts are dropped with reason backpressure",
          );
        } else
          log.info({ connection: nameOf(message.connection) }, "the broker accepts tasks again");
        break;
      case "repliesLost":
        log.error(
          { connection: nameOf(message.connection) },
          "our reply queue was deleted: replies until it is declared again are lost, their tasks will time out",
        );
        break;
      case "refused":
        this.#logSometimes(
          "error",
          `refused ${message.connection} ${firstWord(message.reason)}`,
          "the broker refuses tasks",
          {
            connection: nameOf(message.connection),
            reason: message.reason.slice(0, 200),
          },
        );
        break;
      case "invalid":
        this.#logSometimes("error", `invalid ${message.entry}`, "a message could not be built", {
          task: subject.entries[message.entry]!.task,
          reason: message.reason,
        });
        break;
      case "malformed":
        this.#logSometimes(
          "error",
          `malformed ${message.entry}`,
          "a result could not be read; its task stays in flight",
          {
            task: subject.entries[message.entry]!.task,
          },
        );
        break;
      case "exception":
        subject.exceptions.push(message);
        log.info(
          { task: subject.entries[message.entry]!.task, exception: message.name },
          "a task failed with an exception class not seen before",
        );
        break;
      case "clockStep":
        log.warn(
          { stepMs: Math.round(message.stepMs) },
          "the system clock was set; expires and timestamps follow it",
        );
        break;
      case "snapshot":
      case "ended":
        break; // the host takes these
    }
  }

  #onUp(connection: number, role: ConnectionRole, downMs: number): void {
    const isFirst = this.#connections.up(connection, role);
    const name = this.#options.subject.connections[connection]!;
    this.#oftenLogged.forget(`down ${connection} ${role}`);
    if (isFirst) this.#options.log.info({ connection: name, role }, "connected");
    else {
      this.#options.log.info(
        { connection: name, role, secondsAway: Number((downMs / 1000).toFixed(1)) },
        "connected again",
      );
    }
  }

  #onDown(message: Extract<EngineMessage, { type: "down" }>): void {
    const { connection, role, cause, isConfiguration } = message;
    const { plan, subject } = this.#options;
    const urls = plan.connections[connection]!;
    const address = redactUrl(role === "broker" ? urls.broker : urls.backend);
    const name = subject.connections[connection]!;
    this.#connections.down(connection, role, cause);
    if (isConfiguration && !this.#connections.wasEverUp(connection, role)) {
      this.#fatal ??= new UserError(
        `Cannot use the ${role} of connection "${name}" at ${address}: ${cause}`,
        {
          exitCode: EXIT.badConfiguration,
        },
      );
      this.#engine?.abort();
      return;
    }
    this.#logSometimes(
      "warn",
      `down ${connection} ${role}`,
      "not connected; trying again until it works",
      {
        connection: name,
        role,
        address,
        cause,
      },
    );
  }

  #logSometimes(
    level: "warn" | "error",
    kind: string,
    text: string,
    fields: Record<string, unknown>,
  ): void {
    if (this.#oftenLogged.allows(kind, performance.now())) this.#options.log[level](fields, text);
  }
}

function firstWord(text: string): string {
  return text.split(" ", 1)[0] ?? "";
}
