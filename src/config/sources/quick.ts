import { parseExactJson } from "../../celery/messages/exact-number.js";
import { ConfigError, type Fault } from "../../errors.js";
import type { GivenValue } from "./layers.js";
import { isUnsafeKey } from "./tree.js";
import { bothAreSet, FILE_SUFFIX, type Variables } from "./variables.js";

/** The flags of `run` without a file, as they were written. */
export interface QuickFlags {
  readonly broker?: string | undefined;
  readonly backend?: string | undefined;
  readonly task?: string | undefined;
  /** JSON list. */
  readonly args?: string | undefined;
  /** JSON mapping. */
  readonly kwargs?: string | undefined;
  readonly rate?: string | undefined;
  /** JSON of one of the profile forms. */
  readonly profile?: string | undefined;
  readonly queue?: string | undefined;
  readonly listen?: string | undefined;
  /** `control.listen`. */
  readonly control?: string | undefined;
  readonly segment?: string | undefined;
}

/**
 * A configuration without a file: connection `main`, task `task`, scenario `quick`. The broker is
 * `--broker`, else CELERY_BROKER_URL, else Redis on this machine; the backend `--backend`, else
 * CELERY_RESULT_BACKEND when `--broker` is not given either, else the broker's own. Each of these variables
 * may be a file: CELERY_BROKER_URL_FILE. The rate is 1/s.
 *
 * @throws {ConfigError} with every flag that cannot be read.
 */
export function quickForm(flags: QuickFlags, env: Variables): GivenValue[] {
  const faults: Fault[] = [];
  if (flags.task === undefined) {
    faults.push({
      place: "--task",
      message: "Cannot run without a task. Write --task app.tasks.add, or name a file.",
    });
  }
  if (flags.rate !== undefined && flags.profile !== undefined) {
    faults.push({
      place: "--profile",
      message: "Cannot use --rate and --profile together. Keep one of them.",
    });
  }
  const connection = ["connections", "main"];
  const task = ["tasks", "task"];
  const profile = ["scenarios", "quick", "profile"];
  const overrides = [
    ...brokerOf(flags, env, [...connection, "broker"], faults),
    ...backendOf(flags, env, [...connection, "backend"], faults),
    ...given([...task, "name"], "--task", flags.task),
    ...given([...task, "queue"], "--queue", flags.queue),
    ...given([...task, "args"], "--args", readJson("--args", flags.args, ARGS, faults)),
    ...given([...task, "kwargs"], "--kwargs", readJson("--kwargs", flags.kwargs, KWARGS, faults)),
    ...(flags.profile === undefined
      ? [{ path: profile, value: flags.rate ?? "1/s", flag: "--rate" }]
      : given(profile, "--profile", readProfile(flags.profile, faults))),
    ...given(["server", "listen"], "--listen", flags.listen),
    ...given(["control", "listen"], "--control", flags.control),
    ...given(["segment"], "--segment", flags.segment),
  ];
  if (faults.length > 0) throw new ConfigError(faults);
  return overrides;
}

const ARGS = 'a JSON list such as [1, "a"]';
const KWARGS = 'a JSON mapping such as {"size": 3}';
const PROFILE = 'a profile in JSON such as {"steps": ["20/s for 10m"], "repeat": true}';

function brokerOf(
  flags: QuickFlags,
  env: Variables,
  path: string[],
  faults: Fault[],
): GivenValue[] {
  if (flags.broker !== undefined) return given(path, "--broker", flags.broker);
  const fromEnvironment = fromVariable("CELERY_BROKER_URL", env, path, faults);
  return fromEnvironment.length > 0
    ? fromEnvironment
    : given(path, "--broker (default)", "redis://127.0.0.1:6379/0");
}

/** The variable belongs to the broker of the environment, not to another one. */
function backendOf(
  flags: QuickFlags,
  env: Variables,
  path: string[],
  faults: Fault[],
): GivenValue[] {
  if (flags.backend !== undefined) return given(path, "--backend", flags.backend);
  return flags.broker === undefined ? fromVariable("CELERY_RESULT_BACKEND", env, path, faults) : [];
}

/** The URL in a variable, or in the file that the variable with _FILE names; empty ones are none. */
function fromVariable(name: string, env: Variables, path: string[], faults: Fault[]): GivenValue[] {
  const fileName = `${name}${FILE_SUFFIX}`;
  const [url, urlFile] = [env[name], env[fileName]];
  if (url && urlFile) faults.push({ place: fileName, message: bothAreSet(name) });
  if (urlFile) return given(path, fileName, { urlFile });
  return url ? given(path, name, url) : [];
}

function given(path: string[], flag: string, value: unknown): GivenValue[] {
  return value === undefined ? [] : [{ path, value, flag }];
}

/** `max` and `20/s` may be written without the quotes that JSON wants. */
function readProfile(text: string, faults: Fault[]): unknown {
  return /^[\s{["]/.test(text) ? readJson("--profile", text, PROFILE, faults) : text;
}

function readJson(flag: string, text: string | undefined, form: string, faults: Fault[]): unknown {
  if (text === undefined) return undefined;
  const problem = nestingProblem(text);
  const parsed = problem === undefined ? parseJson(text) : { problem };
  if ("value" in parsed) return parsed.value;
  const message = `Cannot read ${flag}: must be ${form}; ${parsed.problem}. Put it in single quotes for the shell.`;
  faults.push({ place: flag, message });
  return undefined;
}

/** The parser's own message may quote the text, so it is not shown. */
function parseJson(text: string): { value: unknown } | { problem: string } {
  let unsafeKey: string | undefined;
  try {
    JSON.parse(text, (key, item: unknown) => {
      if (isUnsafeKey(key)) unsafeKey = key;
      return item;
    });
    if (unsafeKey !== undefined) return { problem: `the key ${unsafeKey} is not allowed` };
    return { value: parseExactJson(text) };
  } catch (error) {
    const isCut = /end of JSON|Unterminated/.test(error instanceof Error ? error.message : "");
    if (isCut) return { problem: "its end is missing" };
    const isPython = /'|\b(?:True|False|None)\b/.test(text);
    return {
      problem: isPython
        ? "this is not JSON, which has double quotes, true, false and null"
        : "this is not JSON",
    };
  }
}

const MAX_DEPTH = 64;

/** Brackets outside of texts, counted before anything recursive sees them. */
function nestingProblem(text: string): string | undefined {
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"?|[[{]|[\]}]/gs)) {
    if (token === "[" || token === "{") depth++;
    else if (token === "]" || token === "}") depth--;
    if (depth > MAX_DEPTH) return `it is nested more than ${MAX_DEPTH} levels deep`;
  }
  return undefined;
}
