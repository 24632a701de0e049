/** Delays are this many bits of seconds, one exchange a bit (`MAX_NUMBER_OF_BITS_TO_USE`). */
const BITS = 28;

/** The longest delay that the broker can hold, in milliseconds: eight and a half years. */
export const MAX_DELAY_MS = (2 ** BITS - 1) * 1000;

/** The longest routing key that is left of AMQP's 255 bytes behind the bits and their points. */
export const MAX_DELAYED_KEY_BYTES = 255 - 2 * BITS;

/** Where every delayed message is published to: the exchange of the highest bit. */
const ENTRY = `celery_delayed_${BITS - 1}`;

interface Route {
  readonly exchange: string;
  readonly routingKey: string;
}

/**
 * Where a message goes that the broker is to hold for its ETA, so that the worker gets it when it is due
 * (`kombu/transport/native_delayed_delivery.py calculate_routing_key`, `celery/app/base.py send_task`).
 * Workers of 5.5 and later declare the exchange when they consume a quorum queue.
 */
export function delayedRoute(countdownMs: number, routingKey: string): Route {
  const seconds = Math.min(Math.trunc(countdownMs / 1000), 2 ** BITS - 1);
  const bits = seconds.toString(2).padStart(BITS, "0").split("");
  return { exchange: ENTRY, routingKey: [...bits, routingKey].join(".") };
}

/** What a route of `delayedRoute` says. */
export interface Delay {
  readonly delayMs: number;
  /** The task's own. */
  readonly routingKey: string;
  /** Goes the same way and through all exchanges of delays, and waits in none. */
  readonly keyWithoutDelay: string;
}

/** Null for a route that makes nothing wait. */
export function delayIn({ exchange, routingKey }: Route): Delay | null {
  const bits = exchange === ENTRY ? DELAY.exec(routingKey)?.[0] : undefined;
  if (bits === undefined || !bits.includes("1")) return null;
  const rest = routingKey.slice(bits.length);
  return {
    delayMs: Number.parseInt(bits.replaceAll(".", ""), 2) * 1000,
    routingKey: rest,
    keyWithoutDelay: bits.replaceAll("1", "0") + rest,
  };
}

const DELAY = new RegExp(`^(?:[01]\\.){${BITS}}`);
