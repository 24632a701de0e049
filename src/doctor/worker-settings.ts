import { readResultSettings } from "../celery/events/setting-advice.js";
import {
  booleanOf,
  numberOf,
  textOf,
  textsOf,
  type UnknownSetting,
  WorkerConf,
} from "../celery/events/worker-conf.js";
import { DEFAULT_SEP } from "../celery/messages/redis-envelope.js";
import { redactUrl } from "../celery/urls/redact-url.js";
import { isMapping } from "../mapping.js";
import type { ReadSettings } from "./facts.js";

/** A worker's settings by its answers to `conf` and `stats`, none of them checked. */
export function readSettings(conf: unknown, broker: unknown): ReadSettings {
  const told = new WorkerConf(conf);
  const settings = { ...readConf(told), ...readTransport(broker, told.unknown) };
  return { ...settings, unknown: told.unknown };
}

function readConf(conf: WorkerConf) {
  const backend = conf.read("result_backend", textOf, "");
  if (backend === "") {
    conf.unknown.push({ name: "result_backend", why: "not set, or by environment" });
  }
  const acceptContent = conf.read<readonly string[]>("accept_content", textsOf, ["json"]);
  return {
    resultBackend: backend ? redactUrl(backend) : null,
    acceptContent,
    ...readResultSettings(conf, acceptContent),
    routes: conf.read<unknown>("task_routes", (routes) => routes, null),
    defaultQueue: conf.read("task_default_queue", textOf, "celery"),
    timeLimitSeconds: conf.read("task_time_limit", numberOf, null),
    softTimeLimitSeconds: conf.read("task_soft_time_limit", numberOf, null),
    disablesRateLimits: conf.read("worker_disable_rate_limits", booleanOf, false),
  };
}

/** `broker_transport_options`, as the worker's own connection has them. */
function readTransport(broker: unknown, unknown: UnknownSetting[]) {
  if (!isMapping(broker)) {
    unknown.push({ name: "broker_transport_options", why: "not told" });
    return { visibilityTimeoutSeconds: null, prioritySteps: null, sep: null };
  }
  const options = isMapping(broker.transport_options) ? broker.transport_options : {};
  return {
    visibilityTimeoutSeconds: numberOf(options.visibility_timeout) ?? 3600,
    prioritySteps: numbersOf(options.priority_steps) ?? [0, 3, 6, 9],
    sep: textOf(options.sep) ?? DEFAULT_SEP,
  };
}

function numbersOf(value: unknown): number[] | null {
  return Array.isArray(value) ? value.filter((item) => typeof item === "number") : null;
}
