import type { Problem, Readiness } from "../http/app.js";
import type { EventLog } from "../http/events.js";
import type { ConnectionStates } from "../news/connection-states.js";
import type { Ending } from "./ending.js";
import type { Run } from "./run.js";

/** An engine whose last turn is older than this does not work any more. */
const STALLED_AFTER_MS = 10_000;

export interface HealthSources {
  readonly connections: ConnectionStates;
  readonly ending: Ending;
  readonly events: EventLog;
  /** Undefined before the engine has started. */
  readonly run: () => Run | undefined;
}

/** Whether the process works (/healthz), and whether the load can do what it is to do (/readyz, and the events). */
export class Health {
  readonly #sources: HealthSources;
  #wasReady: boolean | null = null;

  constructor(sources: HealthSources) {
    this.#sources = sources;
  }

  /** What is wrong with the process; null: nothing. */
  fault(): string | null {
    const { run, ending } = this.#sources;
    const engine = run()?.engines.current.engine;
    if (engine === undefined || ending.isStopping) return null;
    const ageMs = engine.turnAgeMs();
    return ageMs > STALLED_AFTER_MS
      ? `the engine has not moved for ${Math.round(ageMs / 1000)} s`
      : null;
  }

  readiness(): Readiness {
    const { connections, ending } = this.#sources;
    const run = this.#sources.run();
    const stopping: Problem[] = ending.isStopping ? [{ message: "stopping" }] : [];
    const problems = [...stopping, ...connections.problems(), ...(run?.observers.problems() ?? [])];
    const degraded = [...connections.degradations(), ...(run?.degradations() ?? [])];
    return { ready: problems.length === 0, problems: [...problems, ...degraded] };
  }

  /** To those who follow the events, when readiness is another one. */
  tellReadiness(): void {
    const { ready, problems } = this.readiness();
    if (ready === this.#wasReady) return;
    this.#wasReady = ready;
    const text = ready ? "ready" : problems.map(({ message }) => message).join("; ");
    this.#sources.events.publish("readiness", { text, ready });
  }
}
