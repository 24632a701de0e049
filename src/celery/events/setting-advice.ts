import { HAS_ZSTD } from "../messages/body-encoding.js";
import { booleanOf, textOf, textsOf, type WorkerConf } from "./worker-conf.js";

/** Settings of a worker that decide what can be known of its results; null = not known. */
export interface ResultSettings {
  readonly resultSerializer: string | null;
  /** "" = none. */
  readonly resultCompression: string | null;
  /** What it reads itself: `result_accept_content`, or `accept_content` without it. */
  readonly resultAcceptContent: readonly string[] | null;
  readonly resultExtended: boolean | null;
  readonly ignoresResults: boolean | null;
}

/** `acceptContent`: the worker's `accept_content`. */
export function readResultSettings(
  conf: WorkerConf,
  acceptContent: readonly string[] | null,
): ResultSettings {
  return {
    resultSerializer: conf.read("result_serializer", textOf, "json"),
    resultCompression: conf.read("result_compression", textOf, ""),
    resultAcceptContent: conf.read<readonly string[]>(
      "result_accept_content",
      textsOf,
      acceptContent,
    ),
    resultExtended: conf.read("result_extended", booleanOf, false),
    ignoresResults: conf.read("task_ignore_result", booleanOf, false),
  };
}

/** What a worker's settings make of our figures: said by doctor, and by the log of a run. `{name}` is filled in. */
export const SETTING_ADVICE = {
  "results-unreadable": {
    level: "problem",
    says: "Results of {node} are written in a way that is not read here ({setting} {value}): its tasks end by their events, or as unknown.",
    remedy: "Set {setting} of the workers to {readable}; with -E their events tell how tasks end.",
  },
  "results-pickled": {
    level: "note",
    says: "Results of {node} are pickled (result_serializer pickle): outcomes and exceptions are read and nothing is run, but an answer that is no plain value is not checked.",
    remedy:
      "Set result_serializer of the workers to json where answers matter (tasks.NAME.expect).",
  },
  "results-refused": {
    level: "warning",
    says: "Results of {node} are written in {value}, which is not accepted there ({accepted} is): a task that retries or stores STARTED has no final result.",
    remedy: "Add {value} to result_accept_content, or accept_content, of the workers.",
  },
  "results-extended": {
    level: "note",
    says: "Arguments are stored with each result of {node} (result_extended): latencies and the backend's memory hold those, too.",
    remedy: "Set result_extended of the workers to False, unless production has it as well.",
  },
  "results-ignored": {
    level: "problem",
    says: "Results of {node} are stored only of tasks that say so (task_ignore_result): the others end as timed_out.",
    remedy:
      "Set task_ignore_result of the workers to False, or ignoreResult: true for the tasks, so that events tell their end.",
  },
  "default-queue-differs": {
    level: "problem",
    says: "Tasks without a queue of their own go to {queue} here, where nobody consumes it; the task_default_queue of {node} is {theirs}.",
    remedy: "Set defaults.tasks.queue to {theirs}.",
  },
} as const;

export type SettingCode = keyof typeof SETTING_ADVICE;

export interface SettingJudgement {
  readonly code: SettingCode;
  readonly values: { readonly [slot: string]: string } & { readonly node: string };
}

/** By kombu's names (`kombu/serialization.py`). */
const READ_SERIALIZERS = ["json", "msgpack", "yaml", "pickle"];
/** `kombu/compression.py`; the first ones of both are what is advised. */
const READ_COMPRESSIONS: readonly string[] = [
  ...["gzip", "zlib", "brotli", ...(HAS_ZSTD ? ["zstd", "zstandard"] : [])],
  ...["application/x-gzip", "application/x-brotli"],
];
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  json: "application/json",
  msgpack: "application/x-msgpack",
  yaml: "application/x-yaml",
  pickle: "application/x-python-serialize",
};

/**
 * What is to be said of a worker's results. `isStored`: they are stored, and not sent as `rpc://` sends them, which
 * neither compresses them nor reads any. What is not known is not judged.
 */
export function judgeResults(
  node: string,
  settings: ResultSettings,
  isStored: boolean,
): SettingJudgement[] {
  const { resultSerializer: serializer, resultCompression: compression } = settings;
  const { resultAcceptContent: accepted, resultExtended, ignoresResults } = settings;
  const judgements: SettingJudgement[] = [];
  const add = (code: SettingCode, values: Readonly<Record<string, string>> = {}) => {
    judgements.push({ code, values: { ...values, node } });
  };
  if (ignoresResults) add("results-ignored");
  if (serializer === "pickle") add("results-pickled");
  else if (serializer !== null && !READ_SERIALIZERS.includes(serializer)) {
    const readable = READ_SERIALIZERS.slice(0, 3).join(", ");
    add("results-unreadable", { setting: "result_serializer", value: serializer, readable });
  }
  if (isStored && compression && !READ_COMPRESSIONS.includes(compression)) {
    const readable = READ_COMPRESSIONS.slice(0, 3).join(", ");
    add("results-unreadable", { setting: "result_compression", value: compression, readable });
  }
  if (isStored && serializer !== null && accepted !== null && !accepts(accepted, serializer)) {
    add("results-refused", { value: serializer, accepted: accepted.join(", ") || "nothing" });
  }
  if (resultExtended) add("results-extended");
  return judgements;
}

/** Celery's `task_default_queue`, and ours. */
export const DEFAULT_QUEUE = "celery";

/** What is to be said of a worker's default queue when tasks of ours go to Celery's own and nobody consumes that. */
export function judgeDefaultQueue(node: string, theirs: string | null): SettingJudgement[] {
  if (theirs === null || theirs === DEFAULT_QUEUE) return [];
  return [{ code: "default-queue-differs", values: { node, queue: DEFAULT_QUEUE, theirs } }];
}

function accepts(accepted: readonly string[], serializer: string): boolean {
  return (
    accepted.includes(serializer) || accepted.includes(CONTENT_TYPES[serializer] ?? serializer)
  );
}

/** What an advice says, and its remedy, with the values in their places. */
export function settingAdviceText({ code, values }: SettingJudgement): {
  says: string;
  remedy: string;
} {
  const { says, remedy } = SETTING_ADVICE[code];
  const filled = (text: string) => text.replace(/\{(\w+)\}/g, (_, slot) => values[slot] ?? "");
  return { says: filled(says), remedy: filled(remedy) };
}
