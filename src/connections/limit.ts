/**
 * A server that is full: it works, and takes no further connection or channel. RabbitMQ counts them by user, by virtual
 * host and by node (`rabbit_reader.erl`, `rabbit_channel.erl`), Redis in all (`maxclients`, `networking.c`). What is
 * full today has room tomorrow: such an answer is no fault of a configuration, and the connections that the load needs
 * go before those that only look on.
 */
const FULL =
  /\b(connection|channel) limit\b|\b(connections|channels)\b.*\breached the\b|\bmax(imum)? number of (clients|connections)\b/is;

/** Of a connection that was given up for one that is needed. */
export const STEPPED_ASIDE =
  "the server is full, and this place was left to a connection of the load";

/** True for the words with which a server says that it is full, whatever stands around them. */
export function isFull(cause: string): boolean {
  return FULL.test(cause) || cause.includes(STEPPED_ASIDE);
}

/** What to do about a server that is full, by its words, as a line that follows them; "" when they are not its own. */
export function remedyForFull(cause: string): string {
  if (cause.includes(STEPPED_ASIDE)) return "";
  return /number of clients/i.test(cause)
    ? "\nThe server has as many connections as maxclients allows: close some that are not needed, or raise it."
    : "\nClose connections that are not needed, or raise the limit: rabbitmqctl set_vhost_limits, or set_user_limits; of a node connection_max and channel_max in rabbitmq.conf.";
}
