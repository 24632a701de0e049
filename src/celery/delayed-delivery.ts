/** Delays are this many bits of seconds, one exchange a bit (`MAX_NUMBER_OF_BITS_TO_USE`). */
const BITS = 28;

/** The longest delay that the broker can hold, in milliseconds: eight and a half years. */
export const MAX_DELAY_MS = (2 ** BITS - 1) * 1000;

/** The longest routing key that is left of AMQP's 255 bytes behind the bits and their points. */
export const MAX_DELAYED_KEY_BYTES = 255 - 2 * BITS;

/**
 * Where a message goes that the broker is to hold for its ETA, so that the worker gets it when it is due
 * (`kombu/transport/native_delayed_delivery.py calculate_routing_key`, `celery/app/base.py send_task`).
 * Workers of 5.5 and later declare the exchange when they consume a quorum queue.
 */
export function delayedRoute(
  countdownMs: number,
  routingKey: string,
): { readonly exchange: string; readonly routingKey: string } {
  const seconds = Math.min(Math.trunc(countdownMs / 1000), 2 ** BITS - 1);
  const bits = seconds.toString(2).padStart(BITS, "0").split("");
  return { exchange: `celery_delayed_${BITS - 1}`, routingKey: [...bits, routingKey].join(".") };
}
