/**
 * Kombu's fanout exchanges on Redis, which are PUB/SUB channels (`kombu/transport/redis.py
 * _get_publish_topic, _get_subscribe_topic`). Redis' channels know no databases, hence the number in
 * the name.
 */
export interface FanoutOptions {
  readonly global_keyprefix: string;
  /** true: `/{db}.` (the default); false: none; a text is used as it is, `{db}` in it replaced. */
  readonly fanout_prefix?: boolean | string | undefined;
}

/** The channel of an exchange without a routing key. */
export function fanoutChannel(exchange: string, db: number, options: FanoutOptions): string {
  const { global_keyprefix: keyPrefix, fanout_prefix: prefix = true } = options;
  const form = typeof prefix === "string" ? prefix : prefix ? "/{db}." : "";
  return `${keyPrefix}${form.replace("{db}", String(db))}${exchange}`;
}

/**
 * Patterns for PSUBSCRIBE that receive everything of an exchange, whether or not its producers add the
 * routing key to the channel (`fanout_patterns`).
 */
export function fanoutPatterns(exchange: string, db: number, options: FanoutOptions): string[] {
  const channel = fanoutChannel(exchange, db, options).replace(/[\\*?[\]]/g, "\\$&");
  return [channel, `${channel}/*`];
}
