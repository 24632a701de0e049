import fc from "fast-check";
import type { TaskSettings } from "./task-runs.js";

/** Where the generated tasks can go. */
export interface Destinations {
  /** Queues that a worker consumes. */
  readonly queues: readonly string[];
  /** A topic exchange with one of them bound to `fuzz.#`. */
  readonly topic: string;
  /** An exchange from which the broker can delay, with the key of its queue; null where none can. */
  readonly delayed: { readonly exchange: string; readonly queue: string } | null;
}

/**
 * Whole tasks as they could stand in a configuration, all options in any combination: odd ones, and some
 * that no configuration accepts.
 */
export function taskArbitrary(destinations: Destinations): fc.Arbitrary<TaskSettings> {
  return fc
    .tuple(call(), destination(destinations), timing(destinations), options())
    .map((parts) => Object.assign({}, ...parts) as TaskSettings);
}

const ODD_TEXTS = [
  ...[
    "",
    " ",
    "\0",
    "\u0001body\u0001",
    "\\ud800id\\ud800",
    "\x06\x16",
    "\u007f\u0080\u0085",
    "\u2028\ufeff\ufffe\uffff",
    "😀\u0301",
  ],
  ...[
    "yes",
    "null",
    "~",
    "12:30",
    "1e3",
    "0x1F",
    "<<",
    "=",
    "- a",
    "a: b",
    "# a",
    "'",
    '"',
    "\\",
    "%",
  ],
  ...["{}", "$", "$$HOME", "{", "}}", "__proto_", "constructor_", "2030-01-02", "=?", "\r\n", "\t"],
  "x".repeat(1100),
];
const TEMPLATES = [
  ...[
    "{{ uuid }}",
    "{{ seq }}",
    "{{ now }}",
    "at {{ planned }}",
    "{{ int(-5, 300) }}",
    "{{ bytes(3) }}",
  ],
  ...[
    "{{ float(0, 1e300) }}",
    "{{ float(-1e-7, 1e-7) }}",
    '{{ choice("é", 1, null, true, 1e21, "\\u0000") }}',
  ],
  '{{ choice("{{") }} {{ uuid }}',
];
const NUMBERS = [
  ...[0, -0, 1, -1, 127, 128, -129, 255, 256, 300, 32_767, 32_768, -32_769, 65_536],
  ...[2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 50 + 0.5],
  ...[0.1, 1e21, 1e22, 1.5e300, -1e300, 1.7976931348623157e308, 5e-324, 1e-7, -0.5],
];

const text = () =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...ODD_TEXTS) },
    { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 12 }) },
    { weight: 3, arbitrary: fc.string({ unit: "grapheme", maxLength: 12 }) },
  );
/** Half a surrogate pair, which no configuration accepts. */
const half = fc.constantFrom("\ud800", "a\udfff");
const key = () =>
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc.constantFrom("a", "size", "!", "value", "__type__", "__value__", "self"),
    },
    { weight: 20, arbitrary: text() },
    { weight: 1, arbitrary: half },
  );
const number = () =>
  fc.oneof(
    fc.constantFrom(...NUMBERS),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  );

/** JSON values, a few of them nested as deep as a configuration can hold. */
function json(leaf: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      { weight: 6, arbitrary: leaf },
      { weight: 1, arbitrary: fc.array(tie("value"), { maxLength: 4 }) },
      { weight: 1, arbitrary: mapping(tie("value")) },
    ),
  }));
  const depth = fc.oneof(
    { weight: 20, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 56 }) },
  );
  return fc.tuple(value, depth, fc.boolean()).map(([inner, levels, isList]) => {
    let nested = inner;
    for (let level = 0; level < levels; level++) nested = isList ? [nested] : { a: nested };
    return nested;
  });
}

function mapping(value: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> {
  return fc.dictionary(key(), value, { maxKeys: 4, noNullPrototype: true });
}

const constant = fc.constantFrom(null, true, false);
const TYPED: readonly (readonly [string, readonly unknown[]])[] = [
  ["datetime", ["2030-01-02T03:04:05+00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999"]],
  ["date", ["2028-02-29", "0001-01-01"]],
  ["time", ["03:04", "23:59:59.123456+05:30"]],
  ["decimal", ["1.50", "-.5", "1e-999999", "{{ int(1, 6) }}", "{{ float(0, 1) }}", "1E+99999999"]],
  ["uuid", [{ hex: "0".repeat(32) }, { hex: "{{ uuid }}" }]],
  ["bytes", ["é", "{{ uuid }}", "\0"]],
  ["base64", ["//4=", "{{ bytes(5) }}", "YQ"]],
  ["set", [[]]],
];
const typed = fc
  .constantFrom(...TYPED)
  .chain(([type, values]) =>
    fc.constantFrom(...values).map((value) => ({ __type__: type, __value__: value })),
  );

const argument = () =>
  json(
    fc.oneof(
      { weight: 2, arbitrary: constant },
      { weight: 4, arbitrary: number() },
      { weight: 4, arbitrary: text() },
      { weight: 3, arbitrary: fc.constantFrom(...TEMPLATES) },
      { weight: 2, arbitrary: typed },
    ),
  );

function call(): fc.Arbitrary<object> {
  const any = fc.record(
    {
      name: fc.constantFrom("tests.request", "tests.request", "tests.add"),
      args: fc.array(argument(), { maxLength: 4 }),
      kwargs: mapping(argument()),
    },
    { requiredKeys: ["name"] },
  );
  const sensible = fc.constantFrom<object>(
    { name: "tests.add", args: [1, 2] },
    { name: "tests.fail", args: ["KeyError", "ö"] },
    { name: "tests.retry", args: [1] },
    { name: "tests.sleep", args: [0.05] },
    { name: "tests.no_such_task" },
    { name: `t.${"ü".repeat(253)}` },
  );
  return fc.oneof({ weight: 3, arbitrary: any }, { weight: 1, arbitrary: sensible });
}

function destination({ queues, topic }: Destinations): fc.Arbitrary<object> {
  const name = fc.oneof(
    fc.constantFrom(
      "unacked",
      "celery.pidbox",
      "q\x06\x16",
      "nobody.reads",
      "ü".repeat(127),
      "é.#.*",
    ),
    fc.string({ unit: "binary", maxLength: 8 }),
  );
  return fc.oneof(
    { weight: 12, arbitrary: fc.record({ queue: fc.constantFrom(...queues) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        exchange: fc.constant(topic),
        routingKey: fc.constantFrom(
          "fuzz.a",
          "fuzz",
          "fuzz.é.#",
          "other",
          `fuzz.${"k".repeat(250)}`,
        ),
      }),
    },
    { weight: 1, arbitrary: fc.record({ queue: name }) },
    { weight: 1, arbitrary: fc.record({ exchange: name, routingKey: name }) },
  );
}

function timing({ delayed }: Destinations): fc.Arbitrary<object> {
  const expires = fc.record(
    { expires: fc.constantFrom("none", "0.4ms", "20ms", "1h", "3650d") },
    { requiredKeys: [] },
  );
  const eta = fc.constantFrom(
    ...["1970-01-01T00:00:00Z", "2001-02-03T04:05:06.789+14:00", "0000-01-01T00:00:00Z"],
    ...["2400-02-29T00:00:00-11:00", "9998-12-31T23:59:59.999999Z", "9999-12-31T23:59:59Z"],
  );
  const countdown = fc.constantFrom("none", "1ms", "0.5ms", "999ms", "1.5s");
  const start = fc.oneof(
    { weight: 4, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.record({ eta }) },
    { weight: 1, arbitrary: fc.record({ countdown }) },
    ...(delayed === null
      ? []
      : [
          {
            weight: 1,
            arbitrary: fc.record({
              ...{ nativeDelayedDelivery: fc.constant(true), countdown },
              ...{ exchange: fc.constant(delayed.exchange), queue: fc.constant(delayed.queue) },
              routingKey: fc.constant(delayed.queue),
            }),
          },
        ]),
  );
  return fc.tuple(expires, start).map((parts) => Object.assign({}, ...parts));
}

function options(): fc.Arbitrary<object> {
  // Soft limits that strike may hit the next task of the process, and take its result away.
  const softLimit = fc.constantFrom("none", "2s", "5m", "300.5s", "3650d");
  const limit = fc.oneof(softLimit, fc.constantFrom("1ms", "30ms"));
  const repr = fc.oneof(text(), half, fc.constant("ü".repeat(1024)));
  const rank = fc.integer({ min: 0, max: 9 });
  const one = fc.record(
    {
      priority: rank,
      urgency: rank,
      deliveryMode: fc.constantFrom("persistent", "transient"),
      timeLimit: limit,
      softTimeLimit: softLimit,
      retries: fc.constantFrom(0, 1, 127, 128, 300, 40_000, 1_000_000),
      ignoreResult: fc.constantFrom(true, false, null),
      shadow: repr,
      headers: headers(),
      stamps: headers(),
      serializer: fc.constantFrom("json", "msgpack", "yaml"),
      compression: fc.constantFrom("zlib", "gzip", "brotli", "none"),
      protocol: fc.constantFrom(1, 2),
      argsrepr: repr,
      kwargsrepr: repr,
    },
    { requiredKeys: [] },
  );
  // Half of all keys at once are hardly ever accepted together: most tasks get a few of them.
  return fc.tuple(one, fc.array(fc.nat(14), { maxLength: 6 })).map(([all, chosen]) => {
    const entries = Object.entries(all);
    return Object.fromEntries(
      chosen.flatMap((index) => (entries[index] === undefined ? [] : [entries[index]])),
    );
  });
}

/** Names that mean something to Celery, kombu, amqplib or RabbitMQ, among others. */
function headers(): fc.Arbitrary<Record<string, unknown>> {
  const name = fc.oneof(
    fc.constantFrom(
      "traceparent",
      "TraceParent",
      "headers",
      "x-delay",
      "!",
      "redelivered",
      "meth",
      "k".repeat(255),
    ),
    fc.constantFrom(
      "CC",
      "BCC",
      "x-death",
      "id",
      "task",
      "_children",
      "get",
      "chord",
      "status",
      "k".repeat(256),
    ),
    key(),
  );
  const value = json(
    fc.oneof({ weight: 3, arbitrary: fc.oneof(constant, number(), text()) }, typed),
  );
  return fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true });
}
