/** One argument as users write it in YAML, and what Python shows of what the task gets. */
export interface Payload {
  readonly yaml: string;
  /** Of every serializer, unless another is named here; null: there it is refused. */
  readonly repr: string;
  readonly msgpack?: string | null;
  readonly ofYaml?: null;
  /** What Celery 5.2 reads in JSON, where that differs. */
  readonly before53?: string;
}

const HEX = "0123456789abcdef0123456789abcdef";
const DEEP = 40;

/** What can be sent. */
export const PAYLOADS: readonly Payload[] = [
  { yaml: "null", repr: "None" },
  { yaml: "~", repr: "None" },
  { yaml: "''", repr: "''" },
  { yaml: "[]", repr: "[]" },
  { yaml: "{}", repr: "{}" },
  { yaml: "[[], {}, '']", repr: "[[], {}, '']" },
  { yaml: "true", repr: "True" },
  { yaml: "yes", repr: "'yes'" },
  { yaml: "0", repr: "0" },
  { yaml: "-0", repr: "0" },
  { yaml: "-0.0", repr: "-0.0" },
  { yaml: "3.0", repr: "3.0" },
  { yaml: "1e-7", repr: "1e-07" },
  { yaml: "5e-324", repr: "5e-324" },
  { yaml: "1.7976931348623157e308", repr: "1.7976931348623157e+308" },
  { yaml: "0x10", repr: "16" },
  { yaml: "0o17", repr: "15" },
  { yaml: "1_000", repr: "'1_000'" },
  { yaml: "1234567890123456789", repr: "1234567890123456789" },
  { yaml: `1${"0".repeat(400)}`, repr: `1${"0".repeat(400)}`, msgpack: null },
  { yaml: `"{{ choice(1${"0".repeat(400)}) }}"`, repr: `1${"0".repeat(400)}`, msgpack: null },
  { yaml: "{ 12345678901234567890: a }", repr: "{'12345678901234567890': 'a'}" },
  { yaml: "{ 1.0: a, true: b, 0x1: c }", repr: "{'1.0': 'a', 'true': 'b', '0x1': 'c'}" },
  { yaml: "{ '': { ' ': 1 } }", repr: "{'': {' ': 1}}" },
  { yaml: "{ __type__: a }", repr: "{'__type__': 'a'}" },
  { yaml: "2030-01-02", repr: "'2030-01-02'" },
  { yaml: "2030-01-02T03:04:05Z", repr: "'2030-01-02T03:04:05Z'" },
  { yaml: "12:30", repr: "'12:30'" },
  { yaml: "007", repr: "7" },
  { yaml: "'007'", repr: "'007'" },
  { yaml: "äöü", repr: "'äöü'" },
  { yaml: "'😀👩‍👩‍👧'", repr: "'😀👩\\u200d👩\\u200d👧'" },
  { yaml: '"\\ud83d\\ude00"', repr: "'😀'" },
  { yaml: '"\\0\\x7f\\u0085\\u2028"', repr: "'\\x00\\x7f\\x85\\u2028'" },
  { yaml: '"a\\n\\tb\\\\"', repr: "'a\\n\\tb\\\\'" },
  {
    yaml: `${"[".repeat(DEEP)}${"]".repeat(DEEP)}`,
    repr: `${"[".repeat(DEEP)}${"]".repeat(DEEP)}`,
  },
  { yaml: "{ a: [1, { b: [2.0, null] }] }", repr: "{'a': [1, {'b': [2.0, None]}]}" },
  { yaml: '"{{ choice(1234567890123456789) }}"', repr: "1234567890123456789" },
  { yaml: '"{{ choice(3.0) }}"', repr: "3.0" },
  { yaml: `"{{ file('lines.txt') }}"`, repr: "1234567890123456789" },
  {
    yaml: "!datetime 2030-01-02 03:04:05.250Z",
    repr: "datetime.datetime(2030, 1, 2, 3, 4, 5, 250000, tzinfo=datetime.timezone.utc)",
    msgpack: null,
    before53: "{'__type__': 'datetime', '__value__': '2030-01-02T03:04:05.250+00:00'}",
  },
  {
    yaml: "!datetime 2030-01-02T03:04",
    repr: "datetime.datetime(2030, 1, 2, 3, 4)",
    msgpack: null,
    before53: "{'__type__': 'datetime', '__value__': '2030-01-02T03:04'}",
  },
  {
    yaml: "!date 2030-01-02",
    repr: "datetime.date(2030, 1, 2)",
    msgpack: null,
    before53: "{'__type__': 'date', '__value__': '2030-01-02'}",
  },
  {
    yaml: "!time 03:04:05",
    repr: "datetime.time(3, 4, 5)",
    msgpack: null,
    ofYaml: null,
    before53: "{'__type__': 'time', '__value__': '03:04:05'}",
  },
  {
    yaml: "!decimal 19.90",
    repr: "Decimal('19.90')",
    msgpack: null,
    ofYaml: null,
    before53: "{'__type__': 'decimal', '__value__': '19.90'}",
  },
  {
    yaml: `!decimal "{{ choice('19.90') }}"`,
    repr: "Decimal('19.90')",
    msgpack: null,
    ofYaml: null,
    before53: "{'__type__': 'decimal', '__value__': '19.90'}",
  },
  {
    yaml: `!uuid ${HEX}`,
    repr: "UUID('01234567-89ab-cdef-0123-456789abcdef')",
    msgpack: null,
    ofYaml: null,
    before53: `{'__type__': 'uuid', '__value__': {'hex': '${HEX}'}}`,
  },
  {
    yaml: "!bytes ä",
    repr: "b'\\xc3\\xa4'",
    before53: "{'__type__': 'bytes', '__value__': 'ä'}",
  },
  {
    yaml: "!base64 //4=",
    repr: "b'\\xff\\xfe'",
    before53: "{'__type__': 'base64', '__value__': '//4='}",
  },
];

/** What cannot be sent, and what is told. */
export const REFUSED: readonly (readonly [yaml: string, told: RegExp])[] = [
  ["1e400", /Infinity is not a number that JSON can carry/],
  ["-1e400", /-Infinity is not a number/],
  [".inf", /Infinity is not a number/],
  [".nan", /NaN is not a number/],
  ['"\\ud800"', /half a surrogate pair/],
  ["\"{{ choice('\\udfff') }}\"", /half a surrogate pair/],
  [`1${"0".repeat(4300)}`, /a whole number of more than 4300 digits cannot be read by Python/],
  [`"{{ choice(1${"0".repeat(4300)}) }}"`, /a whole number of more than 4300 digits/],
  ["{ null: a }", /keys must be text/],
  ["!!binary AA==", /Cannot read this tag !!binary/],
  ["!set [1]", /no such tag/],
  ["!decimal [1]", /Cannot read !decimal of a list or mapping/],
  ["!date 2030-02-31", /a date must be a date such as 2030-01-02, or Celery's worker/],
  ["!decimal", /a decimal must be a number in quotes/],
  ['!decimal "{{ uuid }}"', /a decimal must be a number/],
  ["!time 24:00", /a time must be a time such as/],
  [`${"[".repeat(65)}${"]".repeat(65)}`, /nested more than 64 levels deep/],
];
