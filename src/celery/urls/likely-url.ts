/**
 * What to do about a text that is no broker URL, where it can be told what was meant; undefined where it
 * cannot. Shows no part of the text but a host with its port.
 */
export function remedyForBroker(text: string): string | undefined {
  if (/^\$\w+$/.test(text)) return `Write it with braces: \${${text.slice(1)}}.`;
  if (/^rabbitmq:\/\//i.test(text)) return "Write amqp:// for rabbitmq://.";
  if (/^https?:\/\//i.test(text)) {
    return "http:// leads to the management API, which is the key management. Write amqp://user:password@host:5672/vhost here.";
  }
  const [, slashless] = /^(redis|rediss|amqps?|sentinel):?\/{0,2}(?=[^/:\d]|$)/i.exec(text) ?? [];
  if (slashless !== undefined) {
    return `Write ${slashless.toLowerCase()}:// with a colon and two slashes before the host.`;
  }
  const [, host, port, path = ""] =
    /^(localhost|[\w.-]{1,60}(?=:\d)|\d+(?:\.\d+){3})(?::(\d{1,5}))?(\/\d*)?$/i.exec(text) ?? [];
  if (host === undefined) return undefined;
  if (port === "5672") return `Write amqp://user:password@${host}:5672/vhost.`;
  return `Write redis://${host}:${port ?? 6379}${path.length > 1 ? path : "/0"}.`;
}
