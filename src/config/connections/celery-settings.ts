/**
 * Celery's own settings (`celery/app/defaults.py`), where somebody pasted them into a connection or its options:
 * what to write instead.
 */
type Remedies = Readonly<Record<string, string>>;

const TLS = "Write tls: {caFile: ca.pem} in the connection, and rediss:// or amqps:// in the URL.";
const POOL = "Remove it: each purpose has one connection.";
const RECONNECT = "Remove it: a lost connection is made anew for ever.";
const DECLARED = "Remove it: workers declare their queues, and nothing is declared here.";

/** Settings that are none of the options. */
const OTHERS: Remedies = {
  broker_use_ssl: TLS,
  redis_backend_use_ssl: TLS,
  broker_pool_limit: POOL,
  broker_connection_retry: RECONNECT,
  broker_connection_retry_on_startup: RECONNECT,
  broker_connection_max_retries: RECONNECT,
  broker_channel_error_retry: RECONNECT,
  broker_failover_strategy: "Remove it: the URLs of a list are tried in their order.",
  broker_native_delayed_delivery_queue_type: DECLARED,
  task_queues: DECLARED,
  queue_arguments: DECLARED,
  result_expires: "Remove it: it is the workers'. Write forget: true.",
  result_serializer: "Remove it: it is the workers'.",
};

/** Settings that are an option under another name. */
const RENAMED: Readonly<Record<"options" | "backendOptions", Remedies>> = {
  options: {
    broker_heartbeat: "heartbeat",
    broker_connection_timeout: "connect_timeout",
    broker_login_method: "login_method",
  },
  backendOptions: {
    redis_socket_timeout: "socket_timeout",
    redis_socket_connect_timeout: "socket_connect_timeout",
    redis_socket_keepalive: "socket_keepalive",
    redis_retry_on_timeout: "retry_on_timeout",
    redis_max_connections: "max_connections",
    redis_client_name: "client_name",
    redis_backend_health_check_interval: "health_check_interval",
  },
};

/** Options that were put into the connection itself. */
const MISPLACED: readonly string[] = [
  ...["visibility_timeout", "control_exchange", "event_exchange", "event_queue_prefix"],
  ...["heartbeat", "global_keyprefix", "master_name", "sentinel_kwargs", "priority_steps"],
];

export const MISTAKES_OF_CONNECTION: Remedies = {
  ...OTHERS,
  broker_use_ssl: 'Did you mean "tls"?',
  broker_read_url: 'Did you mean "broker"?',
  broker_write_url: 'Did you mean "broker"?',
  broker_transport_options: 'Did you mean "options"?',
  transport_options: 'Did you mean "options"?',
  result_backend_transport_options: 'Did you mean "backendOptions"?',
  ...mapped(RENAMED.options, (name) => `Write options: {${name}: …}.`),
  ...mapped(RENAMED.backendOptions, (name) => `Write backendOptions: {${name}: …}.`),
  ...Object.fromEntries(MISPLACED.map((name) => [name, `Write options: {${name}: …}.`])),
};

export const MISTAKES_OF_OPTIONS: Remedies = {
  ...OTHERS,
  ...mapped({ ...RENAMED.options, ...RENAMED.backendOptions }, (name) => `Did you mean "${name}"?`),
  service_name: 'Did you mean "master_name"?',
  connection_timeout: 'Did you mean "connect_timeout"?',
  broker_transport_options: "Write what is in it here, without this key.",
  result_backend_transport_options: "Write what is in it in backendOptions.",
  ssl: TLS,
  ...Object.fromEntries(
    "host hostname port userid username password virtual_host db"
      .split(" ")
      .map((name) => [name, "Write it in the URL."]),
  ),
};

export const MISTAKES_OF_BACKEND_OPTIONS: Remedies = {
  ...MISTAKES_OF_OPTIONS,
  broker_transport_options: "Write what is in it in options.",
  result_backend_transport_options: "Write what is in it here, without this key.",
};

function mapped(names: Remedies, remedyFor: (name: string) => string): Remedies {
  return Object.fromEntries(
    Object.entries(names).map(([setting, name]) => [setting, remedyFor(name)]),
  );
}
