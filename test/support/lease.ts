import "./dispose.js";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { hrtimeMs } from "../../src/clock.js";
import { startServerProcess } from "../../src/setup/server-process.js";
import { scratchFile } from "./scratch.js";

/** A process that wants a lease: lease-candidate.ts. */
export interface LeaseCandidate extends AsyncDisposable {
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and waits for its end. */
  stop(): Promise<void>;
  /** Times between which it has started something, without a time between at which it knew that it must not. */
  holds(): Hold[];
  log(): string;
}

/** Milliseconds by `hrtimeMs()`, which all processes of a machine read alike. */
export interface Hold {
  readonly fromMs: number;
  readonly toMs: number;
}

export async function startCandidate(broker: string, leaseMs: number): Promise<LeaseCandidate> {
  const file = await scratchFile("lease.starts");
  const logFile = await scratchFile("lease.log");
  writeFileSync(file, "");
  const server = await startServerProcess({
    name: "The candidate",
    program: process.execPath,
    args: [
      fileURLToPath(new URL("lease-candidate.js", import.meta.url)),
      ...[broker, String(leaseMs), file],
    ],
    env: process.env,
    stdoutFile: logFile,
    stderrFile: logFile,
  });
  return {
    signal: (signal) => server.signal(signal),
    stop: async () => {
      await server.stop(10_000);
    },
    holds: () => holdsIn(readFileSync(file, "utf8")),
    log: () => readFileSync(logFile, "utf8"),
    async [Symbol.asyncDispose]() {
      await server.stop(0);
    },
  };
}

function holdsIn(text: string): Hold[] {
  const holds = new Map<string, Hold>();
  // The last line may be half written.
  for (const line of text.split("\n").slice(0, -1)) {
    const [time, number = ""] = line.split(" ");
    const toMs = Number(time);
    holds.set(number, { fromMs: holds.get(number)?.fromMs ?? toMs, toMs });
  }
  return [...holds.values()];
}

/** Whether it has started something in the last half second. */
export function isStarting(candidate: LeaseCandidate): boolean {
  const last = candidate.holds().at(-1);
  return last !== undefined && hrtimeMs() - last.toMs < 500;
}

/**
 * Waits until one of them starts something.
 * @returns how long that took, in milliseconds
 * @throws Error with their logs when none does in time
 */
export async function untilStarting(
  candidates: readonly LeaseCandidate[],
  timeoutMs: number,
): Promise<number> {
  const beganMs = hrtimeMs();
  for (;;) {
    if (candidates.some(isStarting)) return hrtimeMs() - beganMs;
    if (hrtimeMs() - beganMs > timeoutMs) {
      const logs = candidates.map((candidate) => candidate.log()).join("\n---\n");
      throw new Error(`nobody held the lease within ${timeoutMs} ms\n${logs}`);
    }
    await sleep(20);
  }
}

/** Those that overlap, in words; what must be empty. */
export function overlaps(candidates: readonly LeaseCandidate[]): string[] {
  const all = candidates
    .flatMap((candidate, who) => candidate.holds().map((hold) => ({ who, ...hold })))
    .sort((a, b) => a.fromMs - b.fromMs);
  return all.flatMap((hold, index) => {
    const next = all[index + 1];
    return next === undefined || next.fromMs > hold.toMs
      ? []
      : [
          `${next.who} from ${next.fromMs} on, and ${hold.who} until ${hold.toMs} (${hold.toMs - next.fromMs} ms)`,
        ];
  });
}
