/**
 * For each queue of ours. Without a type it has the default of the virtual host, which may be quorum, is slower for what we need,
 * and may change: RabbitMQ would refuse to declare the same queue again.
 */
export const CLASSIC = { "x-queue-type": "classic" } as const;
