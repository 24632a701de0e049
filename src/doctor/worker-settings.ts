import { redactUrl } from "../celery/redact-url.js";
import { isObject } from "../celery/redis-delivery.js";
import { DEFAULT_SEP } from "../celery/redis-envelope.js";
import type { UnknownSetting, WorkerSettings } from "./facts.js";

/**
 * What to ask `conf` for. With the defaults Celery looks every setting up itself (`Settings.table` in
 * `celery/app/utils.py`), so that its answer has each under its own name whatever the project calls it:
 * with a namespace (Django's `CELERY_…`, or any other), or by its name of before Celery 4. Without them
 * it lists what is written, and the namespace is not told.
 */
export const CONF_ARGUMENTS = { with_defaults: true } as const;

/**
 * The settings that are read, with their names of before Celery 4 (`celery/app/defaults.py`): a worker that
 * is configured with those lists its defaults under them, too.
 */
const OLD_NAMES = {
  result_backend: "CELERY_RESULT_BACKEND",
  accept_content: "CELERY_ACCEPT_CONTENT",
  task_routes: "CELERY_ROUTES",
  task_default_queue: "CELERY_DEFAULT_QUEUE",
  task_time_limit: "CELERYD_TASK_TIME_LIMIT",
  task_soft_time_limit: "CELERYD_TASK_SOFT_TIME_LIMIT",
  worker_disable_rate_limits: "CELERY_DISABLE_RATE_LIMITS",
} as const;

type SettingName = keyof typeof OLD_NAMES;
type Answer = Readonly<Record<string, unknown>>;

/** What Celery writes in place of a secret (`filter_hidden_settings`). */
export const MASK = "********";

/** A worker's settings by its answers to `conf` and `stats`, none of them checked. */
export function readSettings(conf: unknown, broker: unknown): WorkerSettings {
  const unknown: UnknownSetting[] = [];
  const settings = { ...readConf(conf, unknown), ...readTransport(broker, unknown) };
  return { ...settings, unknown };
}

function readConf(conf: unknown, unknown: UnknownSetting[]) {
  if (!isObject(conf)) {
    for (const name of Object.keys(OLD_NAMES)) unknown.push({ name, why: "not told" });
    return NOTHING_TOLD;
  }
  const read = <T>(name: SettingName, as: (value: unknown) => T | null, byDefault: T | null) => {
    const value = lookUp(conf, name);
    if (value === undefined || value === null) return byDefault;
    const known = value === MASK ? null : as(value);
    if (known === null) unknown.push({ name, why: value === MASK ? "masked" : "not readable" });
    return known;
  };
  const backend = read("result_backend", textOf, "");
  if (backend === "") unknown.push({ name: "result_backend", why: "not set, or by environment" });
  return {
    resultBackend: backend ? redactUrl(backend) : null,
    acceptContent: read("accept_content", textsOf, ["json"]),
    routes: lookUp(conf, "task_routes") ?? null,
    defaultQueue: read("task_default_queue", textOf, "celery"),
    timeLimitSeconds: read("task_time_limit", numberOf, null),
    softTimeLimitSeconds: read("task_soft_time_limit", numberOf, null),
    disablesRateLimits: read("worker_disable_rate_limits", booleanOf, false),
  };
}

const NOTHING_TOLD = {
  resultBackend: null,
  acceptContent: null,
  routes: null,
  defaultQueue: null,
  timeLimitSeconds: null,
  softTimeLimitSeconds: null,
  disablesRateLimits: null,
} as const;

/** As `Settings.__getitem__` and, for the backend alone, which has two names, `Settings.result_backend`. */
function lookUp(conf: Answer, name: SettingName): unknown {
  const old = OLD_NAMES[name];
  if (name === "result_backend") return conf[name] ?? conf[old];
  return Object.hasOwn(conf, name) ? conf[name] : conf[old];
}

/** `broker_transport_options`, as the worker's own connection has them. */
function readTransport(broker: unknown, unknown: UnknownSetting[]) {
  if (!isObject(broker)) {
    unknown.push({ name: "broker_transport_options", why: "not told" });
    return { visibilityTimeoutSeconds: null, prioritySteps: null, sep: null };
  }
  const options = isObject(broker.transport_options) ? broker.transport_options : {};
  return {
    visibilityTimeoutSeconds: numberOf(options.visibility_timeout) ?? 3600,
    prioritySteps: numbersOf(options.priority_steps) ?? [0, 3, 6, 9],
    sep: textOf(options.sep) ?? DEFAULT_SEP,
  };
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function textsOf(value: unknown): string[] | null {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : null;
}

function numbersOf(value: unknown): number[] | null {
  return Array.isArray(value) ? value.filter((item) => typeof item === "number") : null;
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function booleanOf(value: unknown): boolean | null {
  return typeof value === "boolean" || typeof value === "number" ? Boolean(value) : null;
}
