import type { CodeFile } from "../config/code-file.js";
import { type Config, isWorkflow } from "../config/schema.js";
import type { EntryPlan, ScenarioPlan } from "../engine/messages.js";
import type { ModulePlan, PayloadUse, ScriptUse, SendableEntry } from "../scripts/module-plan.js";

/** The files with code of a configuration, each with what it is used for, by their paths. */
export class Modules {
  readonly #config: Config;
  readonly #data: readonly string[];
  readonly #modules = new Map<
    string,
    { file: string; path: string; payloads: PayloadUse[]; scripts: ScriptUse[] }
  >();

  constructor(config: Config) {
    this.#config = config;
    this.#data = Object.keys(config.data);
  }

  get plans(): readonly ModulePlan[] {
    return [...this.#modules.values()];
  }

  /** Of a file that has been looked at. @returns its number in the plan; null: there is none */
  numberOf(code: CodeFile | null): number | null {
    if (code === null) return null;
    const path = code.path ?? code.file;
    if (!this.#modules.has(path)) {
      this.#modules.set(path, { file: code.file, path, payloads: [], scripts: [] });
    }
    return [...this.#modules.keys()].indexOf(path);
  }

  /** Notes what the plan uses each of them for. */
  use(scenarios: readonly ScenarioPlan[], entries: readonly EntryPlan[]): void {
    const modules = [...this.#modules.values()];
    for (const [scenario, plan] of scenarios.entries()) {
      const { mix, data } = this.#config.scenarios[plan.name]!;
      const keys = Object.keys(mix);
      for (const [place, entry] of plan.entries.entries()) {
        const { payload, data: rows } = entries[entry]!;
        if (payload === null) continue;
        const task = keys[place] ?? entries[entry]!.name;
        modules[payload]!.payloads.push({ entry, scenario: plan.name, task, data: rows });
      }
      if (plan.script === null) continue;
      const sendable = plan.entries.map((entry, place) => [
        keys[place]!,
        { entry, isFixedAs: this.#fixedAs(keys[place]!) },
      ]);
      modules[plan.script]!.scripts.push({
        scenario,
        name: plan.name,
        entries: Object.fromEntries(sendable) as Record<string, SendableEntry>,
        data: data === null ? null : this.#data.indexOf(data),
      });
    }
  }

  #fixedAs(key: string): string | null {
    const task = this.#config.tasks[key]!;
    if (isWorkflow(task)) return "as it is a workflow";
    if (task.link.length > 0) return "as it has link";
    return task.protocol === 1 ? "as it is sent by protocol 1" : null;
  }
}
