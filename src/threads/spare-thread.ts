import { Worker } from "node:worker_threads";

/**
 * What V8 may fill before it collects, a quarter of its default: next to nothing of what a task needs is still
 * needed when it is full, so that more would be memory for nothing.
 */
const YOUNG_MIB = 12;

let spare: Worker | undefined;

/**
 * Has a thread load the engine's code while this one still loads its own and reads the configuration: the
 * two take as long, and a core each (docs/performance.md).
 */
export function prepareEngineThread(): void {
  spare ??= newThread();
}

/** A thread that waits for its `EngineStart`. */
export function takeEngineThread(): Worker {
  const thread = spare ?? newThread();
  spare = undefined;
  return thread;
}

function newThread(): Worker {
  return new Worker(new URL("../engine/thread.js", import.meta.url), {
    name: "engine",
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  });
}
