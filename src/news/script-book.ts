import type { MessageOf } from "../engine/messages.js";
import type { Logger } from "../log.js";
import type { ModuleCounts, ScriptCounts, ScriptReading } from "../readings/script-reading.js";
import type { ScriptTally } from "../scripts/messages.js";
import type { NamedPlan } from "./engine-log.js";

/** Keeps what threads with the user's code say, over all plans, and tells it in the log. */
export class ScriptBook {
  readonly #log: Logger;
  readonly #scenarios = new Map<string, ScriptCounts>();
  readonly #modules = new Map<string, ModuleCounts>();

  constructor(log: Logger) {
    this.#log = log;
  }

  get reading(): ScriptReading {
    return { scenarios: this.#scenarios, modules: this.#modules };
  }

  hear({ module, news }: MessageOf<"codeNews">, { plan }: NamedPlan): void {
    const { file } = plan.modules[module]!;
    const counts = this.#moduleOf(file);
    switch (news.type) {
      case "loaded":
        break;
      case "unusable":
        counts.faults++;
        this.#log.error({ module: file }, `${file} cannot be used: ${news.cause}`);
        break;
      case "fault": {
        counts.faults += news.count;
        const times = news.count === 1 ? "" : ` ${news.count} times more`;
        this.#log.warn({ module: file }, `${news.what}${times}: ${news.cause}`);
        break;
      }
      case "restarting":
        counts.restarts++;
        this.#log.error(
          { module: file, afterMs: news.afterMs },
          `the thread of ${file} ${news.cause}; its users begin anew, and it is started again`,
        );
        break;
      case "said":
        this.#log.info({ module: file }, `${file}: ${news.line}`);
        break;
      case "tally":
        for (const tally of news.tallies) this.#add(tally);
        break;
    }
  }

  #moduleOf(file: string): ModuleCounts {
    const known = this.#modules.get(file) ?? { faults: 0, restarts: 0 };
    this.#modules.set(file, known);
    return known;
  }

  #add({ scenario, succeeded, failed, checks }: ScriptTally): void {
    const counts = this.#scenarios.get(scenario) ?? { succeeded: 0, failed: 0, checks: new Map() };
    this.#scenarios.set(scenario, counts);
    counts.succeeded += succeeded;
    counts.failed += failed;
    for (const { name, passed, failed: wrong } of checks) {
      const known = counts.checks.get(name) ?? { passed: 0, failed: 0 };
      known.passed += passed;
      known.failed += wrong;
      counts.checks.set(name, known);
    }
  }
}
