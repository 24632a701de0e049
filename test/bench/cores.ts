import { availableParallelism } from "node:os";
import { findProgram, mustRun } from "../../src/setup/programs.js";
import type { Command } from "./peers/peers.js";
import { treeOf } from "./process-tree.js";

/** The generator has a core of its own; broker and worker share another. */
export const GENERATOR_CORE = 0;
export const SERVER_CORE = 1;

let canPin: Promise<boolean> | undefined;

/** Whether processes are bound to cores: where there are two, and util-linux's taskset. */
export function isPinning(): Promise<boolean> {
  canPin ??= (async () => availableParallelism() >= 2 && (await findProgram("taskset")) !== null)();
  return canPin;
}

/** The command that starts it on this core. taskset becomes the program: the process id is the same. */
export async function pinnedCommand(core: number, { program, args }: Command): Promise<Command> {
  if (!(await isPinning())) return { program, args };
  return { program: "taskset", args: ["--cpu-list", String(core), program, ...args] };
}

/** Binds all threads of a running process and its children. */
export async function pinTree(pid: number, core: number): Promise<void> {
  if (!(await isPinning())) return;
  for (const each of treeOf(pid)) {
    const args = ["--all-tasks", "--cpu-list", "--pid", String(core), String(each)];
    await mustRun(`bind process ${each} to core ${core}`, "taskset", args);
  }
}
