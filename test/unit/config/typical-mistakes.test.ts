import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../../../src/errors.js";
import { HEAD, loadTexts, SCENARIO } from "./configurations.js";

const BASE = HEAD + SCENARIO;

/** What people write at first, and what they are told: word for word, each with its place. */
const MISTAKES: readonly (readonly [name: string, text: string, ...faults: string[]])[] = [
  // Quotes and indentation.
  ["a template without quotes in a list", task("args: [1, {{ uuid }}]"), bare(9, 15, "{{ uuid }}")],
  [
    "a template without quotes as an item",
    task("args:\n      - {{ uuid }}"),
    bare(10, 9, "{{ uuid }}"),
  ],
  [
    "a template without quotes in a mapping",
    task("kwargs: {id: {{ uuid }}}"),
    bare(9, 18, "{{ uuid }}"),
  ],
  [
    "a template with arguments without quotes",
    task("args: [{{ int(1, 6) }}]"),
    bare(9, 12, "{{ int(1, 6) }}"),
  ],
  [
    "a template with quotes of its own without quotes around it",
    task('kwargs:\n      size: {{ choice("a", "b") }}'),
    bare(10, 13, '{{ choice("a", "b") }}', "'"),
  ],
  [
    "a template within a text without quotes",
    task("args: [order-{{ seq }}]"),
    bare(9, 18, "{{ seq }}"),
  ],
  [
    "a template before a text without quotes",
    task("kwargs:\n      id: {{ seq }}-x"),
    bare(10, 11, "{{ seq }}"),
  ],
  [
    "an asterisk without quotes",
    task("args: [*]"),
    "load.yml:9:12: Cannot read a value that starts with * or & without quotes: they are for anchors and aliases. Put the value in quotes.",
  ],
  [
    "a pattern without quotes",
    task("args: [*.txt]"),
    "load.yml:9:12: Cannot find the anchor of this alias. Define the anchor (&) above it, or put a value that starts with * in quotes.",
  ],
  [
    "a value that starts with @",
    task("queue: @images"),
    "load.yml:9:12: Cannot read a value that starts with %, @ or ` without quotes. Put the value in quotes.",
  ],
  [
    "a value that starts with %",
    task("queue: %images"),
    "load.yml:9:12: Cannot read a value that starts with %, @ or ` without quotes. Put the value in quotes.",
  ],
  [
    "a tab as indentation",
    task("kwargs:\n\t\tid: 1"),
    "load.yml:10:1: Cannot read a tab as indentation: YAML indents with spaces only. Replace the tab with spaces.",
  ],
  [
    "no space behind a colon",
    task("queue:images"),
    'load.yml:9:5: Cannot read this line: a key needs a colon and a space after it. Write "key: value".',
  ],
  [
    "a key without a colon",
    task("queue"),
    'load.yml:9:5: Cannot read this line: a key needs a colon and a space after it. Write "key: value".',
  ],
  [
    "a no-break space",
    task("queue:\u00a0images"),
    "load.yml:9:5: Cannot read a no-break space as a space. Replace it with a common one.",
  ],
  [
    "a line that is indented too far",
    task("  queue: images"),
    "load.yml:8:11: Cannot follow the indentation: the next line is indented more than this key, which has its value already. Start it in the column of the key.",
  ],
  [
    "an item among keys",
    task("- resize"),
    "load.yml:9:5: Cannot read an item of a list among keys. Indent it under the key of its list.",
  ],
  [
    "an apostrophe in single quotes",
    task("queue: 'it's'"),
    "load.yml:9:16: Cannot read what follows the closing quote. Inside of single quotes write '' for one, or use double quotes around the value.",
  ],
  [
    "a quote that is not closed",
    task('queue: "images'),
    "load.yml:9:12: Cannot find the closing quote of the text that starts here. Add it, or remove this one.",
  ],
  [
    "a bracket too many",
    task("args: [1]]"),
    "load.yml:9:14: Cannot read this comma or bracket: there is one too many. Remove it.",
  ],
  [
    "no comma between two keys",
    task("kwargs: {a: 1 b: 2}"),
    "load.yml:9:17: Cannot read two keys in braces without a comma between them. Write {key: value, key: value}.",
  ],
  [
    "a path of Windows in double quotes",
    task('args: ["C:\\Users"]'),
    "load.yml:9:15: Cannot read this escape in double quotes. Write \\\\ for a backslash, or use single quotes.",
  ],
  [
    "another format than YAML",
    "broker=redis://h\n",
    "load.yml:1:1: Cannot read the configuration: must be a mapping; found text. Write connections, tasks and scenarios, each with a colon.",
  ],

  // Rates and profiles.
  ...rates([
    ["10/sec", "10/s"],
    ["10 /s", "10/s"],
    ["10 per second", "10/s"],
    ["10rps", "10/s"],
    ["10 req/s", undefined],
    ["600/min", "600/m"],
    ["1k/s", "1000/s"],
    ["10,5/s", "10.5/s"],
    ["unlimited", "max"],
    ["MAX", "max"],
  ]),
  [
    "a rate without its unit",
    profile("10"),
    'load.yml:11:14: Cannot read rate of scenario "steady": must be a number per s, m or h such as 20/s; found 10. Write 10/s.',
  ],
  ["steps without their key", profile("[10/s for 1m]"), noProfile("{steps: [10/s for 1m]}")],
  [
    "steps without their key, line by line",
    profile("\n      - 10/s for 1m\n      - 20/s for 1m"),
    noProfile("{steps: [10/s for 1m, 20/s for 1m]}", 12, 7),
  ],
  ["a step as a profile", profile("10/s for 1m"), noProfile("{steps: [10/s for 1m]}")],
  ["a rate by name", profile("{constant: 10/s}"), noProfile("10/s")],
  [
    "stages without ramp",
    profile("{stages: [{to: 5/s, over: 1m}]}"),
    noProfile("{ramp: {stages: [{to: 200/s, over: 15m}]}}"),
  ],
  ...steps([
    ["10/s 1m", "10/s for 1m"],
    ["10/s FOR 1m", "10/s for 1m"],
    ["{rate: 10/s, duration: 1m}", "10/s for 1m"],
    ["10/s: 1m", "10/s for 1m"],
  ]),
  [
    "a step without a unit",
    profile("{steps: [10 for 1m]}"),
    'load.yml:11:23: Cannot read profile.steps[0] of scenario "steady": rate must be a number per s, m or h such as 20/s; found "10 for 1m". Write 10/s for 1m.',
  ],
  [
    "a stage of a ramp as a text",
    profile("{ramp: {stages: [200/s over 15m]}}"),
    'load.yml:11:31: Cannot read profile.ramp.stages[0] of scenario "steady": must be a mapping; found "200/s over 15m". Write {to: 200/s, over: 15m}.',
  ],
  [
    "stages as k6 has them",
    profile("{ramp: {stages: [{target: 5/s, duration: 1m}]}}"),
    'load.yml:11:31: Cannot read profile.ramp.stages[0] of scenario "steady": must have either to and over, or hold. Write {to: 200/s, over: 15m} or {hold: 1h}.',
    'load.yml:11:32: Cannot read key "target" in profile.ramp.stages[0] of scenario "steady": there is no such key. Did you mean "to"?',
    'load.yml:11:45: Cannot read key "duration" in profile.ramp.stages[0] of scenario "steady": there is no such key. Did you mean "over"?',
  ],
  [
    "rate instead of profile",
    change("    profile:", "    rate:"),
    'load.yml:10:3: Cannot read profile of scenario "steady": it is missing. Write profile: 20/s.',
    'load.yml:11:5: Cannot read key "rate" in scenario "steady": there is no such key. Did you mean "profile"?',
  ],

  // Durations.
  ...durations([
    ['"30"', '"30"', "30s"],
    ["30", "30", "30s"],
    ["30 seconds", '"30 seconds"', "30s"],
    ["1h30m", '"1h30m"', "90m"],
    ["PT30S", '"PT30S"', "30s"],
  ]),

  // Names.
  ["a key of three letters", task("que: images"), unknown("que", "queue")],
  [
    "a key as Celery has it",
    task("soft_time_limit: 5s"),
    unknown("soft_time_limit", "softTimeLimit"),
  ],
  ["task instead of name", task("task: a"), unknown("task", "name")],
  [
    "a weight in a task",
    task("weight: 3"),
    'load.yml:9:5: Cannot read key "weight" in task "thumb": there is no such key. Write weights in a scenario: mix: {resize: 3, thumb: 1}.',
  ],
  [
    "tasks instead of mix",
    profile("20/s\n    tasks: [resize]"),
    'load.yml:12:5: Cannot read key "tasks" in scenario "steady": there is no such key. Did you mean "mix"?',
  ],
  [
    "users instead of a rate",
    profile("20/s\n    users: 50"),
    'load.yml:12:5: Cannot read key "users" in scenario "steady": there is no such key. Rates are planned here, not users. Write maxInFlight for the most tasks that may wait at the same time.',
  ],
  [
    "a broker without connections",
    `${BASE}broker: redis://h\n`,
    'load.yml:13:1: Cannot read key "broker": there is no such key. Write connections: {main: {broker: redis://127.0.0.1:6379/0}}.',
  ],
  [
    "Celery's setting as a key",
    `${BASE}result_backend: redis://h\n`,
    'load.yml:13:1: Cannot read key "result_backend": there is no such key. Write it beside the broker: connections: {main: {broker: URL, backend: URL}}.',
  ],
  [
    "a port without listen",
    `${BASE}server: {port: 9809}\n`,
    'load.yml:13:10: Cannot read key "port" in server: there is no such key. Write listen: 0.0.0.0:9809.',
  ],
  [
    "Celery's visibility_timeout beside the broker",
    broker("redis://h\n    visibility_timeout: 3600"),
    'load.yml:4:5: Cannot read key "visibility_timeout" in connection "main": there is no such key. Write options: {visibility_timeout: …}.',
  ],
  [
    "the registered name in a mix",
    mix("{app.tasks.resize: 1}"),
    'load.yml:12:11: Cannot read mix of scenario "steady": there is no task "app.tasks.resize". Did you mean "resize"?',
  ],
  [
    "the registered name in a chain",
    change("name: app.tasks.thumb", "chain: [app.tasks.resize]"),
    'load.yml:8:12: Cannot read chain of task "thumb": there is no task "app.tasks.resize". Did you mean "resize"?',
  ],
  [
    "per cents in a mix",
    mix("{resize: 75%, thumb: 25%}"),
    'load.yml:12:19: Cannot read mix.resize of scenario "steady": must be a weight above 0 and at most 1000000; found "75%". Write 75.',
    'load.yml:12:31: Cannot read mix.thumb of scenario "steady": must be a weight above 0 and at most 1000000; found "25%". Write 25.',
  ],
  [
    "a list of weights",
    mix("[{resize: 3}]"),
    'load.yml:12:11: Cannot read mix[0] of scenario "steady": must be the key of a task; found a mapping. Write {resize: 3, thumb: 1} for weights, or [resize, thumb].',
  ],

  // Lists, mappings and texts in each other's place.
  [
    "a list of tasks",
    change(/tasks:\n( .*\n)+/, "tasks:\n  - name: app.tasks.resize\n"),
    "load.yml:5:3: Cannot read tasks: must be a mapping; found a list. Write tasks: {resize: {name: app.tasks.resize}}.",
  ],
  [
    "a task that is its name",
    change("  thumb:\n    name: app.tasks.thumb", "  thumb: app.tasks.thumb"),
    'load.yml:7:10: Cannot read task "thumb": must be a mapping; found "app.tasks.thumb". Write {name: app.tasks.thumb}.',
  ],
  [
    "a scenario that is its rate",
    change(/scenarios:\n( .*\n)+/, "scenarios: {steady: 20/s}\n"),
    'load.yml:9:21: Cannot read scenario "steady": must be a mapping; found "20/s". Write {profile: 20/s}.',
  ],
  [
    "a connection that is its URL",
    change(/connections:\n( .*\n)+/, "connections: {main: redis://h}\n"),
    'load.yml:1:21: Cannot read connection "main": must be a mapping; found "redis://h". Write {broker: redis://127.0.0.1:6379/0}.',
  ],
  [
    "args that are a mapping",
    task("args: {a: 1}"),
    'load.yml:9:11: Cannot read args of task "thumb": must be a list; found a mapping. Write [1, 2].',
  ],
  [
    "kwargs that are a list",
    task("kwargs: [1]"),
    'load.yml:9:13: Cannot read kwargs of task "thumb": must be a mapping; found a list. Write {key: value}.',
  ],
  [
    "allow that is a list",
    broker("redis://h\n    allow: [h]"),
    'load.yml:4:12: Cannot read allow of connection "main": must be a mapping; found a list. Write {hosts: [h]}.',
  ],
  [
    "tls that is true",
    broker("rediss://h\n    tls: true"),
    'load.yml:4:10: Cannot read tls of connection "main": must be a mapping; found true. Remove it: rediss:// and amqps:// verify by themselves.',
  ],
  [
    "SLOs by name",
    `${BASE}slos: {fast: {objective: 99%}}\n`,
    "load.yml:13:7: Cannot read slos: must be a list; found a mapping. Write slos: [{name: resize-latency, objective: 99.9%}].",
  ],

  // One of few values, and numbers.
  ...booleans(["yes", "on", '"true"', "1"], "true"),
  ...booleans(["no", "off", "0"], "false"),
  [
    "events that are true",
    broker("redis://h\n    events: true"),
    'load.yml:4:13: Cannot read events of connection "main": must be auto, on or off; found true. Write on.',
  ],
  [
    "a misspelt value",
    profile("1/s\n    arrival: possion"),
    arrival("possion", 'Did you mean "poisson"?'),
  ],
  [
    "a value in capitals",
    profile("1/s\n    arrival: Poisson"),
    arrival("Poisson", "Write poisson."),
  ],
  [
    "a burst in other words",
    profile("1/s\n    arrival: bursts of 20"),
    arrival("bursts of 20", "Write burst of 20."),
  ],
  [
    "an arrival by another name",
    profile("1/s\n    arrival: uniform"),
    arrival("uniform", "Write even."),
  ],
  [
    "a number with a unit of thousands",
    profile("1/s\n    maxInFlight: 10k"),
    'load.yml:12:18: Cannot read maxInFlight of scenario "steady": must be a whole number from 1 to 1000000; found "10k". Write 10000.',
  ],
  [
    "a number in quotes",
    `${BASE}threads: "2"\n`,
    'load.yml:13:10: Cannot read threads: must be a whole number from 1 to 64; found "2". Write 2.',
  ],
  [
    "an objective without a per cent sign",
    `${BASE}slos: [{name: a, objective: 99.9}]\n`,
    "load.yml:13:29: Cannot read slos[0].objective: must be a percentage above 0% and below 100% such as 99.9%; found 99.9. Write 99.9%.",
  ],
  [
    "an expiry before the countdown is over",
    task("countdown: 30s\n    expires: 20s"),
    'load.yml:9:16: Cannot read countdown of task "thumb": must be shorter than expires, or the task is always revoked; found "30s". Raise expires.',
  ],

  // URLs.
  ...brokers([
    ["localhost", "Write redis://localhost:6379/0."],
    ["localhost:6380", "Write redis://localhost:6380/0."],
    ["10.0.0.1:6379/2", "Write redis://10.0.0.1:6379/2."],
    ["rabbit:5672", "Write amqp://user:password@rabbit:5672/vhost."],
    [
      "http://localhost:15672",
      "http:// leads to the management API, which is the key management. Write amqp://user:password@host:5672/vhost here.",
    ],
    ["rabbitmq://localhost", "Write amqp:// for rabbitmq://."],
    ["redis:/localhost", "Write redis:// with a colon and two slashes before the host."],
    ["$BROKER_URL", `Write it with braces: \${BROKER_URL}.`],
    ["canary", "Write redis://host:6379/0 or amqp://user:password@host:5672/vhost."],
  ]),
  [
    "a list with something else than URLs",
    broker("[redis://a, 5]"),
    'load.yml:3:13: Cannot read broker of connection "main": must have URLs in its list, and nothing else. Write [redis://a:6379/0, redis://b:6379/0], or one text with ; between them.',
  ],
  [
    "a comma between URLs",
    broker("redis://:canary@a,redis://:canary@b"),
    'load.yml:3:13: Cannot read broker of connection "main": must be one URL, or several with ; between them. Write ; for the comma between the URLs, or a list.',
  ],
  [
    "a space in a URL",
    broker('"redis://:can ary@a"'),
    'load.yml:3:13: Cannot read broker of connection "main": must be a URL without spaces, line breaks or control characters. Percent-encode the user name and the password (# is %23, / is %2F, ? is %3F, @ is %40).',
  ],
  [
    "no backend, in Python's word",
    broker("redis://h\n    backend: None"),
    'load.yml:4:14: Cannot read backend of connection "main": must be a URL that starts with redis://, rediss://, redis+socket://, sentinel:// or rpc://. Write disabled for no results.',
  ],
];

for (const [name, text, ...faults] of MISTAKES) {
  test(`the mistake of ${name} is told with its place and what to write`, () => {
    assert.throws(
      () => loadTexts([text]),
      (error) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.deepEqual(error.message.split("\n"), faults);
        assert.doesNotMatch(error.message, /canary/);
        return true;
      },
    );
  });
}

test("line ends of Windows and a byte order mark are no mistake", () => {
  const { config } = loadTexts([`\ufeff${BASE.replaceAll("\n", "\r\n")}`]);
  assert.deepEqual(config, loadTexts([BASE]).config);
});

function change(from: string | RegExp, to: string): string {
  return BASE.replace(from, () => to);
}

function task(lines: string): string {
  return change("name: app.tasks.thumb", `name: app.tasks.thumb\n    ${lines}`);
}

function profile(value: string): string {
  return change("20/s", value);
}

function mix(value: string): string {
  return change("{resize: 3, thumb: 1}", value);
}

function broker(value: string): string {
  return change("redis://:canary@127.0.0.1:6379/0", value);
}

function bare(line: number, column: number, template: string, quote = '"'): string {
  return `load.yml:${line}:${column}: Cannot read ${template} without quotes: YAML takes braces for a mapping. Write ${quote}${template}${quote}, with all of the value inside of the quotes.`;
}

function noProfile(write: string, line = 11, column = 14): string {
  return `load.yml:${line}:${column}: Cannot read profile of scenario "steady": must be a rate, max, or a mapping with the key steps, ramp, sine, week, replay, backlog, topUp or users. Write ${write}.`;
}

function unknown(key: string, meant: string): string {
  return `load.yml:9:5: Cannot read key "${key}" in task "thumb": there is no such key. Did you mean "${meant}"?`;
}

function arrival(found: string, remedy: string): string {
  return `load.yml:12:14: Cannot read arrival of scenario "steady": must be even, poisson or a burst such as burst of 50; found "${found}". ${remedy}`;
}

type Mistake = (typeof MISTAKES)[number];

function rates(
  pairs: readonly (readonly [written: string, meant: string | undefined])[],
): Mistake[] {
  return pairs.map(([written, meant]) => [
    `the rate ${written}`,
    profile(written),
    `load.yml:11:14: Cannot read rate of scenario "steady": must be a number per s, m or h such as 20/s; found "${written}". Write ${meant ?? "it like 20/s"}.`,
  ]);
}

function steps(pairs: readonly (readonly [written: string, meant: string])[]): Mistake[] {
  return pairs.map(([written, meant]) => [
    `the step ${written}`,
    profile(`{steps: [${written}]}`),
    `load.yml:11:23: Cannot read profile.steps[0] of scenario "steady": must be a rate and a duration such as 20/s for 10m; found ${written.includes(":") ? "a mapping" : `"${written}"`}. Write ${meant}.`,
  ]);
}

function durations(
  rows: readonly (readonly [written: string, found: string, meant: string])[],
): Mistake[] {
  return rows.map(([written, found, meant]) => [
    `the duration ${written}`,
    task(`timeout: ${written}`),
    `load.yml:9:14: Cannot read timeout of task "thumb": must be a number with the unit ms, s, m, h or d such as 30s; found ${found}. Write ${meant}.`,
  ]);
}

function booleans(written: readonly string[], meant: string): Mistake[] {
  return written.map((word) => [
    `${word} for ${meant}`,
    broker(`redis://h\n    forget: ${word}`),
    `load.yml:4:13: Cannot read forget of connection "main": must be true or false; found ${/^[\d"]/.test(word) ? word : `"${word}"`}. Write ${meant}.`,
  ]);
}

function brokers(pairs: readonly (readonly [written: string, remedy: string])[]): Mistake[] {
  return pairs.map(([written, remedy]) => [
    `the broker ${written}`,
    broker(written),
    `load.yml:3:13: Cannot read broker of connection "main": must be a URL that starts with redis://, rediss://, redis+socket://, sentinel://, amqp:// or amqps://. ${remedy}`,
  ]);
}
