import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { EndReport } from "../../src/reports/end-report.js";
import type { TestDaemon } from "../support/daemon.js";
import { assertBalanced, type Metrics } from "../support/metrics.js";
import { waitUntil } from "../support/wait-until.js";
import type { RecordedRun, TestWorker } from "../support/worker.js";

/** What a daemon showed once. The reading was made between the two times. */
export interface Page {
  readonly askedMs: number;
  readonly gotMs: number;
  readonly metrics: Metrics;
}

export interface WatchedEnd {
  readonly code: number | null;
  readonly total: EndReport["total"];
  readonly pages: readonly Page[];
}

const SCRAPE_MS = 200;
/** Between the end of serving and the end of the process. */
const LAST_BREATH_MS = 5_000;

/**
 * Scrapes a daemon every 200 ms for as long as it lives; the ledger must balance in every page.
 * The daemon must run with `--json`.
 */
export class Watch {
  readonly pages: Page[] = [];
  readonly #daemon: TestDaemon;
  readonly #watching: Promise<void>;
  #hasEnded = false;
  #fault: unknown;

  constructor(daemon: TestDaemon) {
    this.#daemon = daemon;
    void daemon.exit.then(() => {
      this.#hasEnded = true;
    });
    this.#watching = this.#scrape().catch((error: unknown) => {
      this.#fault = error;
    });
  }

  /** Stops the daemon as a service manager does, and waits for its end. */
  async stop(): Promise<WatchedEnd> {
    this.#daemon.signal("SIGTERM");
    return this.end();
  }

  /**
   * Waits for the daemon's end.
   * @throws the first fault of any page; AssertionError when Node or a library had something to say
   */
  async end(): Promise<WatchedEnd> {
    const { code } = await this.#daemon.exit;
    await this.#watching;
    if (this.#fault !== undefined) throw this.#fault;
    // Warnings of Node and of libraries are the only lines that are not JSON.
    const strange = linesOf(this.#daemon.stderr()).filter((line) => !line.startsWith("{"));
    assert.deepEqual(strange, []);
    const { total, balanced } = JSON.parse(this.#daemon.stdout()) as EndReport;
    assert.equal(balanced, true);
    return { code, total, pages: this.pages };
  }

  async #scrape(): Promise<void> {
    while (!this.#hasEnded) {
      const askedMs = performance.now();
      let metrics: Metrics;
      try {
        metrics = await this.#daemon.metrics();
      } catch (error) {
        await sleep(SCRAPE_MS);
        await waitUntil(() => this.#hasEnded, LAST_BREATH_MS, "the daemon to end").catch(() => {
          throw new Error("A scrape failed though the daemon ran on", { cause: error });
        });
        return;
      }
      this.pages.push({ askedMs, gotMs: performance.now(), metrics });
      assertBalanced(metrics);
      await sleep(Math.max(0, askedMs + SCRAPE_MS - performance.now()));
    }
  }
}

/** Tasks that were handed to the broker until then, answered or not. */
export function sentBy(metrics: Metrics): number {
  return (
    metrics.sum("celery_load_tasks_published_total") + metrics.sum("celery_load_tasks_publishing")
  );
}

/**
 * What could not be sent is not made up for: between any two pages up to 2 s apart no more was sent
 * than the rate allows, plus the 100 ms that a late start may be late.
 */
export function assertNoBurst(pages: readonly Page[], ratePerSecond: number): void {
  for (const [index, first] of pages.entries()) {
    for (const second of pages.slice(index + 1)) {
      const apartMs = second.gotMs - first.askedMs;
      if (apartMs > 2_000) break;
      const sent = sentBy(second.metrics) - sentBy(first.metrics);
      const allowed = (ratePerSecond * (apartMs + 100)) / 1000 + 1;
      assert.ok(sent <= allowed, `${sent} tasks in ${apartMs} ms, at most ${allowed} were due`);
    }
  }
}

/** Waits until the broker holds no task and the worker runs none; returns what it ran. */
export async function runsAfterQuiet(cli: Redis, worker: TestWorker): Promise<RecordedRun[]> {
  const isQuiet = async () => {
    const waiting = (await cli.llen("celery")) + (await cli.hlen("unacked"));
    return waiting === 0 && (await worker.recorded()).every(({ endedMs }) => endedMs !== null);
  };
  await waitUntil(isQuiet, 20_000, "the worker to be idle");
  return worker.recorded();
}

/** No task was run twice. */
export function assertRunOnce(runs: readonly RecordedRun[]): void {
  const ids = runs.map(({ id }) => id);
  const repeated = ids.filter((id, index) => ids.indexOf(id) !== index);
  assert.equal(repeated.length, 0, `${repeated.length} runs too many: ${repeated.slice(0, 5)} …`);
}

/**
 * The daemon's count against the worker's, where the broker has lost nothing: what was run is exactly
 * what is settled by a result, so nothing that was dropped or refused was run; what is left was
 * published without an answer and never came.
 * @param expired how many may have been discarded by the worker because they reached it too late
 */
export function assertAccounted(
  total: WatchedEnd["total"],
  runs: readonly RecordedRun[],
  expired = 0,
): void {
  assertRunOnce(runs);
  const { succeeded, revoked, unknown } = total.outcomes;
  assert.equal(succeeded, runs.length);
  assert.equal(total.published, succeeded! + revoked! + unknown!);
  assert.ok(revoked! <= expired, `${revoked} were revoked, ${expired} at most may have expired`);
  assert.equal(total.duplicate, 0);
  assert.equal(total.late, 0);
}

export function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** The daemon's log, as objects. */
export function logOf(daemon: TestDaemon): Record<string, unknown>[] {
  return linesOf(daemon.stderr()).map((line) => JSON.parse(line));
}
