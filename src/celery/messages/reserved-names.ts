/** Headers of Celery's protocol: a wrong value can stop a worker. */
const PROTOCOL = new Set(
  (
    "lang task id shadow eta expires group group_index retries timelimit root_id parent_id " +
    "argsrepr kwargsrepr origin ignore_result replaced_task_nesting stamped_headers stamps " +
    "compression redelivered"
  ).split(" "),
);

/**
 * What else `task.request` has (`celery/app/task.py Context`): the worker puts headers there under their
 * names, and a wrong `_children` keeps it from storing the result. `headers` is not among them, as tracing
 * libraries send a mapping under this name.
 */
const REQUEST = new Set(
  (
    "args kwargs callbacks errbacks chain chord called_directly children clear correlation_id " +
    "delivery_info get hostname is_eager logfile loglevel properties reply_to soft_time_limit taskset " +
    "time_limit update as_execution_options utc"
  ).split(" "),
);

/** What a stored result has (`celery/backends/base.py _get_result_meta`): extended ones add stamps to it. */
const RESULT = new Set("status result traceback date_done task_id name worker queue".split(" "));

/** Why a header cannot have this name, as "must not be set: …"; undefined when it can. */
export function headerNameFault(name: string): string | undefined {
  if (PROTOCOL.has(name)) return "must not be set: Celery's protocol owns this header";
  if (REQUEST.has(name) || name.startsWith("_")) {
    return "must not be set: Celery's worker keeps something else under this name";
  }
  if (name === "CC" || name === "BCC") {
    return "must not be set: RabbitMQ sends a copy to each queue that it names";
  }
  if (/^x-((first|last)-)?death/.test(name)) {
    return "must not be set: RabbitMQ notes there through which queues a message has gone";
  }
  return undefined;
}

/** Why a stamp cannot have this name; undefined when it can. */
export function stampNameFault(name: string): string | undefined {
  if (RESULT.has(name))
    return "must not be set: stored results have something else under this name";
  return headerNameFault(name);
}

/**
 * True for the keys in which kombu keeps what workers have not acknowledged, and its bindings
 * (`kombu/transport/redis.py`): a list under such a name ends every worker that starts on this Redis.
 */
export function isKombuKey(queue: string): boolean {
  return /^unacked(_index|_mutex)?$|^_kombu\.binding\./.test(queue);
}

/** True for the exchanges that RabbitMQ publishes to itself: it closes the channel of anybody else. */
export function isOfRabbitmq(exchange: string): boolean {
  return exchange.startsWith("amq.rabbitmq.");
}

/**
 * True for the queues and exchanges of remote control and events (`control_exchange`, `event_exchange`):
 * workers would take a task for a command.
 */
export function isOfControl(name: string): boolean {
  return /(^|\.)celery\.pidbox$|^celeryev(\.|$)/.test(name);
}

/**
 * True for the queues and exchanges in which RabbitMQ holds delayed tasks (`kombu/transport/native_delayed_delivery.py
 * level_name`), whatever their prefix: what comes there by another way than `nativeDelayedDelivery` stays for ever.
 */
export function isOfDelays(name: string): boolean {
  return /(^|_)celery_delayed_\d+$/.test(name);
}
