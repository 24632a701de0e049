import { messageOf, UserError } from "../errors.js";
import { MetricsRegistry } from "../exposition/registry.js";
import type { TextFormat } from "../exposition/text-format.js";
import type { HistoryAnswer } from "../history/answer.js";
import type { Moment } from "../history/history.js";
import type { HistoryReading } from "../history/series.js";
import type { HttpSource, Readiness } from "../http/app.js";
import type { EventLog } from "../http/events.js";
import type { LiveFeed } from "../http/live-feed.js";
import { type ScenariosAnswer, scenariosAnswer } from "../http/scenarios.js";
import { type Logger, OnceAMinute } from "../log.js";
import type { LedgerView } from "../readings/ledger-view.js";
import { type Status, statusOf } from "../reports/status.js";
import type { Health } from "./health.js";
import { Live } from "./live.js";
import { Recording } from "./recording.js";
import type { Run } from "./run.js";

export interface PagesOptions {
  /** Undefined before the engine has started. */
  readonly run: () => Run | undefined;
  readonly health: Health;
  readonly events: EventLog;
  readonly log: Logger;
  /** Keep what the files of a report need. */
  readonly isRecording: boolean;
}

/** What the routes show of a run. */
export class Pages implements HttpSource {
  readonly events: EventLog;
  readonly live: Live;
  readonly #options: PagesOptions;
  readonly #registry: MetricsRegistry<LedgerView>;
  #metrics: Run["instruments"]["metrics"] = [];
  #pages: Promise<unknown> = Promise.resolve();
  #scrapedMs = performance.now();
  /** From the beginning of the plan on; null when none is kept. */
  #recording: Recording | null = null;

  constructor(options: PagesOptions) {
    const { events, log } = options;
    this.events = events;
    this.#options = options;
    const often = new OnceAMinute();
    this.#registry = new MetricsRegistry([], (metric, cause) => {
      if (often.allows(metric, performance.now())) {
        log.error({ metric, cause }, "a metric could not be collected");
      }
    });
    this.live = new Live({
      events,
      read: () => this.#historyReading(),
      statusOf: (ledger) => {
        const status = this.#statusOf(ledger);
        return { status, control: this.#scenariosOf(status) };
      },
      record: (reading, moment) => this.#record(reading, moment),
      onError: (cause) => {
        if (often.allows("history", performance.now())) {
          log.error({ cause: messageOf(cause) }, "a second of the history is missing");
        }
      },
    });
  }

  /** When /metrics was last asked for, on a monotonic clock; at first when the process began. */
  get scrapedMs(): number {
    return this.#scrapedMs;
  }

  get recording(): Recording | null {
    return this.#recording;
  }

  /** As it is scraped. */
  metricsPage(format: TextFormat): Promise<Buffer> {
    this.#scrapedMs = performance.now();
    return this.unscrapedPage(format);
  }

  /**
   * The metrics for ourselves. One page after another: all metrics of a page must read the same snapshot.
   */
  unscrapedPage(format: TextFormat): Promise<Buffer> {
    const page = this.#pages.then(() => this.#render(format));
    this.#pages = page.catch(() => {
      // The scrape that failed has its answer; the next one starts afresh.
    });
    return page;
  }

  async status(): Promise<Status> {
    return this.#statusOf(await this.#run().engines.snapshot("whole"));
  }

  async scenarios(): Promise<ScenariosAnswer> {
    return this.#scenariosOf(await this.status());
  }

  history(): HistoryAnswer {
    return this.live.history.answer();
  }

  get feed(): LiveFeed {
    return this.live.feed;
  }

  revision(): number {
    // At first nothing can be ordered.
    return this.#options.run()?.orders.desk.state.revision ?? 0;
  }

  healthFault(): string | null {
    return this.#options.health.fault();
  }

  readiness(): Readiness {
    return this.#options.health.readiness();
  }

  #statusOf(ledger: LedgerView): Status {
    const run = this.#run();
    const { atWork, bottlenecks, drifts, achieved } = run.instruments;
    return statusOf({
      subject: atWork.subject,
      ledger,
      observed: run.observers.observed(),
      verdicts: bottlenecks.standing,
      drifts: drifts.drifts,
      guards: run.guards.standings,
      thresholds: run.judgedThresholds(),
      readiness: this.readiness(),
      seconds: run.seconds(),
      achievedRate: (scenario) => achieved.of(scenario),
    });
  }

  #scenariosOf({ scenarios }: Status): ScenariosAnswer {
    const { orders } = this.#run();
    const { state, mixes } = orders.desk;
    const now = { elapsedMs: orders.elapsedMs, unixMs: Date.now() };
    return scenariosAnswer(scenarios, state, mixes, now);
  }

  /** Null before the plan begins. */
  async #historyReading(): Promise<HistoryReading | null> {
    const run = this.#options.run();
    if (run === undefined || run.engines.current.engine.zeroMs === null) return null;
    const ledger = await run.engines.snapshot("whole");
    // Of the plan that the snapshot is of: nothing was awaited since.
    const { subject } = run.engines.current;
    return { ledger, subject, observed: run.observers.observed() };
  }

  #record(reading: HistoryReading, moment: Moment): void {
    const { isRecording } = this.#options;
    if (!isRecording) return;
    const run = this.#run();
    this.#recording ??= new Recording(run.beganMs, () => run.engines.live());
    this.#recording.look(reading, moment);
  }

  async #render(format: TextFormat): Promise<Buffer> {
    const run = this.#run();
    const reading = await run.engines.snapshot("scrape");
    // Meanwhile another plan may lead.
    const { instruments } = run;
    instruments.show(reading, run.observers.observed());
    if (instruments.metrics !== this.#metrics) {
      this.#metrics = instruments.metrics;
      this.#registry.show(this.#metrics);
    }
    return this.#registry.render(format);
  }

  /** @throws {UserError} in the first moments of the process */
  #run(): Run {
    const run = this.#options.run();
    if (run === undefined) throw new UserError("the engine has not started yet");
    return run;
  }
}
