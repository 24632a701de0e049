import { controlError } from "../celery/events/control-message.js";
import {
  DEFAULT_QUEUE,
  judgeDefaultQueue,
  judgeResults,
  readResultSettings,
  SETTING_ADVICE,
  type SettingJudgement,
  settingAdviceText,
} from "../celery/events/setting-advice.js";
import { CONF_ARGUMENTS, textOf, textsOf, WorkerConf } from "../celery/events/worker-conf.js";
import type { RemoteControl } from "../connections/observe-ports.js";

/** How results come back, and what is waited for. */
export interface ResultsUse {
  /** Stored in a backend, and not sent as `rpc://` does. */
  readonly isStored: boolean;
  /** A task leaves it to the workers whether there is a result. */
  readonly isLeftToWorkers: boolean;
}

export interface SettingsUse {
  /** Null when nobody waits for results. */
  readonly results: ResultsUse | null;
  /** Queues of the configuration. */
  readonly queues: readonly string[];
}

/** What settings of some workers make of our figures, and what to do about it. */
export interface SettingNotice {
  readonly isProblem: boolean;
  readonly says: string;
  readonly remedy: string;
}

const ANSWER_MS = 5_000;
/** Names in one notice. */
const MAX_NAMES = 5;

/**
 * Asks each worker once for its settings, and again when it has been restarted; tells once what each of them makes of
 * our figures, by the same rules as doctor.
 */
export class WorkerSettings {
  #use: SettingsUse;
  /** By node: which process of it has answered. */
  readonly #known = new Map<string, unknown>();
  /** By node, for as long as it is there: names of pods are never the same twice. */
  readonly #told = new Map<string, Set<string>>();

  constructor(use: SettingsUse) {
    this.#use = use;
  }

  /** What is wanted has changed; who has answered before is not asked again. */
  follow(use: SettingsUse): void {
    this.#use = use;
  }

  /**
   * `processes`: nodes that are there, with what tells a process from the next one. `consumes`: whether a worker consumes
   * queues of ours. `consumers`: workers by queue; null when not all are known.
   * @throws when the workers could not be asked
   */
  async ask(
    control: RemoteControl,
    processes: ReadonlyMap<string, unknown>,
    consumes: (node: string) => boolean,
    consumers: ReadonlyMap<string, number> | null,
  ): Promise<SettingNotice[]> {
    for (const node of this.#known.keys()) if (!processes.has(node)) this.#forget(node);
    const destination = [...processes.keys()].filter(
      (node) => !this.#known.has(node) || this.#known.get(node) !== processes.get(node),
    );
    if (destination.length === 0) return [];
    const { replies } = await control.ask({
      ...{ method: "conf", args: CONF_ARGUMENTS, destination, timeoutMs: ANSWER_MS },
    });
    const { queues, results } = this.#use;
    const isServed = consumers === null || (consumers.get(DEFAULT_QUEUE) ?? 0) > 0;
    const judgements: SettingJudgement[] = [];
    for (const { node, answer } of replies) {
      this.#known.set(node, processes.get(node));
      if (controlError(answer) !== null) continue;
      const conf = new WorkerConf(answer);
      if (results !== null && consumes(node)) judgements.push(...judged(node, conf, results));
      if (queues.includes(DEFAULT_QUEUE) && !isServed) {
        judgements.push(
          ...judgeDefaultQueue(node, conf.read("task_default_queue", textOf, DEFAULT_QUEUE)),
        );
      }
    }
    return this.#news(judgements);
  }

  #forget(node: string): void {
    this.#known.delete(node);
    this.#told.delete(node);
  }

  /** One for what is the same of several workers, and none for what was told of each of them. */
  #news(judgements: readonly SettingJudgement[]): SettingNotice[] {
    const groups = new Map<string, SettingJudgement[]>();
    for (const each of judgements) {
      const { node, ...others } = each.values;
      const what = JSON.stringify([each.code, others]);
      const told = this.#told.get(node) ?? new Set();
      if (told.has(what)) continue;
      this.#told.set(node, told.add(what));
      groups.set(what, [...(groups.get(what) ?? []), each]);
    }
    return [...groups.values()].map((group) => {
      const { code, values } = group[0]!;
      const node = namesText(group.map((each) => each.values.node));
      return {
        isProblem: SETTING_ADVICE[code].level !== "note",
        ...settingAdviceText({ code, values: { ...values, node } }),
      };
    });
  }
}

function judged(node: string, conf: WorkerConf, use: ResultsUse): SettingJudgement[] {
  const accepted = conf.read<readonly string[]>("accept_content", textsOf, ["json"]);
  const { ignoresResults, ...settings } = readResultSettings(conf, accepted);
  const ignores = use.isLeftToWorkers && ignoresResults;
  return judgeResults(node, { ...settings, ignoresResults: ignores }, use.isStored);
}

function namesText(nodes: readonly string[]): string {
  const more = nodes.length - MAX_NAMES;
  return nodes.slice(0, MAX_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
