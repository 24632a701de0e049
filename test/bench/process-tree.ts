import { readdirSync, readFileSync } from "node:fs";

/** What a process and all that it started use. Read from `/proc`, hence on Linux only. */

/**
 * CPU time (user and system) in seconds that the threads alive now have used so far. From `schedstat`, in
 * nanoseconds: the ticks of `stat` are too coarse for seconds, and mislead when two processes take turns.
 */
export function cpuSeconds(root: number): number {
  let nanoseconds = 0;
  for (const pid of treeOf(root)) {
    for (const thread of threadsOf(pid)) nanoseconds += threadNanoseconds(pid, thread);
  }
  return nanoseconds / 1e9;
}

/** CPU time in seconds of a process's first thread: of Node, the one that runs JavaScript's main thread. */
export function mainThreadSeconds(pid: number): number {
  return threadNanoseconds(pid, String(pid)) / 1e9;
}

/** Resident memory in MiB. */
export function residentMiB(root: number): number {
  let kib = 0;
  for (const pid of treeOf(root)) {
    const status = textOf(`/proc/${pid}/status`);
    kib += Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  }
  return kib / 1024;
}

/** A process and its descendants. */
export function treeOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc").filter((text) => /^\d+$/.test(text))) {
    // "pid (name, which may hold anything) state parent …"
    const parent = Number(textOf(`/proc/${name}/stat`).split(")").at(-1)!.split(" ")[2]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function threadNanoseconds(pid: number, thread: string): number {
  return Number(textOf(`/proc/${pid}/task/${thread}/schedstat`).split(" ", 1)[0]);
}

/** Empty when it is gone: processes and threads may end between a listing and the reading. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
