import { readdirSync, readFileSync } from "node:fs";

/**
 * CPU time (user and system) in seconds that a process and all its threads have used so far.
 * From `schedstat`, in nanoseconds, as the ticks of `stat` are too coarse for runs of seconds.
 * @throws when the process is gone, or when this is not Linux
 */
export function cpuSeconds(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8");
      nanoseconds += Number(text.split(" ", 1)[0]);
    } catch {
      // The thread ended between the listing and the reading; its time is lost, which is little.
    }
  }
  return nanoseconds / 1e9;
}

/** Resident memory of a process in MiB. */
export function residentMiB(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]) / 1024;
}
