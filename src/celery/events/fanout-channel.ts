import { escapeGlob } from "../messages/redis-glob.js";

/** Celery's `broker_transport_options` that decide where fanout messages go on Redis. */
export interface FanoutOptions {
  readonly global_keyprefix: string;
  /** True: `/{db}.`; false: nothing; or a prefix instead, in which `{db}` is the database's number. */
  readonly fanout_prefix: boolean | string;
  /** Does the routing key belong to the channel? */
  readonly fanout_patterns: boolean;
}

/**
 * The channel to which kombu publishes a message of a fanout exchange, as are events and remote control
 * (`kombu/transport/redis.py _get_publish_topic`): `/0.celeryev/worker.heartbeat`, `/0.celery.pidbox`.
 * `db` is the broker's database; behind Sentinel kombu before 5.4 leaves `{db}` as it is.
 */
export function fanoutChannel(
  options: FanoutOptions,
  db: number | "{db}",
  exchange: string,
  routingKey = "",
): string {
  return channelsStart(options, db, exchange) + keyPart(options, routingKey);
}

/**
 * The pattern for PSUBSCRIBE that gets what is published with a routing key that the binding key
 * matches; `#` and `*` in it stand for anything (`kombu/transport/redis.py _queue_bind`).
 */
export function fanoutPattern(
  options: FanoutOptions,
  db: number | "{db}",
  exchange: string,
  bindingKey = "",
): string {
  const start = escapeGlob(channelsStart(options, db, exchange));
  return start + keyPart(options, bindingKey.replaceAll("#", "*"));
}

function channelsStart(
  { global_keyprefix, fanout_prefix }: FanoutOptions,
  db: number | "{db}",
  exchange: string,
): string {
  const prefix = fanout_prefix === true ? "/{db}." : fanout_prefix || "";
  return `${global_keyprefix}${prefix.replaceAll("{db}", String(db))}${exchange}`;
}

function keyPart({ fanout_patterns }: FanoutOptions, key: string): string {
  return key === "" || !fanout_patterns ? "" : `/${key}`;
}
