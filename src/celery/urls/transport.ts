/** Celery's `broker_transport_options` that decide what goes over the wire, with its own names. */
export interface BrokerTransport {
  readonly priority_steps: readonly number[];
  readonly sep: string;
  readonly global_keyprefix: string;
  readonly fanout_prefix: boolean | string;
  readonly fanout_patterns: boolean;
  /** Without it workers note nowhere what they hold unacknowledged. */
  readonly ack_emulation: boolean;
  /** Key of the hash in which they do. */
  readonly unacked_key: string;
  /** Celery's settings of these names. */
  readonly control_exchange: string;
  readonly event_exchange: string;
  readonly event_queue_prefix: string;
}

/** Celery's `result_backend_transport_options` that do, with its own names. */
export interface BackendTransport {
  readonly global_keyprefix: string;
}

/** As Celery has them by default (`kombu/transport/redis.py Channel`, `celery/app/defaults.py`). */
export const DEFAULT_TRANSPORT: BrokerTransport = {
  priority_steps: [0, 3, 6, 9],
  sep: "\x06\x16",
  global_keyprefix: "",
  fanout_prefix: true,
  fanout_patterns: true,
  ack_emulation: true,
  unacked_key: "unacked",
  control_exchange: "celery",
  event_exchange: "celeryev",
  event_queue_prefix: "celeryev",
};
