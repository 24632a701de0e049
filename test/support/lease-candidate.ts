import { appendFileSync } from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { DEFAULT_TRANSPORT } from "../../src/celery/urls/transport.js";
import { hrtimeMs } from "../../src/clock.js";
import { Leases } from "../../src/daemon/leases.js";
import { leaseGate } from "../../src/lease/lease-gate.js";
import { createLog } from "../../src/log.js";

/**
 * A process that wants the lease of a scenario, as a daemon does: the lease on the main thread, and beside it a thread
 * that starts something every 2 ms while it may, and notes when. Its arguments are the broker's URL, the lease time
 * in milliseconds, and the file for the notes. SIGTERM gives the lease up.
 */

/** One line for each start: the time of the look, and a number that grows when the gate was found closed. */
function startWhileAllowed({ gates, file }: { gates: SharedArrayBuffer; file: string }): void {
  const gate = leaseGate(gates, 0);
  let hold = 0;
  setInterval(() => {
    const nowMs = hrtimeMs();
    if (!gate.mayStart(nowMs, Date.now())) hold++;
    else appendFileSync(file, `${nowMs} ${hold}\n`);
  }, 2);
}

function wantLease(broker: string, leaseMs: number, file: string): void {
  const plan = { scenario: "steady", connection: "main", segment: "1/1" };
  const leases = new Leases(
    [{ ...plan, broker, leaseMs, transport: { ...DEFAULT_TRANSPORT, global_keyprefix: "pre:" } }],
    createLog("info", null),
  );
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { gates: leases.gates, file },
  });
  process.once("SIGTERM", async () => {
    await worker.terminate();
    await leases.close();
  });
}

if (isMainThread) {
  const [broker = "", leaseMs = "", file = ""] = process.argv.slice(2);
  wantLease(broker, Number(leaseMs), file);
} else startWhileAllowed(workerData);
