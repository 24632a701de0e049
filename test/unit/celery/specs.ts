import type { RenderContext } from "../../../src/celery/messages/body-text.js";
import type { TaskMessageSpec } from "../../../src/celery/messages/message.js";
import { SAMPLE_FILL } from "../../../src/celery/messages/message.js";
import type { TaskOptions } from "../../../src/celery/messages/task-options.js";

/** A task as the configuration's defaults make it. */
export function taskOptions(own: Partial<TaskOptions> = {}): TaskOptions {
  return {
    name: "wire.add",
    args: [],
    kwargs: {},
    queue: "celery",
    exchange: null,
    routingKey: null,
    priority: 0,
    isPersistent: true,
    expiresMs: null,
    countdownMs: null,
    eta: null,
    nativeDelayedDelivery: false,
    timeLimitSeconds: null,
    softTimeLimitSeconds: null,
    retries: 0,
    ignoreResult: null,
    shadow: null,
    stamps: {},
    headers: {},
    argsrepr: null,
    kwargsrepr: null,
    serializer: "json",
    compression: null,
    protocol: 2,
    ...own,
  };
}

/** The messages of such a task. */
export function messageSpec(own: Partial<TaskMessageSpec> = {}): TaskMessageSpec {
  return {
    ...taskOptions(),
    exchange: "",
    routingKey: "celery",
    hasEta: false,
    argsrepr: "(1, 2)",
    kwargsrepr: "{}",
    origin: "gen1@host",
    groupIndex: null,
    ...own,
  };
}

/** What a template can draw on, at the beginning of time. */
export const CONTEXT: RenderContext = {
  seq: 0,
  plannedUnixSeconds: 0,
  nowUnixSeconds: 0,
  id: SAMPLE_FILL.id,
  eta: SAMPLE_FILL.eta,
  expires: SAMPLE_FILL.expires,
  group: SAMPLE_FILL.group,
  memberIds: [],
  row: null,
};
