import { once } from "node:events";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { withDeadline } from "../deadline.js";
import { messageOf } from "../errors.js";
import type { CodeNews } from "../scripts/messages.js";
import type { CodeStart } from "../scripts/module-plan.js";
import { causeOf, placeIn } from "../scripts/told-faults.js";

/** What V8 may use for a module: what needs more has a leak, and ends alone. */
const MOST_MIB = 256;
const YOUNG_MIB = 16;
const LOOK_MS = 1_000;
/** A thread without a pulse for so long is in an endless loop, or in one that is as good as that. */
const SILENT_MS = 5_000;
/** How long it may take to end by itself. */
const CLOSE_MS = 500;
/** Before it is started again: doubled each time, up to the most, until it has run for a while. */
const LEAST_WAIT_MS = 1_000;
const MOST_WAIT_MS = 60_000;

/** The main thread's hand on a thread with the user's code: watches its pulse, and starts it again when it is gone. */
export class CodeHost {
  readonly #start: Omit<CodeStart, "pulse">;
  readonly #give: (port: MessagePort) => void;
  readonly #tell: (news: CodeNews) => void;
  readonly #watch: NodeJS.Timeout;
  #worker: Worker | null = null;
  #pulse = new Int32Array(new SharedArrayBuffer(4));
  #lastPulse = 0;
  #pulseMs = 0;
  #lookedMs = 0;
  #loadedMs: number | null = null;
  #waitMs = LEAST_WAIT_MS;
  #again: NodeJS.Timeout | null = null;
  #isClosed = false;

  /** @param give hands the engine the other end of each new thread's port */
  constructor(
    start: Omit<CodeStart, "pulse">,
    give: (port: MessagePort) => void,
    tell: (news: CodeNews) => void,
  ) {
    this.#start = start;
    this.#give = give;
    this.#tell = tell;
    this.#watch = setInterval(() => this.#look(), LOOK_MS);
    this.#watch.unref();
    this.#open();
  }

  /** Has it tell what it has counted, for as long as that may take, and ends it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#watch);
    if (this.#again !== null) clearTimeout(this.#again);
    const worker = this.#worker;
    if (worker === null) return;
    this.#worker = null;
    worker.postMessage("close");
    await withDeadline(once(worker, "exit"), CLOSE_MS, "closing").catch(() => worker.terminate());
  }

  #open(): void {
    const { port1, port2 } = new MessageChannel();
    const pulse = new SharedArrayBuffer(4);
    this.#pulse = new Int32Array(pulse);
    this.#lastPulse = 0;
    this.#pulseMs = performance.now();
    this.#loadedMs = null;
    const worker = new Worker(new URL("../scripts/code-thread.js", import.meta.url), {
      name: "code",
      workerData: { start: { ...this.#start, pulse }, engine: port2 },
      transferList: [port2],
      resourceLimits: { maxOldGenerationSizeMb: MOST_MIB, maxYoungGenerationSizeMb: YOUNG_MIB },
    });
    this.#worker = worker;
    worker.on("message", (news: CodeNews) => {
      if (news.type === "loaded") this.#loadedMs = performance.now();
      this.#tell(news);
    });
    worker.on("error", (error) => this.#lost(worker, whyEnded(error)));
    worker.on("exit", () => this.#lost(worker, "has ended, by process.exit or as its own end"));
    this.#give(port1);
  }

  /** Of a thread that may be busy there is no other sign. */
  #look(): void {
    const nowMs = performance.now();
    const pulse = Atomics.load(this.#pulse, 0);
    // While this thread itself was held up, the other may have been, too.
    const wasLate = nowMs - this.#lookedMs > 2 * LOOK_MS;
    this.#lookedMs = nowMs;
    if (pulse !== this.#lastPulse || wasLate) {
      this.#lastPulse = pulse;
      this.#pulseMs = nowMs;
    }
    if (this.#worker === null || nowMs - this.#pulseMs < SILENT_MS) return;
    const place = this.#placeOfLoop();
    const where = place === undefined ? "" : ` at ${place}`;
    const worker = this.#worker;
    this.#lost(worker, `did nothing for ${SILENT_MS / 1000} s but run${where}: an endless loop?`);
  }

  /** The line that the thread is at. A report stops every thread for some milliseconds, and is made for this only. */
  #placeOfLoop(): string | undefined {
    (process.report as { excludeNetwork?: boolean }).excludeNetwork = true;
    const report = process.report.getReport() as { readonly workers?: readonly WorkerReport[] };
    for (const { javascriptStack } of report.workers ?? []) {
      const place = placeIn((javascriptStack?.stack ?? []).join("\n"));
      if (place?.startsWith(this.#start.module.path)) return place;
    }
    return undefined;
  }

  #lost(worker: Worker, cause: string): void {
    if (worker !== this.#worker || this.#isClosed) return;
    this.#worker = null;
    void worker.terminate();
    const ranMs = this.#loadedMs === null ? 0 : performance.now() - this.#loadedMs;
    if (ranMs > MOST_WAIT_MS) this.#waitMs = LEAST_WAIT_MS;
    const afterMs = this.#waitMs;
    this.#waitMs = Math.min(MOST_WAIT_MS, 2 * this.#waitMs);
    this.#tell({ type: "restarting", cause, afterMs });
    this.#again = setTimeout(() => this.#open(), afterMs);
    this.#again.unref();
  }
}

interface WorkerReport {
  readonly javascriptStack?: { readonly stack?: readonly string[] };
}

function whyEnded(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") {
    return `used more than ${MOST_MIB} MiB and was ended: does it keep what it no longer needs?`;
  }
  return `has died (${error instanceof Error ? causeOf(error) : messageOf(error)})`;
}
