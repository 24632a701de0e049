import { isMapping } from "../../mapping.js";

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
  result_serializer: "CELERY_RESULT_SERIALIZER",
  result_compression: "CELERY_RESULT_COMPRESSION",
  result_accept_content: "CELERY_RESULT_ACCEPT_CONTENT",
  result_extended: "CELERY_RESULT_EXTENDED",
  accept_content: "CELERY_ACCEPT_CONTENT",
  task_ignore_result: "CELERY_IGNORE_RESULT",
  task_routes: "CELERY_ROUTES",
  task_default_queue: "CELERY_DEFAULT_QUEUE",
  task_time_limit: "CELERYD_TASK_TIME_LIMIT",
  task_soft_time_limit: "CELERYD_TASK_SOFT_TIME_LIMIT",
  worker_disable_rate_limits: "CELERY_DISABLE_RATE_LIMITS",
} as const;

export type SettingName = keyof typeof OLD_NAMES;

/** What Celery writes in place of a secret (`filter_hidden_settings`). */
export const MASK = "********";

/** A setting that could not be known. */
export interface UnknownSetting {
  /** Celery's name of it. */
  readonly name: string;
  readonly why: UnknownWhy;
}

/**
 * The worker did not tell it, hid it as a secret, told something that is no such value, or it is not
 * set where it can be seen: a variable of the worker's environment may still set it.
 */
export type UnknownWhy = "not told" | "masked" | "not readable" | "not set, or by environment";

/** Reads a worker's answer to `conf`, and notes what it does not tell. */
export class WorkerConf {
  readonly unknown: UnknownSetting[] = [];
  readonly #conf: Readonly<Record<string, unknown>> | null;

  constructor(conf: unknown) {
    this.#conf = isMapping(conf) ? conf : null;
  }

  /** A setting, its default where it is not set; null when it is not known. `as` is null for no such value. */
  read<T>(name: SettingName, as: (value: unknown) => T | null, byDefault: T | null): T | null {
    if (this.#conf === null) {
      this.unknown.push({ name, why: "not told" });
      return null;
    }
    const value = this.#lookUp(name);
    if (value === undefined || value === null) return byDefault;
    const known = value === MASK ? null : as(value);
    if (known === null) {
      this.unknown.push({ name, why: value === MASK ? "masked" : "not readable" });
    }
    return known;
  }

  /** As `Settings.__getitem__` and, for the backend alone, which has two names, `Settings.result_backend`. */
  #lookUp(name: SettingName): unknown {
    const conf = this.#conf!;
    const old = OLD_NAMES[name];
    if (name === "result_backend") return conf[name] ?? conf[old];
    return Object.hasOwn(conf, name) ? conf[name] : conf[old];
  }
}

export function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

export function textsOf(value: unknown): string[] | null {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : null;
}

export function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

export function booleanOf(value: unknown): boolean | null {
  return typeof value === "boolean" || typeof value === "number" ? Boolean(value) : null;
}
