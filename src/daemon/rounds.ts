import type { Logger } from "../log.js";
import { PROGRESS_MS, Progress } from "../news/progress.js";
import type { Health } from "./health.js";
import type { Live } from "./live.js";
import type { Run } from "./run.js";

/** How often the guards look. */
const GUARD_MS = 1_000;
/** How often it is looked how thresholds stand. */
const THRESHOLDS_MS = 1_000;
/** How often it is asked which side is slow, and what drifts. */
const JUDGE_MS = 5_000;
const STATUS_LINE_MS = 1_000;
/** How often what the run is like is kept, and told to the pages that are open. */
const LIVE_MS = 1_000;

export interface RoundsOptions {
  readonly health: Health;
  /** When the metrics were last asked for. */
  readonly scrapedMs: () => number;
  readonly live: Live;
  /** The terminal that shows how it goes, once a second; null: the log says it, less often. */
  readonly terminal: { columns(): number; show(line: string): void } | null;
  /** The run is to end by itself. */
  readonly isBounded: boolean;
  readonly log: Logger;
}

/** Starts what is done again and again while a run lasts. Returns what ends that. */
export function startRounds(run: Run, options: RoundsOptions): () => void {
  const { health, scrapedMs, live } = options;
  const timers = [
    setInterval(() => void run.guard(scrapedMs), GUARD_MS),
    setInterval(() => void run.watchThresholds(), THRESHOLDS_MS),
    setInterval(() => void live.look(), LIVE_MS),
    setInterval(async () => {
      await run.judge();
      health.tellReadiness();
    }, JUDGE_MS),
    sayHowItGoes(run, options),
  ];
  return () => {
    for (const timer of timers) clearInterval(timer);
  };
}

/** On a terminal or in the log. */
function sayHowItGoes(run: Run, { terminal, log, isBounded }: RoundsOptions): NodeJS.Timeout {
  if (terminal !== null) {
    return setInterval(async () => {
      const ledger = await run.engines.snapshot("whole");
      const { statusLine } = run.instruments;
      // Measured anew each time: it may have been resized.
      terminal.show(statusLine.render(ledger, performance.now(), terminal.columns()));
    }, STATUS_LINE_MS);
  }
  const progress = new Progress(log, isBounded, performance.now());
  return setInterval(async () => {
    if (!progress.isDue(performance.now())) return;
    const ledger = await run.engines.snapshot("whole");
    const { statusLine, atWork } = run.instruments;
    progress.write(ledger, performance.now(), atWork.subject, statusLine);
  }, PROGRESS_MS);
}
