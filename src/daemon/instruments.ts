import type { ReloadReading } from "../control/reload-port.js";
import type { SteeringReading } from "../control/steering-reading.js";
import { BottleneckWatch } from "../diagnosis/bottleneck-watch.js";
import { DriftWatch } from "../diagnosis/drift-watch.js";
import { SideTimes } from "../diagnosis/side-times.js";
import { messageOf } from "../errors.js";
import { engineMetrics } from "../exposition/engine-metrics.js";
import type { LedgerMetric } from "../exposition/ledger-metric.js";
import type { GuardStanding } from "../guards/guard-watch.js";
import { type Logger, OnceAMinute } from "../log.js";
import type { ObservedConnection, ObservePlan } from "../observer/connection-observer.js";
import { AchievedRates } from "../readings/achieved-rates.js";
import type { LeaseReading } from "../readings/lease-reading.js";
import type { LedgerView } from "../readings/ledger-view.js";
import type { ScriptReading } from "../readings/script-reading.js";
import { evidenceText } from "../reports/bottleneck-text.js";
import { StatusLine } from "../reports/status-line.js";
import type { AtWork } from "./engines.js";

export interface InstrumentsOptions {
  readonly observe: readonly ObservePlan[];
  /** Over how long drift is looked for. */
  readonly driftWindowMs: number;
  readonly log: Logger;
  /** Another side makes a task slow, or none any more. */
  readonly onVerdict: (verdict: { text: string; task: string; side: string }) => void;
  readonly scripts: () => ScriptReading;
  readonly leases: () => readonly LeaseReading[];
  readonly guards: () => readonly GuardStanding[];
  readonly steering: () => SteeringReading;
  readonly reload: () => ReloadReading;
}

/** What is read off the ledger of one plan: its metrics, which side is slow, what creeps. A new plan has new ones. */
export class Instruments {
  readonly atWork: AtWork;
  readonly bottlenecks: BottleneckWatch;
  readonly drifts: DriftWatch;
  readonly achieved: AchievedRates;
  readonly statusLine: StatusLine;
  readonly metrics: readonly LedgerMetric[];
  readonly #log: Logger;
  readonly #onVerdict: InstrumentsOptions["onVerdict"];
  readonly #often = new OnceAMinute();
  #sideTimes = new SideTimes(performance.now());
  #reading: LedgerView | undefined;
  #observed: readonly ObservedConnection[] = [];

  constructor(atWork: AtWork, options: InstrumentsOptions) {
    const { plan, subject } = atWork;
    this.atWork = atWork;
    this.#log = options.log;
    this.#onVerdict = options.onVerdict;
    this.bottlenecks = new BottleneckWatch(subject, plan.entries);
    this.drifts = new DriftWatch({
      subject,
      connections: options.observe,
      windowMs: options.driftWindowMs,
      residentBytes: () => this.#residentBytes(),
    });
    this.achieved = new AchievedRates(subject);
    this.statusLine = new StatusLine(subject, performance.now());
    this.metrics = engineMetrics(subject, {
      view: () => this.#reading!,
      observed: () => this.#observed,
      sides: () => this.bottlenecks.sides,
      drifts: () => this.drifts.drifts,
      scripts: options.scripts,
      leases: options.leases,
      guards: options.guards,
      steering: options.steering,
      reload: options.reload,
    });
  }

  /** Times count from here. */
  begin(nowMs: number): void {
    this.#sideTimes = new SideTimes(nowMs);
  }

  /** These counts are those of the plans before. */
  carryOn(ledger: LedgerView, nowMs: number): void {
    this.statusLine.begin(ledger, nowMs);
  }

  /** What the metrics are to show. */
  show(reading: LedgerView, observed: readonly ObservedConnection[]): void {
    this.#reading = reading;
    this.#observed = observed;
  }

  /** Follows what a reading means, every few seconds; says what has changed. */
  judge(ledger: LedgerView, observed: readonly ObservedConnection[], nowMs: number): void {
    this.drifts.look(ledger, observed, nowMs);
    this.achieved.look(ledger, nowMs);
    this.#sideTimes.look(this.bottlenecks.sides, nowMs);
    for (const { task, side, evidence } of this.bottlenecks.look(ledger, observed)) {
      const text =
        side === "none"
          ? `no side makes ${task} slow any more`
          : `${task} is slow: ${side} (${evidenceText(side, evidence)})`;
      this.#log.info({ task, side, evidence }, text);
      this.#onVerdict({ text, task, side });
    }
  }

  /** Which side made a task slow, and for how long, up to now. */
  bottleneckOf(task: string, nowMs: number) {
    this.#sideTimes.look(this.bottlenecks.sides, nowMs);
    return { ...this.bottlenecks.standing.get(task)!, secondsBySide: this.#sideTimes.of(task) };
  }

  /** The system reads it from a file, for which there may be no descriptor left: then null. */
  #residentBytes(): number | null {
    try {
      return process.memoryUsage.rss();
    } catch (error) {
      if (this.#often.allows("resident memory", performance.now())) {
        this.#log.warn({ cause: messageOf(error) }, "our own memory cannot be read");
      }
      return null;
    }
  }
}
