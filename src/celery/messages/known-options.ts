/**
 * What kombu, py-amqp, redis-py and Celery know as options of a connection, and what each comes to here: the one
 * list from which the configuration, the query of URLs, `check` and the docs are made. Taken from
 * `kombu/transport/redis.py from_transport_options`, `kombu/transport/virtual/base.py`,
 * `kombu/connection.py _extract_failover_opts, _init_params`, `amqp/connection.py Connection`,
 * `celery/backends/redis.py`, `redis/connection.py` (kombu 5.2 to 5.7, redis-py 4 to 8).
 */
export interface KnownOption {
  readonly name: string;
  /** Where it may be written. */
  readonly places: readonly OptionPlace[];
  /** The servers for which it acts. */
  readonly of: "redis" | "amqp" | "both";
  /**
   * `acts`; `ignored`, as it means nothing to who sends and measures; `warns`: ignored as well, and the user has
   * to do something else instead, or our figures mean something else.
   */
  readonly does: "acts" | "ignored" | "warns";
  /** What it does; of one that does not act why not, as a clause. */
  readonly text: string;
}

/** `options` and `backendOptions` of a connection, `sentinel_kwargs` in either, and the query of a URL by the kind of server. */
export type OptionPlace =
  | "options"
  | "backendOptions"
  | "sentinel_kwargs"
  | "redis URL"
  | "amqp URL";

type Does = KnownOption["does"];
type Texts = Readonly<Record<string, string>>;

const BOTH_OPTIONS = ["options", "backendOptions"] as const;
const SOCKET = ["options", "backendOptions", "redis URL"] as const;
const AMQP = ["options", "amqp URL"] as const;
const ANY_URL = ["redis URL", "amqp URL"] as const;

/** Many that have one reason. */
function each(names: string, text: string): Texts {
  return Object.fromEntries(names.split(" ").map((name) => [name, text]));
}

const WORKERS = "only workers need it";
const PYTHON = "it is a function or class of Python's";
const OWN_QUEUES = "our own queues go with their connection";
const RECONNECTS = "a lost connection is made anew for ever, with growing pauses";

export const KNOWN_OPTIONS: readonly KnownOption[] = [
  ...rows("acts", "redis", BOTH_OPTIONS, {
    global_keyprefix: "",
    master_name: "",
    sentinel_kwargs: "",
  }),
  ...rows("acts", "redis", ["options"], {
    priority_steps: "",
    sep: "",
    fanout_prefix: "",
    fanout_patterns: "",
    ack_emulation:
      "On Redis, whether workers keep a list of what they have taken and not acknowledged; with false nobody knows how much that is (queue_unacked).",
    unacked_key: "On Redis, the key of that list.",
  }),
  ...rows("acts", "both", ["options"], {
    control_exchange:
      "Celery's setting of this name, the first part of the exchanges of remote control; must match the workers'.",
    event_exchange:
      "Celery's setting of this name, the exchange of events; must match the workers'.",
    event_queue_prefix:
      "Celery's setting of this name: how our own queue of events begins, as permissions may ask for it. RabbitMQ only.",
  }),
  ...rows("acts", "redis", SOCKET, {
    socket_timeout:
      "On Redis, seconds without an answer after which a connection counts as lost; default: 10, and 3 at least.",
    socket_connect_timeout: "On Redis, seconds that connecting may take; default: 5.",
    socket_keepalive: "On Redis, whether the system looks after idle connections; default: true.",
    health_check_interval:
      "On Redis, seconds without an answer after which a PING asks for one; 0, and what is longer than half of socket_timeout, is half of that, which is the default.",
    client_name:
      "On Redis, how our connections are named in CLIENT LIST, each with its purpose behind it; default: celery-load@HOST.",
  }),
  ...rows("acts", "amqp", AMQP, {
    heartbeat: "On RabbitMQ, seconds between heartbeats, 0 for none; default: 10.",
    connect_timeout: "On RabbitMQ, seconds that connecting may take; default: 5.",
    login_method: "On RabbitMQ, how we log in: PLAIN, AMQPLAIN or EXTERNAL (by the certificate).",
    frame_max: "On RabbitMQ, the largest frame in bytes that we agree to.",
  }),
  ...rows("acts", "amqp", ["options"], {
    client_properties:
      "On RabbitMQ, what else our connections say of themselves; connection_name is put before the purpose of each.",
  }),
  ...rows("acts", "redis", ["redis URL"], {
    db: "database, which wins over the path",
    virtual_host: "database, where the path has none",
    username: "user name, which wins over the one before the host",
    password: "password, which wins over the one before the host",
    master_name: "as `options.master_name`",
  }),
  ...rows("acts", "both", ANY_URL, {
    ssl_cert_reqs: "required, or none for any certificate (optional is required)",
    ssl_ca_certs: "PEM file of the CA certificates to trust",
    ssl_certfile: "PEM file of our own certificate",
    ssl_keyfile: "PEM file of its key",
    ssl_check_hostname: "false: a certificate of another host will do",
    ssl_server_hostname: "name that the certificate must have",
  }),
  ...rows("acts", "amqp", ["amqp URL"], { ssl: "1: TLS, as with amqps://" }),

  ...rows("warns", "redis", BOTH_OPTIONS, {
    visibility_timeout:
      "only workers need it; Redis hands out again what a worker has held for longer, so that a longer countdown or timeout means that tasks run twice",
  }),
  ...rows("warns", "redis", SOCKET, {
    credential_provider: `${PYTHON} and cannot be asked here; write user and password in the URL, or passwordFile beside it`,
  }),
  ...rows("warns", "both", ANY_URL, {
    ...each(
      "ssl_ca_path ssl_ca_data ssl_password ssl_min_version ssl_ciphers ssl_validate_ocsp " +
        "ssl_validate_ocsp_stapled ssl_ocsp_context ssl_ocsp_expected_cert ssl_include_verify_flags " +
        "ssl_exclude_verify_flags",
      "this version has no such setting of TLS; see tls for those that there are",
    ),
  }),

  ...rows("warns", "redis", ["sentinel_kwargs"], {
    ...each(
      "ssl_cert_reqs ssl_ca_certs ssl_certfile ssl_keyfile ssl_check_hostname",
      "tls of the connection holds for its Sentinels as well; write it there",
    ),
  }),

  ...rows("ignored", "redis", ["sentinel_kwargs"], {
    ...each(
      "socket_timeout socket_connect_timeout socket_keepalive socket_keepalive_options health_check_interval " +
        "client_name max_connections retry_on_timeout retry_on_error db protocol encoding encoding_errors " +
        "decode_responses",
      "Sentinels are asked anew for each connection, within times of our own",
    ),
  }),
  ...rows("ignored", "redis", BOTH_OPTIONS, {
    ...each(
      "unacked_index_key unacked_mutex_key unacked_mutex_expire unacked_restore_limit unacked_restore_interval " +
        "unacked_restore_throttle queue_order_strategy polling_interval reauth_check_interval",
      WORKERS,
    ),
    body_encoding: "bodies are sent in base64, which every worker reads",
    deadletter_queue: "a message without a queue is counted as unroutable",
    min_other_sentinels: "the first Sentinel that answers is believed",
    sentinel_fanout_compat: "both kinds of channels are always used",
  }),
  ...rows("ignored", "redis", SOCKET, {
    max_connections: "each purpose has one connection",
    retry_on_timeout: "nothing is sent twice",
    retry_on_error: "nothing is sent twice",
    socket_keepalive_options: "the system's own times hold",
  }),
  ...rows("ignored", "redis", ["backendOptions"], {
    ...each(
      "sep priority_steps fanout_prefix fanout_patterns ack_emulation unacked_key",
      "it is one of the broker: write it in options",
    ),
    ...each("retry_policy result_chord_ordered", WORKERS),
    additional_connection_errors: PYTHON,
  }),
  ...rows("ignored", "redis", ["redis URL"], {
    ...each("protocol legacy_responses", "both protocols are spoken"),
    ...each(
      "encoding encoding_errors decode_responses socket_read_size socket_type timeout lib_name lib_version " +
        "driver_info parser_class connection_class",
      "it is about redis-py itself",
    ),
    connect_timeout: "socket_connect_timeout is what counts on Redis",
    ...each("heartbeat login_method", "it is one of RabbitMQ"),
  }),
  ...rows("ignored", "amqp", ["amqp URL"], { credential_provider: "it is one of Redis" }),
  ...rows("ignored", "both", ANY_URL, { insist: "no server asks for it any more" }),
  ...rows("ignored", "both", ["options"], {
    ...each(
      "max_retries interval_start interval_step interval_max connect_retries_timeout",
      RECONNECTS,
    ),
    ...each("errback callback", PYTHON),
    ...each(
      "control_queue_ttl control_queue_expires control_queue_exclusive control_queue_durable event_queue_ttl " +
        "event_queue_expires event_queue_exclusive event_queue_durable",
      OWN_QUEUES,
    ),
  }),
  ...rows("ignored", "amqp", AMQP, { channel_max: "each connection has a handful of channels" }),
  ...rows("ignored", "amqp", ["options"], {
    confirm_publish: "the broker confirms each message: else nobody knows what became of it",
    ...each("read_timeout write_timeout", "heartbeats show that a connection is dead"),
    socket_settings: "the system's own settings hold",
    locale: "RabbitMQ has en_US alone",
    insist: "no server asks for it any more",
    ...each("login_response authentication", "login_method says how we log in"),
    ...each("on_open on_blocked on_unblocked on_tune_ok frame_handler frame_writer", PYTHON),
  }),
];

function rows(
  does: Does,
  of: KnownOption["of"],
  places: readonly OptionPlace[],
  texts: Texts,
): KnownOption[] {
  return Object.entries(texts).map(([name, text]) => ({ name, places, of, does, text }));
}

/** What is known in a place. */
export function optionsIn(place: OptionPlace): readonly KnownOption[] {
  return KNOWN_OPTIONS.filter(({ places }) => places.includes(place));
}

/** What an option comes to in a place; undefined when it is not known there. */
export function optionIn(place: OptionPlace, name: string): KnownOption | undefined {
  return KNOWN_OPTIONS.find((option) => option.name === name && option.places.includes(place));
}
