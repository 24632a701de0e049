/** The set that holds the bindings of an exchange on Redis (`kombu/transport/redis.py keyprefix_queue`). */
export function bindingsKey(exchange: string): string {
  return `_kombu.binding.${exchange}`;
}

/**
 * The queues that a message to an exchange goes to, each once, by the exchange's bindings. A binding is
 * `routing key, pattern, queue` joined by `sep`; the pattern is the regular expression of a topic, and
 * empty on a direct exchange (`kombu/transport/virtual/exchange.py`).
 */
export function routedQueues(
  bindings: readonly string[],
  routingKey: string,
  sep: string,
): readonly string[] {
  const queues = new Set<string>();
  for (const binding of bindings) {
    const [boundKey = "", pattern = "", queue = ""] = binding.split(sep);
    if (queue !== "" && (boundKey === routingKey || matches(pattern, routingKey))) {
      queues.add(queue);
    }
  }
  return [...queues];
}

/** Kombu's patterns hold nothing but escapes, `.`, `[^.]` and `.*?`; what another wrote may be no regular expression. */
function matches(pattern: string, routingKey: string): boolean {
  if (pattern === "") return false;
  try {
    return new RegExp(pattern).test(routingKey);
  } catch {
    return false;
  }
}
