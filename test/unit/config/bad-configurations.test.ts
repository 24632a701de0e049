import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type LoadOptions, loadConfig } from "../../../src/config/load.js";
import { plainValue } from "../../../src/config/sources/tree.js";
import { readYamlFile } from "../../../src/config/sources/yaml-source.js";
import { ConfigError } from "../../../src/errors.js";
import { schemaRefusals } from "../../support/json-schema.js";
import { HEAD, loadTexts, SCENARIO } from "./configurations.js";

const BASE = HEAD + SCENARIO;

interface BadConfiguration {
  readonly name: string;
  readonly text: string | Uint8Array;
  readonly options?: Pick<LoadOptions, "env"> | Pick<LoadOptions, "overrides">;
  /** Each with its place, in order. */
  readonly faults: readonly string[];
}

// The configuration below all of these has a broker with the password "canary".
const BAD: readonly BadConfiguration[] = [
  {
    name: "an unknown key",
    text: withTail("sceanrios: {}"),
    faults: [
      'load.yml:13:1: Cannot read key "sceanrios": there is no such key. Did you mean "scenarios"?',
    ],
  },
  {
    name: "an unknown key that is like no other",
    text: withTail("workers: 4"),
    faults: [
      'load.yml:13:1: Cannot read key "workers": there is no such key. Known here: connections, tasks, scenarios, data, defaults, slos, thresholds, guards, server, control, limits, state, buckets, driftWindow, seed, tick, threads, segment.',
    ],
  },
  {
    name: "an unknown key of a scenario",
    text: withProfile("1/s\n    gracefullStop: 1s"),
    faults: [
      'load.yml:12:5: Cannot read key "gracefullStop" in scenario "steady": there is no such key. Did you mean "gracefulStop"?',
    ],
  },
  {
    name: "a misspelt key in place of a needed one",
    text: withText("profile:", "profle:"),
    faults: [
      'load.yml:10:3: Cannot read profile of scenario "steady": it is missing. Write profile: 20/s.',
      'load.yml:11:5: Cannot read key "profle" in scenario "steady": there is no such key. Did you mean "profile"?',
    ],
  },
  {
    name: "an unknown key in a profile",
    text: withProfile("{steps: [1/s for 1m], repeet: true}"),
    faults: [
      'load.yml:11:36: Cannot read key "repeet" in profile of scenario "steady": there is no such key. Did you mean "repeat"?',
    ],
  },
  {
    name: "an unknown key in a ramp",
    text: withProfile("{ramp: {form: 1/s, stages: [{hold: 1m}]}}"),
    faults: [
      'load.yml:11:22: Cannot read key "form" in profile.ramp of scenario "steady": there is no such key. Did you mean "from"?',
    ],
  },
  {
    name: "__proto__ as a key",
    text: withTail("__proto__: {seed: 2}"),
    faults: ['load.yml:13:1: Cannot read key "__proto__": there is no such key. Remove it.'],
  },
  {
    name: "constructor as the name of a task",
    text: withText("  thumb:", "  constructor:"),
    faults: ['load.yml:7:3: Cannot read key "constructor": there is no such key. Remove it.'],
  },
  {
    name: "__proto__ deep in arguments",
    text: withTask("kwargs: {a: [{__proto__: {x: canary}}]}"),
    faults: ['load.yml:9:19: Cannot read key "__proto__": there is no such key. Remove it.'],
  },
  {
    name: "prototype as a key of an alias",
    text: withTail("x: &a {prototype: 1}"),
    faults: ['load.yml:13:8: Cannot read key "prototype": there is no such key. Remove it.'],
  },
  {
    name: "a rate with a wrong unit",
    text: withProfile("20 per sec"),
    faults: [
      'load.yml:11:14: Cannot read rate of scenario "steady": must be a number per s, m or h such as 20/s; found "20 per sec". Write 20/s.',
    ],
  },
  {
    name: "a rate with a space",
    text: withProfile("5 /s"),
    faults: [
      'load.yml:11:14: Cannot read rate of scenario "steady": must be a number per s, m or h such as 20/s; found "5 /s". Write 5/s.',
    ],
  },
  {
    name: "a rate with an underscore",
    text: withProfile("1_000/s"),
    faults: [
      'load.yml:11:14: Cannot read rate of scenario "steady": must be a number per s, m or h such as 20/s; found "1_000/s". Write 1000/s.',
    ],
  },
  {
    name: "a rate without a unit",
    text: withProfile("20"),
    faults: [
      'load.yml:11:14: Cannot read rate of scenario "steady": must be a number per s, m or h such as 20/s; found 20. Write 20/s.',
    ],
  },
  {
    name: "a rate with an exponent",
    text: withProfile("1e999/s"),
    faults: [
      'load.yml:11:14: Cannot read rate of scenario "steady": must be a number per s, m or h such as 20/s; found "1e999/s". Write it like 20/s.',
    ],
  },
  {
    name: "a rate that is negative",
    text: withProfile("-5/s"),
    faults: [
      'load.yml:11:14: Cannot read rate of scenario "steady": must be a number per s, m or h such as 20/s; found "-5/s". Write it like 20/s.',
    ],
  },
  {
    name: "a rate that is not a number",
    text: withProfile(".nan"),
    faults: [
      'load.yml:11:14: Cannot read rate of scenario "steady": must be a number per s, m or h such as 20/s; found .nan. Write it like 20/s.',
    ],
  },
  {
    name: "a rate that is infinite",
    text: withProfile(".inf"),
    faults: [
      'load.yml:11:14: Cannot read rate of scenario "steady": must be a number per s, m or h such as 20/s; found .inf. Write max.',
    ],
  },
  {
    name: "a rate in octal",
    text: withProfile("077"),
    faults: [
      'load.yml:11:14: Cannot read rate of scenario "steady": must be a number per s, m or h such as 20/s; found 077. Write 77/s.',
    ],
  },
  {
    name: "a rate in octal with a unit",
    text: withProfile("077/s"),
    faults: [
      'load.yml:11:14: Cannot read rate of scenario "steady": must be a number per s, m or h such as 20/s; found "077/s". Write it like 20/s.',
    ],
  },
  {
    name: "a rate that is a list",
    text: withProfile("[1]"),
    faults: [
      'load.yml:11:14: Cannot read profile of scenario "steady": must be a rate, max, or a mapping with the key steps, ramp, sine, week, replay, backlog, topUp or users. Write {steps: [20/s for 10m, 50/s for 10m]}.',
    ],
  },
  {
    name: "a rate that is empty",
    text: withProfile(""),
    faults: [
      'load.yml:11:14: Cannot read rate of scenario "steady": must be a number per s, m or h such as 20/s; found nothing. Write it like 20/s.',
    ],
  },
  {
    name: "a rate of millions",
    text: withProfile("99999999/s"),
    faults: [
      'load.yml:11:14: Cannot read rate of scenario "steady": must be at most 1000000/s; found "99999999/s". Write a lower rate.',
    ],
  },
  {
    name: "a rate that is a URL",
    text: withProfile("redis://:canary@h/0"),
    faults: [
      'load.yml:11:14: Cannot read rate of scenario "steady": must be a number per s, m or h such as 20/s; found "redis://:***@h/0". Write it like 20/s.',
    ],
  },
  {
    name: "a rate above limits.maxRate",
    text: withTail("limits: {maxRate: 10/s}"),
    faults: [
      'load.yml:11:14: Cannot read profile of scenario "steady": must stay at or below limits.maxRate (10/s); its highest rate is 20/s. Lower the rate or raise limits.maxRate.',
    ],
  },
  {
    name: "a step above limits.maxRate",
    text: `${withProfile("{steps: [5/s for 1m, 11/s for 1m]}")}limits: {maxRate: 10/s}\n`,
    faults: [
      'load.yml:11:14: Cannot read profile of scenario "steady": must stay at or below limits.maxRate (10/s); its highest rate is 11/s. Lower the rate or raise limits.maxRate.',
    ],
  },
  {
    name: "a sine whose local peak would drift",
    text: withProfile(
      "{sine: {mean: 5/s, amplitude: 1/s, period: 5h, peakAt: 14:00 Europe/Berlin}}",
    ),
    faults: [
      'load.yml:11:57: Cannot read profile.sine.period of scenario "steady": must divide a day, or be 7d, as peakAt is a local time, which would drift otherwise; found "5h". Write 24h, 12h, 8h or 7d, or give peakAt as a duration after the start such as 6h.',
    ],
  },
  {
    name: "a sine whose peak has no zone",
    text: withProfile("{sine: {mean: 5/s, amplitude: 1/s, period: 24h, peakAt: '14:00'}}"),
    faults: [
      'load.yml:11:70: Cannot read profile.sine.peakAt of scenario "steady": must name the time zone of its local time; found "14:00". Write 14:00 Europe/Berlin, or 14:00 UTC.',
    ],
  },
  {
    name: "a sine with a misspelt zone",
    text: withProfile(
      "{sine: {mean: 5/s, amplitude: 1/s, period: 24h, peakAt: 14:00 Europe/Berlni}}",
    ),
    faults: [
      'load.yml:11:70: Cannot read profile.sine.peakAt of scenario "steady": must be a time zone such as Europe/Berlin; found "14:00 Europe/Berlni". Did you mean Europe/Berlin?',
    ],
  },
  {
    name: "a daily sine on a weekday",
    text: withProfile("{sine: {mean: 5/s, amplitude: 1/s, period: 24h, peakAt: wed 14:00 UTC}}"),
    faults: [
      'load.yml:11:70: Cannot read profile.sine.peakAt of scenario "steady": must be a local time of every day, as the period is 1d and not 7d; found "wed 14:00 UTC". Leave the weekday out, or write period: 7d.',
    ],
  },
  {
    name: "a sine with a key that is not its own",
    text: withProfile("{sine: {men: 5/s, mean: 5/s, amplitude: 1/s, period: 24h}}"),
    faults: [
      'load.yml:11:22: Cannot read key "men" in profile.sine of scenario "steady": there is no such key. Did you mean "mean"?',
    ],
  },
  {
    name: "a week without a zone",
    text: withProfile("{week: {default: 5/s}}"),
    faults: [
      'load.yml:11:21: Cannot read profile.week of scenario "steady": must name its time zone. Add zone: Europe/Berlin.',
    ],
  },
  {
    name: "a week with everything wrong",
    text: withProfile(
      '{week: {zone: Berlin, mon-fry: {"09:00": 1/s}, sat: {"24:00": 1/s, "08:00": 1}, sun: 5/s, steps: 1}}',
    ),
    faults: [
      'load.yml:11:28: Cannot read profile.week.zone of scenario "steady": must be a time zone such as Europe/Berlin; found "Berlin". Did you mean Europe/Berlin?',
      'load.yml:11:45: Cannot read profile.week.mon-fry of scenario "steady": must stand at a day or days such as mon, mon-fri or sat,sun, or be zone, default or steps. Did you mean mon-fri?',
      'load.yml:11:76: Cannot read profile.week.sat."24:00" of scenario "steady": must stand at a time of the day. Write it like "09:00", from "00:00" to "23:59".',
      'load.yml:11:90: Cannot read profile.week.sat."08:00" of scenario "steady": must be a number per s, m or h such as 20/s; found 1. Write 1/s.',
      'load.yml:11:99: Cannot read profile.week.sun of scenario "steady": must be rates by local time; found "5/s". Write {"09:00": 80/s, "18:00": 10/s}.',
      'load.yml:11:111: Cannot read profile.week.steps of scenario "steady": must be true or false; found 1.',
    ],
  },
  {
    name: "users with everything wrong",
    text: withProfile(
      "{users: [10, 5.5 for 1m, 10 for 0s], spawnRate: 0/s, wait: [5s, 1s], maxRate: 5, repeat: yes}",
    ),
    faults: [
      'load.yml:11:23: Cannot read profile.users[0] of scenario "steady": must be a number of users and a duration such as 50 for 10m; found 10. Write it like 50 for 10m.',
      'load.yml:11:27: Cannot read profile.users[1] of scenario "steady": must be a number of users and a duration such as 50 for 10m; found "5.5 for 1m". Write it like 50 for 10m.',
      'load.yml:11:39: Cannot read profile.users[2] of scenario "steady": must be longer than 0s; found "10 for 0s". Write it like 30s.',
      'load.yml:11:62: Cannot read profile.spawnRate of scenario "steady": must be above 0/s; found "0/s". Write it like 10/s, or leave it out.',
      'load.yml:11:73: Cannot read profile.wait of scenario "steady": must have the shorter time first. Write [1s, 5s].',
      'load.yml:11:92: Cannot read profile.maxRate of scenario "steady": must be a number per s, m or h such as 20/s; found 5. Write 5/s.',
      'load.yml:11:103: Cannot read profile.repeat of scenario "steady": must be true or false; found "yes". Write true.',
    ],
  },
  {
    name: "users in words, and one wait of three",
    text: withProfile("{users: many, wait: [1s, 2s, 3s]}"),
    faults: [
      'load.yml:11:22: Cannot read profile.users of scenario "steady": must be a number of users. Write 50, [10 for 5m, 50 for 10m], or {from: 0, stages: [{to: 50, over: 10m}, {hold: 1h}]}.',
      'load.yml:11:34: Cannot read profile.wait of scenario "steady": must be the shortest and the longest time. Write it like [100ms, 500ms].',
    ],
  },
  {
    name: "a ramp of users from below 0",
    text: withProfile("{users: {from: -1, stages: [{to: 5, over: 1m}]}}"),
    faults: [
      'load.yml:11:29: Cannot read profile.users.from of scenario "steady": must be a whole number of users from 0 to 1000000; found -1.',
    ],
  },
  {
    name: "stages of users that lack their times",
    text: withProfile("{users: {stages: [{to: 5}, {to: 1.5, over: 1m}, {hold: 10}]}}"),
    faults: [
      'load.yml:11:32: Cannot read profile.users.stages[0] of scenario "steady": must have either to and over, or hold. Write {to: 50, over: 10m} or {hold: 1h}.',
      'load.yml:11:46: Cannot read profile.users.stages[1].to of scenario "steady": must be a whole number of users from 0 to 1000000; found 1.5.',
      'load.yml:11:69: Cannot read profile.users.stages[2].hold of scenario "steady": must be a number with the unit ms, s, m, h or d such as 30s; found 10. Write 10s.',
    ],
  },
  {
    name: "a burst of nothing",
    text: withProfile("1/s\n    arrival: burst of 0\n    choose: any"),
    faults: [
      'load.yml:12:14: Cannot read arrival of scenario "steady": must be even, poisson or a burst such as burst of 50; found "burst of 0". Write it like burst of 50.',
      'load.yml:13:13: Cannot read choose of scenario "steady": must be exact or random; found "any". Write it like exact.',
    ],
  },
  {
    name: "one number of users, again and again",
    text: withProfile("{users: 5, repeat: true}"),
    faults: [
      'load.yml:11:33: Cannot read profile.repeat of scenario "steady": must be false or left out, as one number of users has no end to start again from; found true.',
    ],
  },
  {
    name: "more users than may have a task in flight",
    text: withProfile("{users: [10 for 1m, 20000 for 1m]}"),
    faults: [
      'load.yml:11:22: Cannot read profile.users of scenario "steady": must be at most maxInFlight (10000), as each user waits for a task; there are up to 20000. Add maxInFlight: 20000 to the scenario.',
    ],
  },
  {
    name: "a week that names a day twice",
    text: withProfile('{week: {zone: UTC, mon-fri: {"09:00": 1/s}, fri: {"08:00": 1/s}}}'),
    faults: [
      'load.yml:11:63: Cannot read profile.week.fri of scenario "steady": must not name fri again. Name each day once.',
    ],
  },
  {
    name: "a ramp above limits.maxRate",
    text: `${withProfile("{ramp: {from: 20/s, stages: [{to: 1/s, over: 1m}]}}")}limits: {maxRate: 10/s}\n`,
    faults: [
      'load.yml:11:14: Cannot read profile of scenario "steady": must stay at or below limits.maxRate (10/s); its highest rate is 20/s. Lower the rate or raise limits.maxRate.',
    ],
  },
  {
    name: "no upper bound under limits.maxRate",
    text: `${withProfile("max")}limits: {maxRate: 10/s}\n`,
    faults: [
      'load.yml:11:14: Cannot read profile of scenario "steady": must be a rate, because max has no upper bound and limits.maxRate (10/s) is set. Lower the rate or raise limits.maxRate.',
    ],
  },
  {
    name: "two kinds of profile",
    text: withProfile("{steps: [1/s for 1m], ramp: {from: 1/s, stages: [{hold: 1m}]}}"),
    faults: [
      'load.yml:11:14: Cannot read profile of scenario "steady": must have one of the keys steps and ramp, not both. Keep one, or make a second scenario.',
    ],
  },
  {
    name: "a profile of an unknown kind",
    text: withProfile("{wave: {mean: 5/s}}"),
    faults: [
      'load.yml:11:14: Cannot read profile of scenario "steady": must be a rate, max, or a mapping with the key steps, ramp, sine, week, replay, backlog, topUp or users. Write 20/s.',
    ],
  },
  {
    name: "steps that cannot be read",
    text: withProfile("{steps: [20/s, 20/x for 10m, 20/s for 10, 5, 1/s for 0s], repeat: yes}"),
    faults: [
      'load.yml:11:23: Cannot read profile.steps[0] of scenario "steady": must be a rate and a duration such as 20/s for 10m; found "20/s". Write it like 20/s for 10m.',
      'load.yml:11:29: Cannot read profile.steps[1] of scenario "steady": rate must be a number per s, m or h such as 20/s; found "20/x for 10m". Write it like 20/s for 10m.',
      'load.yml:11:43: Cannot read profile.steps[2] of scenario "steady": duration must be a number with the unit ms, s, m, h or d such as 30s; found "20/s for 10". Write 20/s for 10s.',
      'load.yml:11:56: Cannot read profile.steps[3] of scenario "steady": must be a rate and a duration such as 20/s for 10m; found 5. Write it like 20/s for 10m.',
      'load.yml:11:59: Cannot read profile.steps[4] of scenario "steady": duration must be longer than 0s; found "1/s for 0s". Write it like 20/s for 10m.',
      'load.yml:11:80: Cannot read profile.repeat of scenario "steady": must be true or false; found "yes". Write true.',
    ],
  },
  {
    name: "no steps",
    text: withProfile("{steps: []}"),
    faults: [
      'load.yml:11:22: Cannot read profile.steps of scenario "steady": must have at least one step; found a list.',
    ],
  },
  {
    name: "stages that cannot be read",
    text: withProfile(
      "{ramp: {from: 5, stages: [{to: 1/s}, {hold: 1m, to: 2/s}, {to: 1/s, over: 0s}, 5]}}",
    ),
    faults: [
      'load.yml:11:28: Cannot read profile.ramp.from of scenario "steady": must be a number per s, m or h such as 20/s; found 5. Write 5/s.',
      'load.yml:11:40: Cannot read profile.ramp.stages[0] of scenario "steady": must have either to and over, or hold. Write {to: 200/s, over: 15m} or {hold: 1h}.',
      'load.yml:11:51: Cannot read profile.ramp.stages[1] of scenario "steady": must have either to and over, or hold. Write {to: 200/s, over: 15m} or {hold: 1h}.',
      'load.yml:11:88: Cannot read profile.ramp.stages[2].over of scenario "steady": must be longer than 0s; found "0s". Write it like 30s.',
      'load.yml:11:93: Cannot read profile.ramp.stages[3] of scenario "steady": must be a mapping; found 5. Write {to: 200/s, over: 15m}.',
    ],
  },
  {
    name: "a ramp without stages",
    text: withProfile("{ramp: {from: 5/s}}"),
    faults: [
      'load.yml:11:15: Cannot read profile.ramp.stages of scenario "steady": it is missing. Write stages: [{to: 200/s, over: 15m}].',
    ],
  },
  {
    name: "a scenario without a profile",
    text: withText("    profile: 20/s\n", ""),
    faults: [
      'load.yml:10:3: Cannot read profile of scenario "steady": it is missing. Write profile: 20/s.',
    ],
  },
  {
    name: "a negative weight",
    text: withMix("{resize: -1, thumb: 1}"),
    faults: [
      'load.yml:12:19: Cannot read mix.resize of scenario "steady": must be a weight above 0 and at most 1000000; found -1. Write it like 3.',
    ],
  },
  {
    name: "a weight of 0",
    text: withMix("{resize: 1, thumb: 0}"),
    faults: [
      'load.yml:12:29: Cannot read mix.thumb of scenario "steady": must be a weight above 0 and at most 1000000; found 0. Remove the task from the mix.',
    ],
  },
  {
    name: "two weights that are no numbers",
    text: withMix("{resize: 1e999, thumb: a}"),
    faults: [
      'load.yml:12:19: Cannot read mix.resize of scenario "steady": must be a weight above 0 and at most 1000000; found 1e999. Write it like 3.',
      'load.yml:12:33: Cannot read mix.thumb of scenario "steady": must be a weight above 0 and at most 1000000; found "a". Write it like 3.',
    ],
  },
  {
    name: "an empty mix",
    text: withMix("{}"),
    faults: [
      'load.yml:12:10: Cannot read mix of scenario "steady": must name at least one task. Write {resize: 3, thumb: 1}.',
    ],
  },
  {
    name: "an empty list as mix",
    text: withMix("[]"),
    faults: [
      'load.yml:12:10: Cannot read mix of scenario "steady": must name at least one task. Write {resize: 3, thumb: 1}.',
    ],
  },
  {
    name: "a mix of an unknown task",
    text: withMix("{resise: 1}"),
    faults: [
      'load.yml:12:11: Cannot read mix of scenario "steady": there is no task "resise". Did you mean "resize"?',
    ],
  },
  {
    name: "a list with an unknown task",
    text: withMix("[resize, thum]"),
    faults: [
      'load.yml:12:19: Cannot read mix of scenario "steady": there is no task "thum". Did you mean "thumb"?',
    ],
  },
  {
    name: "one unknown task",
    text: withMix("nothing"),
    faults: [
      'load.yml:12:10: Cannot read mix of scenario "steady": there is no task "nothing". Known here: resize, thumb.',
    ],
  },
  {
    name: "a task twice in a mix",
    text: withMix("[resize, resize]"),
    faults: [
      'load.yml:12:19: Cannot read mix[1] of scenario "steady": must be named once; found "resize". Give it a weight instead.',
    ],
  },
  {
    name: "no mix with two tasks",
    text: withText("    mix: {resize: 3, thumb: 1}\n", ""),
    faults: [
      'load.yml:10:3: Cannot read mix of scenario "steady": it is missing, and there is more than one task (resize, thumb). Write mix: resize.',
    ],
  },
  {
    name: "an unknown connection",
    text: withProfile("1/s\n    connection: mian"),
    faults: [
      'load.yml:12:17: Cannot read connection of scenario "steady": there is no connection "mian". Did you mean "main"?',
    ],
  },
  {
    name: "no tasks",
    text: withText(/tasks:\n( .*\n)+/, ""),
    faults: [
      "load.yml:1:1: Cannot read tasks: it is missing. Write tasks: {add: {name: app.add}}.",
    ],
  },
  {
    name: "an empty mapping of tasks",
    text: withText(/tasks:\n( .*\n)+/, "tasks: {}\n"),
    faults: ["load.yml:4:8: Cannot read tasks: must have at least one task."],
  },
  {
    name: "a task without a name",
    text: withText("    name: app.tasks.thumb", "    queue: a"),
    faults: [
      'load.yml:7:3: Cannot read name of task "thumb": it is missing. Write name: app.tasks.resize.',
    ],
  },
  {
    name: "a task name with a control character",
    text: withText("app.tasks.thumb", '"app.thumb\\a"'),
    faults: [
      'load.yml:8:11: Cannot read name of task "thumb": must be a task name such as app.tasks.resize, without control characters; found "app.thumb\\u0007". Write it like app.tasks.resize.',
    ],
  },
  {
    name: "a name with a space",
    text: withText("  thumb:", '  "a b":'),
    faults: [
      'load.yml:7:3: Cannot read name "a b" in tasks: must be a name of letters, digits, - and _ that starts with a letter. Rename it.',
      'load.yml:12:22: Cannot read mix of scenario "steady": there is no task "thumb". Known here: resize, "a b".',
    ],
  },
  {
    name: "http://x@h as broker",
    text: withBroker("http://canary@h"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must be a URL that starts with redis://, rediss://, redis+socket://, sentinel://, amqp:// or amqps://. http:// leads to the management API, which is the key management. Write amqp://user:password@host:5672/vhost here.',
    ],
  },
  {
    name: "sqs://u:x@ as broker",
    text: withBroker("sqs://u:canary@"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must be a redis:// or amqp:// URL: Celery\'s scheme sqs is not supported by this version. Write redis://host:6379/0 or amqp://user:password@host:5672/vhost.',
    ],
  },
  {
    name: "rpc:// as broker",
    text: withBroker("rpc://"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must be the URL of a broker; rpc:// is a result backend. Write it as backend.',
    ],
  },
  {
    name: "amqp://u:x@h/ in a list with another kind as broker",
    text: withBroker("amqp://u:canary@a//;redis://b/0"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must be a URL that starts with amqp://, pyamqp:// or amqps://. Write amqp://user:password@host:5672/vhost.',
    ],
  },
  {
    name: "amqp://u:x@h?ssl=no as broker",
    text: withBroker("amqp://u:canary@h//?ssl=false"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must have no ssl in its query that says no, as Celery takes that as yes. Remove it, or write ssl=1.',
    ],
  },
  {
    name: "rediss://:x@h/0 with a bad requirement as broker",
    text: withBroker("rediss://:canary@h/0?ssl_cert_reqs=canary"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must have required, optional or none as ssl_cert_reqs. Write ssl_cert_reqs=required.',
    ],
  },
  {
    name: "a CA that is not there",
    text: withBroker("rediss://:canary@h/0?ssl_ca_certs=/no/ca.pem"),
    faults: [
      'load.yml:3:13: Cannot use the CA certificates "/no/ca.pem": there is no such file. Check the path.',
    ],
  },
  {
    name: "tls without TLS",
    text: withBroker("redis://:canary@h/0\n    tls: {verify: true}"),
    faults: [
      'load.yml:4:10: Cannot read tls of connection "main": must go with a URL that uses TLS, as nothing would be encrypted. Write rediss:// or amqps:// in broker or backend, or remove tls.',
    ],
  },
  {
    name: "a key without its certificate",
    text: withBroker("amqps://h\n    tls: {keyFile: a}"),
    faults: [
      'load.yml:4:5: Cannot read tls.certFile of connection "main": it is missing, and there is a keyFile. Write certFile: the certificate of the key.',
    ],
  },
  {
    name: "an unknown key of tls",
    text: withBroker("amqps://h\n    tls: {cafile: a}"),
    faults: [
      'load.yml:4:11: Cannot read key "cafile" in tls of connection "main": there is no such key. Did you mean "caFile"?',
    ],
  },
  {
    name: "sentinel://:x@h:26379/0 without a name as broker",
    text: withBroker("sentinel://:canary@h:26379/0"),
    faults: [
      'load.yml:2:3: Cannot read options.master_name of connection "main": it is missing, and sentinel:// needs it. Write options: {master_name: mymaster}, with the name that the Sentinels know.',
    ],
  },
  {
    name: "sentinel:// without a name as backend",
    text: withBroker("redis://h\n    backend: sentinel://h"),
    faults: [
      'load.yml:2:3: Cannot read backendOptions.master_name of connection "main": it is missing, and sentinel:// needs it. Write backendOptions: {master_name: mymaster}, with the name that the Sentinels know.',
    ],
  },
  {
    name: "a password of Sentinels that is a number",
    text: withBroker(
      "sentinel://h\n    options: {master_name: a, sentinel_kwargs: {password: 4711}}",
    ),
    faults: [
      'load.yml:4:59: Cannot read options.sentinel_kwargs.password of connection "main": must be text. Put it in quotes.',
    ],
  },
  {
    name: "redis://:can#ary@h/0 as broker",
    text: withBroker("redis://:can#ary@h/0"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must have no bare # / ? or @ in the user name or password. Percent-encode the user name and the password (# is %23, / is %2F, ? is %3F, @ is %40).',
    ],
  },
  {
    name: "redis://:can/ary@h/0 as broker",
    text: withBroker("redis://:can/ary@h/0"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must have no bare # / ? or @ in the user name or password. Percent-encode the user name and the password (# is %23, / is %2F, ? is %3F, @ is %40).',
    ],
  },
  {
    name: "redis://:can@ary@h/0 as broker",
    text: withBroker("redis://:can@ary@h/0"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must have no bare # / ? or @ in the user name or password. Percent-encode the user name and the password (# is %23, / is %2F, ? is %3F, @ is %40).',
    ],
  },
  {
    name: "redis://h:99999/0 as broker",
    text: withBroker("redis://h:99999/0"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must have a port from 1 to 65535. Write redis://host:6379/0. If this is part of a password: percent-encode the user name and the password (# is %23, / is %2F, ? is %3F, @ is %40).',
    ],
  },
  {
    name: "redis://h:6379/abc as broker",
    text: withBroker("redis://h:6379/abc"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must have a whole number as its database. Write redis://host:6379/0; databases are numbers from 0.',
    ],
  },
  {
    name: "redis://h/0?socket_timeout=x as broker",
    text: withBroker("redis://h/0?socket_timeout=canary"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must have seconds from 0.1 to 86400 as its socket_timeout. Write socket_timeout=5.',
    ],
  },
  {
    name: "redis://user:x as broker",
    text: withBroker("redis://user:canary"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must have a port from 1 to 65535. Write redis://host:6379/0. If this is part of a password: percent-encode the user name and the password (# is %23, / is %2F, ? is %3F, @ is %40).',
    ],
  },
  {
    name: "a second URL that is bad as broker",
    text: withBroker("redis://:canary@a/0;redis://b/x"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must have a whole number as its database. Write redis://host:6379/0; databases are numbers from 0.',
    ],
  },
  {
    name: "URLs of two kinds as broker",
    text: withBroker("sentinel://:canary@a/0;redis://b/0"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must be sentinel:// in each of its URLs or in none. Keep one kind.',
    ],
  },
  {
    name: "{url: x} as broker",
    text: withBroker("{url: canary}"),
    faults: [
      'load.yml:3:5: Cannot read broker.passwordFile of connection "main": it is missing, and there is a url. Add it, or write the URL alone, without the key url.',
    ],
  },
  {
    name: "12 as broker",
    text: withBroker("12"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must be a URL. Write redis://127.0.0.1:6379/0.',
    ],
  },
  {
    name: "nothing as broker",
    text: withBroker(""),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must be a URL. Write redis://127.0.0.1:6379/0.',
    ],
  },
  {
    name: "a database as backend",
    text: withBroker("redis://h\n    backend: db+postgresql://u:canary@h/x"),
    faults: [silentBackend("a database as result backend tells nobody when a result is there")],
  },
  {
    name: "disabled as broker",
    text: withBroker("disabled"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must be a URL that starts with redis://, rediss://, redis+socket://, sentinel://, amqp:// or amqps://. Write redis://host:6379/0 or amqp://user:password@host:5672/vhost.',
    ],
  },
  {
    name: "a backend that is none of Celery's",
    text: withBroker("redis://h\n    backend: http://u:canary@h/x"),
    faults: [
      'load.yml:4:14: Cannot read backend of connection "main": must be a URL that starts with redis://, rediss://, redis+socket://, sentinel:// or rpc://. Write redis://host:6379/0 or rpc://.',
    ],
  },
  {
    name: "a broker as backend",
    text: withBroker("amqp://h\n    backend: amqp://u:canary@h//"),
    faults: [
      'load.yml:4:14: Cannot read backend of connection "main": must be a redis:// URL or rpc://: amqp:// is a broker, and no result backend since Celery 5. Write rpc://.',
    ],
  },
  {
    name: "rpc:// with a host as backend",
    text: withBroker("amqp://h\n    backend: rpc://canary@h"),
    faults: [
      'load.yml:4:14: Cannot read backend of connection "main": must be rpc:// and nothing else. Replies go through the broker\'s URL.',
    ],
  },
  {
    name: "a management API that is not allowed",
    text: withBroker(
      "amqp://h\n    management: http://u:canary@evil.example:15672\n    allow: {hosts: [h]}",
    ),
    faults: [
      'load.yml:4:17: Cannot read management of connection "main": must have a host of allow.hosts (h); found host "evil.example". Add the host to allow.hosts, or change the URL.',
    ],
  },
  {
    name: "a management API of a Redis",
    text: withBroker("redis://h\n    management: http://u:canary@h:15672"),
    faults: [
      'load.yml:4:17: Cannot read management of connection "main": must go with a broker that is RabbitMQ. Remove it.',
    ],
  },
  {
    name: "a management API that is none",
    text: withBroker("amqp://h\n    management: amqp://u:canary@h:15672"),
    faults: [
      'load.yml:4:17: Cannot read management of connection "main": must be a URL that starts with http:// or https://. Write http://user:password@rabbitmq:15672.',
    ],
  },
  {
    name: "a host of a list that is not allowed",
    text: withBroker(
      "sentinel://a;sentinel://evil.example\n    options: {master_name: m}\n    allow: {hosts: [a]}",
    ),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must have a host of allow.hosts (a); found host "evil.example". Add the host to allow.hosts, or change the URL.',
    ],
  },
  {
    name: "an address in no allowed network",
    text: withBroker("redis://10.3.0.1/0\n    allow: {hosts: [10.2.0.0/16]}"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must have a host of allow.hosts ("10.2.0.0/16"); found host "10.3.0.1". Add the host to allow.hosts, or change the URL.',
    ],
  },
  {
    name: "a network that is none",
    text: withBroker("redis://10.3.0.1/0\n    allow: {hosts: [10.2.0.0/33]}"),
    faults: [
      'load.yml:4:21: Cannot read allow.hosts[0] of connection "main": must be a network such as 10.2.0.0/16, a host, host:port, or the path of a socket; found "10.2.0.0/33".',
    ],
  },
  {
    name: "a host that is not allowed",
    text: withBroker("redis://:canary@evil.example:6379/0\n    allow: {hosts: [redis.staging]}"),
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main": must have a host of allow.hosts (redis.staging); found host "evil.example". Add the host to allow.hosts, or change the URL.',
    ],
  },
  {
    name: "a backend host that is not allowed",
    text: withBroker("redis://a\n    backend: redis://:canary@b\n    allow: {hosts: [a, 'b:1']}"),
    faults: [
      'load.yml:4:14: Cannot read backend of connection "main": must have a host of allow.hosts (a, b:1); found host "b". Add the host to allow.hosts, or change the URL.',
    ],
  },
  {
    name: "priority steps out of order",
    text: withBroker(
      "redis://h\n    options: {priority_steps: [0, 9, 3], sep: '', global_keyprefix: 5}",
    ),
    faults: [
      'load.yml:4:31: Cannot read options.priority_steps of connection "main": must be in ascending order, each step once; found a list. Write it like [0,3,6,9].',
      'load.yml:4:47: Cannot read options.sep of connection "main": must not be empty; found "".',
      'load.yml:4:69: Cannot read options.global_keyprefix of connection "main": must be text; found 5.',
    ],
  },
  {
    name: "a prefix of fanout channels that is a number",
    text: withBroker(
      "redis://h\n    options: {fanout_prefix: 5, fanout_patterns: 1, socket_timeout: 5s}",
    ),
    faults: [
      'load.yml:4:30: Cannot read options.fanout_prefix of connection "main": must be true, false or text; found 5. Write true.',
      'load.yml:4:50: Cannot read options.fanout_patterns of connection "main": must be true or false; found 1. Write true.',
      'load.yml:4:69: Cannot read options.socket_timeout of connection "main": must be a number of seconds from 0.1 to 86400; found "5s". Write 5.',
    ],
  },
  {
    name: "an unset variable",
    text: withBroker(`\${NOPE}`),
    faults: [
      `load.yml:3:13: Cannot replace \${NOPE}: the environment variable NOPE is not set. Set it, or write \${NOPE:-default}.`,
    ],
  },
  {
    name: "an unset variable inside of a value",
    text: withBroker(`redis://:\${PW}@h/0`),
    faults: [
      `load.yml:3:13: Cannot replace \${PW}: the environment variable PW is not set. Set it, or write \${PW:-default}.`,
    ],
  },
  {
    name: "a variable that is written wrongly",
    text: withBroker(`"\${NOPE-canary}"`),
    faults: [
      `load.yml:3:13: Cannot read the variable in "\${NOPE…": must be \${NAME} or \${NAME:-default}. Write $$ for a dollar sign.`,
    ],
  },
  {
    name: "a variable with a bad value",
    text: withBroker(`\${BROKER}`),
    options: { env: { BROKER: "sqs://u:canary@h" } },
    faults: [
      'load.yml:3:13: Cannot read broker of connection "main" (from BROKER): must be a redis:// or amqp:// URL: Celery\'s scheme sqs is not supported by this version. Write redis://host:6379/0 or amqp://user:password@host:5672/vhost.',
    ],
  },
  {
    name: "a duration without a unit",
    text: withTask("timeout: 10"),
    faults: [
      'load.yml:9:14: Cannot read timeout of task "thumb": must be a number with the unit ms, s, m, h or d such as 30s; found 10. Write 10s.',
    ],
  },
  {
    name: "durations that are too short or too long",
    text: withTask("timeout: 0s\n    expires: 4000d"),
    faults: [
      'load.yml:9:14: Cannot read timeout of task "thumb": must be longer than 0s; found "0s". Write it like 30s.',
      'load.yml:10:14: Cannot read expires of task "thumb": must be at most 10 years (3650d), or none; found "4000d". Write a shorter time.',
    ],
  },
  {
    name: "an expiry that is no duration",
    text: withTask("expires: never"),
    faults: [
      'load.yml:9:14: Cannot read expires of task "thumb": must be a number with the unit ms, s, m, h or d such as 30s, or none; found "never". Write none.',
    ],
  },
  {
    name: "a priority of 11",
    text: withTask("priority: 11"),
    faults: [
      'load.yml:9:15: Cannot read priority of task "thumb": must be a whole number from 0 to 9; found 11. Write it like 0.',
    ],
  },
  {
    name: "pickle",
    text: withTask("serializer: pickle"),
    faults: [
      'load.yml:9:17: Cannot read serializer of task "thumb": must be json, msgpack or yaml: pickle is code that the worker would run, and workers refuse it unless told otherwise; found "pickle". Write it like json.',
    ],
  },
  {
    name: "a compression that we have not",
    text: withTask("compression: bzip2"),
    faults: [
      'load.yml:9:18: Cannot read compression of task "thumb": must be zlib, gzip, brotli, zstd or none: bzip2 and lzma have no well-kept library for Node; found "bzip2". Write it like none.',
    ],
  },
  {
    name: "priority and urgency",
    text: withTask("priority: 3\n    urgency: 3"),
    faults: [
      'load.yml:10:14: Cannot read urgency of task "thumb": must not be set together with priority; found 3. Keep one of them.',
    ],
  },
  {
    name: "a routing key without an exchange",
    text: withTask("routingKey: a"),
    faults: [
      'load.yml:9:17: Cannot read routingKey of task "thumb": must come with an exchange; found "a". Name the exchange, or set queue instead.',
    ],
  },
  {
    name: "an ETA without an offset",
    text: withTask("eta: 2030-01-02T03:04:05"),
    faults: [
      'load.yml:9:10: Cannot read eta of task "thumb": must be a time with an offset; found "2030-01-02T03:04:05". Write it like 2030-01-02T03:04:05Z.',
    ],
  },
  {
    name: "an ETA and a countdown",
    text: withTask("countdown: 5s\n    eta: 2030-01-02T03:04:05Z"),
    faults: [
      'load.yml:10:10: Cannot read eta of task "thumb": must not be set together with countdown; found "2030-01-02T03:04:05Z". Keep one of them.',
    ],
  },
  {
    name: "a countdown beyond the timeout",
    text: withTask("countdown: 2m"),
    faults: [
      'load.yml:9:16: Cannot read countdown of task "thumb": must be shorter than timeout, or no result comes in time; found "2m". Raise timeout.',
    ],
  },
  {
    name: "a countdown beyond the expiry",
    text: withTask("countdown: 30s\n    expires: 20s"),
    faults: [
      'load.yml:9:16: Cannot read countdown of task "thumb": must be shorter than expires, or the task is always revoked; found "30s". Raise expires.',
    ],
  },
  {
    name: "a soft limit above the hard one",
    text: withTask("timeLimit: 5s\n    softTimeLimit: 6s"),
    faults: [
      'load.yml:10:20: Cannot read softTimeLimit of task "thumb": must be shorter than timeLimit, or it never acts; found "6s". Raise timeLimit.',
    ],
  },
  {
    name: "delayed delivery without exchange and countdown",
    text: withTask("nativeDelayedDelivery: true"),
    faults: [
      'load.yml:9:28: Cannot read nativeDelayedDelivery of task "thumb": must come with a countdown; found true. Set countdown.',
      `load.yml:9:28: Cannot read nativeDelayedDelivery of task "thumb": must come with an exchange: through the anonymous one the worker holds the task; found true. Name the queue's topic exchange.`,
    ],
  },
  {
    name: "stamps in version 1",
    text: withTask("protocol: 1\n    stamps: {a: 1}"),
    faults: [
      'load.yml:9:15: Cannot read protocol of task "thumb": must be 2 for stamps, shadow and ignoreResult; found 1. Remove them or protocol.',
    ],
  },
  {
    name: "an expectation without a result",
    text: withTask("expect: {state: SUCCESS}"),
    faults: [
      'load.yml:9:13: Cannot read expect of task "thumb": must have result, and nothing else; found a mapping. Write {result: 3}, with the value as JSON has it.',
    ],
  },
  {
    name: "an expectation that JSON cannot say",
    text: withTask("expect: {result: .nan}"),
    faults: [
      'load.yml:9:13: Cannot read expect of task "thumb": must hold a value that JSON has; found a mapping. Write {result: 3}, with the value as JSON has it.',
    ],
  },
  {
    name: "an expectation of a result that is ignored",
    text: withTask("expect: {result: 3}\n    ignoreResult: true"),
    faults: [
      'load.yml:9:13: Cannot read expect of task "thumb": must not be set together with ignoreResult; found a mapping. Keep one of them.',
    ],
  },
  {
    name: "an expectation without a result backend",
    text: withTask("expect: {result: 3}").replace("6379/0\n", "6379/0\n    backend: disabled\n"),
    faults: [
      'load.yml:10:13: Cannot read expect of task "thumb": must be left out for scenario "steady", whose result backend is disabled; found a mapping. Remove it, or name the result backend.',
    ],
  },
  {
    name: "a third protocol",
    text: withTask("protocol: 3"),
    faults: [
      'load.yml:9:15: Cannot read protocol of task "thumb": must be 1 or 2; found 3. Write it like 2.',
    ],
  },
  {
    name: "a typed value that kombu cannot read",
    text: withTask("args: [{__type__: date, __value__: 2030-02-31}]"),
    faults: [
      `load.yml:9:12: Cannot read args[0] of task "thumb": a date must be a date such as 2030-01-02, or Celery's worker cannot decode the message.`,
    ],
  },
  {
    name: "a typed value of no type",
    text: withTask("args: [{__type__: set, __value__: []}]"),
    faults: [
      `load.yml:9:12: Cannot read args[0] of task "thumb": a mapping of exactly __type__ and __value__ is read by Celery's worker as a typed value, and an unknown type makes the message undecodable. Use one of datetime, date, time, decimal, uuid, bytes, base64, or rename one of the keys.`,
    ],
  },
  {
    name: "a workflow of a task that is not there",
    text: withText("name: app.tasks.thumb", "chain: [resize, resise]"),
    faults: [
      'load.yml:8:12: Cannot read chain of task "thumb": there is no task "resise". Did you mean "resize"?',
    ],
  },
  {
    name: "a workflow with options of a task",
    text: withText("name: app.tasks.thumb", "group: [resize]\n    queue: a"),
    faults: [
      'load.yml:9:12: Cannot read queue of task "thumb": must not be set for a workflow. Set it on its tasks.',
    ],
  },
  {
    name: "a workflow in a workflow",
    text: withText("name: app.tasks.thumb", "chain: [thumb]"),
    faults: [
      'load.yml:8:12: Cannot read chain of task "thumb": task "thumb" is a workflow itself. Name its tasks here.',
    ],
  },
  {
    name: "a group in a chain with members that are none",
    text: withText("tasks:\n", "tasks:\n  both: {chain: [resize, {group: [1, thumb, [2]]}]}\n"),
    faults: [
      'load.yml:5:35: Cannot read chain[1].group[0] of task "both": must be the key of a task; found 1. Write resize, or {task: resize, immutable: true}.',
      'load.yml:5:45: Cannot read chain[1].group[2] of task "both": must be the key of a task; found a list. Write resize, or {task: resize, immutable: true}.',
    ],
  },
  {
    name: "a chain with a group in the middle",
    text: withText("name: app.tasks.thumb", "chain: [resize, {group: [resize, resize]}, resize]"),
    faults: [
      'load.yml:8:21: Cannot read chain[1] of task "thumb": must not be a group here. Put the group first or last, and one task between two groups.',
    ],
  },
  {
    name: "a chord without a body",
    text: withText("name: app.tasks.thumb", "chord: {header: [resize]}"),
    faults: [
      'load.yml:8:12: Cannot read chord of task "thumb": must have a header and a body. Write {header: [resize, thumb], body: collect}.',
    ],
  },
  {
    name: "an empty group",
    text: withText("name: app.tasks.thumb", "group: []"),
    faults: [
      'load.yml:8:12: Cannot read group of task "thumb": must be a list of at least one task. Write [resize, thumb].',
    ],
  },
  {
    name: "a task and a workflow in one",
    text: withText("name: app.tasks.thumb", "name: a\n    chain: [resize]"),
    faults: [
      'load.yml:9:12: Cannot read chain of task "thumb": must not be set together with name; found a list. Make two tasks of it.',
    ],
  },
  {
    name: "a member with an unknown key",
    text: withText("name: app.tasks.thumb", "chain: [{task: resize, immutabel: true}]"),
    faults: [
      'load.yml:8:39: Cannot read chain[0].immutabel of task "thumb": there is no such key. Known here: task, immutable.',
    ],
  },
  {
    name: "a callback that is not there",
    text: withText("name: app.tasks.thumb", "name: app.tasks.thumb\n    link: [resise]"),
    faults: [
      'load.yml:9:11: Cannot read link of task "thumb": there is no task "resise". Did you mean "resize"?',
    ],
  },
  {
    name: "a chord whose replies come through the broker",
    text: withBroker("amqp://h").replace(
      "name: app.tasks.thumb",
      "chord: {header: [resize, resize], body: resize}",
    ),
    faults: [
      'load.yml:8:5: Cannot read task "thumb": it is a chord, which scenario "steady" cannot run: its result backend has no chords. Use a result backend on Redis.',
    ],
  },
  {
    name: "half a character in arguments",
    text: withTask('args: ["\\ud800", "{{ choice(\'\\udfff\') }}"]\n    kwargs: {"\\ud800": 1}'),
    faults: [
      'load.yml:9:12: Cannot read args[0] of task "thumb": a text with half a surrogate pair cannot be sent as UTF-8. Write the whole character.',
      'load.yml:9:22: Cannot read args[1] of task "thumb": a text with half a surrogate pair cannot be sent as UTF-8. Write the whole character.',
      'load.yml:10:13: Cannot read kwargs of task "thumb": a text with half a surrogate pair cannot be sent as UTF-8. Write the whole character. Write it like {"size":3}.',
    ],
  },
  {
    name: "half a character in a header",
    text: withTask('headers: {a: ["\\ud800"]}'),
    faults: [
      'load.yml:9:19: Cannot read headers.a[0] of task "thumb": must not hold half a surrogate pair, which UTF-8 cannot write. Write the whole character.',
    ],
  },
  {
    name: "half a character in texts that are shown, and in a queue",
    text: withTask('shadow: "\\ud800"\n    queue: "\\ud800"'),
    faults: [
      'load.yml:9:13: Cannot read shadow of task "thumb": must not hold half a surrogate pair, which UTF-8 cannot write; found "\\ud800". Write it like (...).',
      'load.yml:10:12: Cannot read queue of task "thumb": must be the name of a queue such as celery, without control characters; found "\\ud800". Write it like images.',
    ],
  },
  {
    name: "a typed value in a header, which ends a worker on Redis",
    text: withTask("headers: {a: [{__type__: x, __value__: 1}]}"),
    faults: [
      `load.yml:9:19: Cannot read headers.a[0] of task "thumb": must not be a typed value of kombu's: those are for args and kwargs. Rename a key.`,
    ],
  },
  {
    name: "a stamp that is a typed value",
    text: withTask("stamps: {a: {__type__: date, __value__: 2030-01-02}}"),
    faults: [
      `load.yml:9:17: Cannot read stamps.a of task "thumb": must not be a typed value of kombu's: those are for args and kwargs. Rename a key.`,
    ],
  },
  {
    name: "a header that the worker's request has itself",
    text: withTask("headers: {_children: 1}"),
    faults: [
      'load.yml:9:26: Cannot read headers._children of task "thumb": must not be set: Celery\'s worker keeps something else under this name. Remove it or rename it.',
    ],
  },
  {
    name: "headers in headers that are no mapping",
    text: withTask("headers: {headers: 1}"),
    faults: [
      'load.yml:9:24: Cannot read headers.headers of task "thumb": must be a mapping; found 1. Write {key: value}.',
    ],
  },
  {
    name: "a header that RabbitMQ routes by",
    text: withTask("headers: {CC: [celery]}"),
    faults: [
      'load.yml:9:19: Cannot read headers.CC of task "thumb": must not be set: RabbitMQ sends a copy to each queue that it names. Remove it or rename it.',
    ],
  },
  {
    name: "a stamp that would overwrite a result's status",
    text: withTask("stamps: {status: 1}"),
    faults: [
      'load.yml:9:22: Cannot read stamps.status of task "thumb": must not be set: stored results have something else under this name. Remove it or rename it.',
    ],
  },
  {
    name: "a header whose name is too long for RabbitMQ",
    text: withTask(`headers: {a: {? ${"k".repeat(256)} : 1}}`),
    faults: [
      'load.yml:9:18: Cannot read headers.a of task "thumb": must have keys of at most 255 bytes, without halves of characters. Rename them.',
    ],
  },
  {
    name: "headers that are too large for RabbitMQ",
    text: withTask(`headers: {a: ${"x".repeat(8192)}}`),
    faults: [
      'load.yml:9:14: Cannot read headers of task "thumb": must be at most 8 KiB as JSON. Send it as an argument instead.',
    ],
  },
  {
    name: "a queue in whose place workers keep unacknowledged messages",
    text: withTask("queue: unacked"),
    faults: [
      `load.yml:9:12: Cannot read queue of task "thumb": must not be a key of kombu's own: as a queue it would end every worker on this Redis; found "unacked". Write it like images.`,
    ],
  },
  {
    name: "a queue of remote control",
    text: withTask("queue: celery@host.celery.pidbox"),
    faults: [
      'load.yml:9:12: Cannot read queue of task "thumb": must not be one of remote control or events: workers would take tasks for commands; found "celery@host.celery.pidbox". Write it like images.',
    ],
  },
  {
    name: "a queue that is too long for RabbitMQ",
    text: withTask(`queue: ${"ü".repeat(128)}`),
    faults: [
      `load.yml:9:12: Cannot read queue of task "thumb": must be at most 255 bytes long; found "${"ü".repeat(59)}…". Write it like images.`,
    ],
  },
  {
    name: "the exchanges of events and of RabbitMQ itself",
    text: withTask("exchange: amq.rabbitmq.trace\n    routingKey: celeryev"),
    faults: [
      'load.yml:9:15: Cannot read exchange of task "thumb": must not be one that only RabbitMQ itself may publish to; found "amq.rabbitmq.trace". Write it like images.',
      'load.yml:10:17: Cannot read routingKey of task "thumb": must not be one of remote control or events: workers would take tasks for commands; found "celeryev". Write it like images.',
    ],
  },
  {
    name: "a queue of delayed tasks",
    text: withTask("queue: celery_delayed_3"),
    faults: [
      'load.yml:9:12: Cannot read queue of task "thumb": must not be one in which RabbitMQ holds delayed tasks, where others would get stuck: set nativeDelayedDelivery instead; found "celery_delayed_3". Write it like images.',
    ],
  },
  {
    name: "an exchange of delayed tasks",
    text: withTask("exchange: shop_celery_delayed_27\n    routingKey: a"),
    faults: [
      'load.yml:9:15: Cannot read exchange of task "thumb": must not be one in which RabbitMQ holds delayed tasks, where others would get stuck: set nativeDelayedDelivery instead; found "shop_celery_delayed_27". Write it like images.',
    ],
  },
  {
    name: "an ETA in the year 0",
    text: withTask("eta: 0000-01-02T03:04:05Z"),
    faults: [
      'load.yml:9:10: Cannot read eta of task "thumb": must be in the years from 1970 to 9998; found "0000-01-02T03:04:05Z". Write it like 2030-01-02T03:04:05Z.',
    ],
  },
  {
    name: "an ETA at the end of Python's time",
    text: withTask("eta: 9999-12-31T23:00:00-02:00"),
    faults: [
      'load.yml:9:10: Cannot read eta of task "thumb": must be in the years from 1970 to 9998; found "9999-12-31T23:00:00-02:00". Write it like 2030-01-02T03:04:05Z.',
    ],
  },
  {
    name: "a routing key that is too long behind the bits of a delay",
    text: withTask(
      `nativeDelayedDelivery: true\n    countdown: 5s\n    exchange: a\n    routingKey: ${"k".repeat(200)}`,
    ),
    faults: [
      'load.yml:9:28: Cannot read nativeDelayedDelivery of task "thumb": must come with a routing key of at most 199 bytes, as the delay goes before it; found true. Shorten it.',
    ],
  },
  {
    name: "a priority that is a word",
    text: withTask("priority: high"),
    faults: [
      'load.yml:9:15: Cannot read priority of task "thumb": must be a whole number from 0 to 9; found "high". Write it like 0.',
    ],
  },
  {
    name: "templates that cannot be read",
    text: withTask('args: ["{{ uuidd }}", 1e999]'),
    faults: [
      'load.yml:9:12: Cannot read args[0] of task "thumb": template {{ uuidd }} calls the unknown function "uuidd": did you mean "uuid"?',
      'load.yml:9:27: Cannot read args[1] of task "thumb": Infinity is not a number that JSON can carry.',
    ],
  },
  {
    name: "kwargs that are a list",
    text: withTask("kwargs: [1]"),
    faults: [
      'load.yml:9:13: Cannot read kwargs of task "thumb": must be a mapping; found a list. Write {key: value}.',
    ],
  },
  {
    name: "a header of Celery's own",
    text: withTask("headers: {id: canary}"),
    faults: [
      'load.yml:9:19: Cannot read headers.id of task "thumb": must not be set: Celery\'s protocol owns this header. Remove it or rename it.',
    ],
  },
  {
    name: "a queue with a line break",
    text: withTask('queue: "a\\nb"'),
    faults: [
      'load.yml:9:12: Cannot read queue of task "thumb": must be the name of a queue such as celery, without control characters; found "a\\nb". Write it like images.',
    ],
  },
  {
    name: "unsorted buckets",
    text: withTail("buckets: [5ms, 100ms, 50ms, 1s]"),
    faults: [
      'load.yml:13:23: Cannot read buckets[2]: must be longer than the bucket before; found "50ms". Sort the list in ascending order.',
    ],
  },
  {
    name: "buckets without unit",
    text: withTail("buckets: [5, 1s]"),
    faults: [
      "load.yml:13:11: Cannot read buckets[0]: must be a number with the unit ms, s, m, h or d such as 30s; found 5. Write 5s.",
    ],
  },
  {
    name: "no buckets",
    text: withTail("buckets: []"),
    faults: [
      "load.yml:13:10: Cannot read buckets: must be a list of 1 to 100 durations; found a list. Write [100ms, 1s, 10s].",
    ],
  },
  {
    name: "a port of 99999",
    text: withTail("server: {listen: 0.0.0.0:99999}"),
    faults: [
      'load.yml:13:18: Cannot read server.listen: must have a port from 0 to 65535; found "0.0.0.0:99999". Write 0.0.0.0:9809.',
    ],
  },
  {
    name: "a port alone",
    text: withTail("server: {listen: 9809}"),
    faults: [
      "load.yml:13:18: Cannot read server.listen: must be host:port such as 0.0.0.0:9809; found 9809. Write 127.0.0.1:9809 to listen on this machine only.",
    ],
  },
  {
    name: "a section that is empty",
    text: withTail("server:"),
    faults: [
      "load.yml:13:8: Cannot read server: must be a mapping; found nothing. Write server: {listen: 0.0.0.0:9809}.",
    ],
  },
  {
    name: "a section that is a text",
    text: withTail("server: amqp://u:canary@x"),
    faults: [
      'load.yml:13:9: Cannot read server: must be a mapping; found "amqp://u:***@x". Write server: {listen: 0.0.0.0:9809}.',
    ],
  },
  {
    name: "an unknown arrival",
    text: withProfile("1/s\n    arrival: burst"),
    faults: [
      'load.yml:12:14: Cannot read arrival of scenario "steady": must be even, poisson or a burst such as burst of 50; found "burst". Write it like burst of 50.',
    ],
  },
  {
    name: "a warmup that is as long as the run",
    text: withProfile("1/s\n    warmup: 30s\n    duration: 30s"),
    faults: [
      'load.yml:12:13: Cannot read warmup of scenario "steady": must be shorter than the duration (30s); found "30s". Shorten the warmup or run longer.',
    ],
  },
  {
    name: "a window too short for drift to show",
    text: withTail("driftWindow: 1m"),
    faults: [
      'load.yml:13:14: Cannot read driftWindow: must be from 5m to 30d; found "1m". Write it like 6h.',
    ],
  },
  {
    name: "a lease time that is too short",
    text: withProfile("1/s\n    lease: 1s"),
    faults: [
      'load.yml:12:12: Cannot read lease of scenario "steady": must be true, false, or a lease time from 6s to 10m; found "1s". Write true for 15s.',
    ],
  },
  {
    name: "a lease that is neither yes nor no",
    text: withProfile("1/s\n    lease: [steady]"),
    faults: [
      'load.yml:12:12: Cannot read lease of scenario "steady": must be true, false, or a lease time from 6s to 10m; found a list. Write true for 15s.',
    ],
  },
  {
    name: "a segment beyond the last",
    text: withTail("segment: 5/4"),
    faults: [
      'load.yml:13:10: Cannot read segment: must be a part and how many there are, such as 2/4; found "5/4". Write 1/1 for the whole.',
    ],
  },
  {
    name: "segments counted from 0",
    text: withTail("segment: 0/4"),
    faults: [
      'load.yml:13:10: Cannot read segment: must be a part and how many there are, such as 2/4; found "0/4". Write 1/1 for the whole.',
    ],
  },
  {
    name: "a tick as long as starts may be late",
    text: withTail("tick: 100ms"),
    faults: [
      'load.yml:13:7: Cannot read tick: must be from 1ms to 50ms; found "100ms". Write it like 5ms.',
    ],
  },
  {
    name: "a negative seed",
    text: withTail("seed: -1"),
    faults: [
      "load.yml:13:7: Cannot read seed: must be a whole number from 0 to 4294967295; found -1. Write it like 1.",
    ],
  },
  {
    name: "a seed that would be rounded",
    text: withTail("seed: 12345678901234567890"),
    faults: [
      "load.yml:13:7: Cannot read a whole number beyond 2^53 exactly. Put it in quotes or write a smaller one.",
    ],
  },
  {
    name: "a key twice",
    text: withTail("tasks: {}"),
    faults: [
      'load.yml:13:1: Cannot read key "tasks" twice: it is already at load.yml:4:1. Remove one of them or rename it.',
    ],
  },
  {
    name: "a name twice",
    text: withText("  thumb:", "  resize:"),
    faults: [
      'load.yml:7:3: Cannot read key "resize" twice: it is already at load.yml:5:3. Remove one of them or rename it.',
    ],
  },
  {
    name: "a tab as indentation",
    text: "connections:\n\tmain: 1\n",
    faults: [
      "load.yml:2:1: Cannot read a tab as indentation: YAML indents with spaces only. Replace the tab with spaces.",
    ],
  },
  {
    name: "two documents",
    text: withTail("---\nseed: 1"),
    faults: [
      "load.yml:14:1: Cannot read a second document: a configuration file holds one. Remove it and the --- line, or give it a file of its own.",
    ],
  },
  {
    name: "an unknown tag",
    text: withTail("seed: !secret 1"),
    faults: [
      "load.yml:13:15: Cannot read this tag: no such tag. Remove it, or put a value that starts with ! in quotes.",
    ],
  },
  ...["!!float 3", "!!int 5.5", "!!bool yes"].map((value) => ({
    name: `a value that its tag does not fit, ${value}`,
    text: withTail(`x-note: ${value}`),
    faults: [
      `load.yml:13:${10 + value.indexOf(" ")}: Cannot read this value as ${value.split(" ")[0]}: it is written as something else. Write it as one, or remove the tag.`,
    ],
  })),
  {
    name: "a tag of Python",
    text: withTail("seed: !!python/object:os.system canary"),
    faults: [
      "load.yml:13:33: Cannot read this tag !!python/object:os.system: no such tag. Remove it, or put a value that starts with ! in quotes.",
    ],
  },
  {
    name: "an empty file",
    text: "",
    faults: [
      "load.yml:1:1: Cannot read the configuration: this file is empty. Write connections, tasks and scenarios.",
    ],
  },
  {
    name: "a file of comments",
    text: "# nothing\n---\n",
    faults: [
      "load.yml:1:1: Cannot read the configuration: this file is empty. Write connections, tasks and scenarios.",
    ],
  },
  {
    name: "a list",
    text: "- canary\n",
    faults: [
      "load.yml:1:1: Cannot read the configuration: must be a mapping; found a list. Write connections, tasks and scenarios, each with a colon.",
    ],
  },
  {
    name: "a text",
    text: "canary\n",
    faults: [
      "load.yml:1:1: Cannot read the configuration: must be a mapping; found text. Write connections, tasks and scenarios, each with a colon.",
    ],
  },
  {
    name: "a small alias bomb",
    text: aliasBomb(),
    faults: [
      "load.yml:2:34: Cannot read aliases that stand for more than 1000 other aliases or for very large ones. Write the values out.",
    ],
  },
  {
    name: "ten megabytes of aliases",
    text: `a: &a x\nb: [${"*a,".repeat(3_500_000)}`,
    faults: [
      "load.yml:1:1: Cannot read the configuration: it is larger than 1 MiB. Split it or shorten it.",
    ],
  },
  {
    name: "a few aliases of something large",
    text: manyLargeAliases(),
    faults: [
      "load.yml:2:64: Cannot read aliases that stand for more than 1000 other aliases or for very large ones. Write the values out.",
    ],
  },
  {
    name: "an alias inside of itself",
    text: "x-a: &a [*a]\n",
    faults: ['load.yml:1:10: Cannot read the alias "a" inside of what it stands for. Remove it.'],
  },
  {
    name: "an alias without an anchor",
    text: "x-a: *b\n",
    faults: [
      "load.yml:1:6: Cannot find the anchor of this alias. Define the anchor (&) above it, or put a value that starts with * in quotes.",
    ],
  },
  {
    name: "ten thousand brackets",
    text: "[".repeat(10_000),
    faults: [
      "load.yml:1:65: Cannot read the configuration: it is nested more than 64 levels deep. Flatten it.",
    ],
  },
  {
    name: "ten thousand dashes",
    text: "- ".repeat(10_000),
    faults: [
      "load.yml:1:129: Cannot read the configuration: it is nested more than 64 levels deep. Flatten it.",
    ],
  },
  {
    name: "aliases that nest",
    text: nestedAliases(),
    faults: [
      "load.yml:1:34: Cannot read the configuration: it is nested more than 64 levels deep. Flatten it.",
    ],
  },
  {
    name: "text that is no UTF-8",
    text: Uint8Array.of(0x61, 0x3a, 0xff),
    faults: [
      "load.yml:1:1: Cannot read the configuration: it is not UTF-8 text. Save it as UTF-8.",
    ],
  },
  {
    name: "a second colon",
    text: withBroker("redis://:abc: canary@h"),
    faults: [
      'load.yml:3:13: Cannot read a second ": " on one line: text that holds one needs quotes. Put the value in quotes.',
    ],
  },
  {
    name: "a quote that is not closed",
    text: withBroker('"redis://:canary@h'),
    faults: [
      "load.yml:3:13: Cannot find the closing quote of the text that starts here. Add it, or remove this one.",
    ],
  },
  {
    name: "a bracket that is not closed",
    text: withTail("buckets: [1s, 2s\nseed: 1"),
    faults: [
      "load.yml:14:1: Cannot find a closing quote or bracket, a comma or a colon that must stand here or before. Add it, or put a value that holds brackets or a variable in quotes.",
    ],
  },
  {
    name: "crooked indentation",
    text: withText("  thumb:", " thumb:"),
    faults: [
      "load.yml:7:1: Cannot follow the indentation: keys of one mapping start in the same column. Align this line.",
    ],
  },
  {
    name: "a value that starts with @",
    text: withTail("seed: @canary"),
    faults: [
      "load.yml:13:7: Cannot read a value that starts with %, @ or ` without quotes. Put the value in quotes.",
    ],
  },
  {
    name: "an unknown escape",
    text: withBroker('"redis://:can\\qary@h"'),
    faults: [
      "load.yml:3:26: Cannot read this escape in double quotes. Write \\\\ for a backslash, or use single quotes.",
    ],
  },
  {
    name: "a line without a colon",
    text: withTail("canary\nseed: 1"),
    faults: [
      'load.yml:13:1: Cannot read this line: a key needs a colon and a space after it. Write "key: value".',
    ],
  },
  {
    name: "a key that is a list",
    text: withTail("? [canary]\n: 1"),
    faults: [
      "load.yml:13:3: Cannot read this key: keys must be text. Write a name before the colon.",
    ],
  },
  {
    name: "a variable of an unknown scenario",
    text: BASE,
    options: { env: { CELERY_LOAD_SCENARIOS__STEDY__PROFILE: "canary" } },
    faults: [
      'CELERY_LOAD_SCENARIOS__STEDY__PROFILE: Cannot use the variable "CELERY_LOAD_SCENARIOS__STEDY__PROFILE": there is no such key. Did you mean CELERY_LOAD_SCENARIOS__STEADY__PROFILE?',
    ],
  },
  {
    name: "a variable of an unknown key",
    text: BASE,
    options: { env: { CELERY_LOAD_SEDD: "1" } },
    faults: [
      'CELERY_LOAD_SEDD: Cannot use the variable "CELERY_LOAD_SEDD": there is no such key. Did you mean CELERY_LOAD_SEED?',
    ],
  },
  {
    name: "a variable that is like no key",
    text: BASE,
    options: { env: { CELERY_LOAD_WORKERS: "4" } },
    faults: [
      'CELERY_LOAD_WORKERS: Cannot use the variable "CELERY_LOAD_WORKERS": there is no such key. Unset it, or see the configuration reference for the names.',
    ],
  },
  {
    name: "a variable with a bad value for its key",
    text: BASE,
    options: { env: { CELERY_LOAD_SCENARIOS__STEADY__MAX_IN_FLIGHT: "many" } },
    faults: [
      'CELERY_LOAD_SCENARIOS__STEADY__MAX_IN_FLIGHT: Cannot read maxInFlight of scenario "steady": must be a whole number from 1 to 1000000; found "many". Write it like 10000.',
    ],
  },
  {
    name: "a variable that is no YAML",
    text: BASE,
    options: { env: { CELERY_LOAD_BUCKETS: "[1s, canary" } },
    faults: [
      "CELERY_LOAD_BUCKETS: Cannot read the value for buckets: it is not valid YAML. Put the value in quotes, or write a list as [1, 2] and a mapping as {key: value}.",
    ],
  },
  {
    name: "a variable with a bad URL",
    text: BASE,
    options: { env: { CELERY_LOAD_CONNECTIONS__MAIN__BROKER: "redis://:can#ary@h" } },
    faults: [
      'CELERY_LOAD_CONNECTIONS__MAIN__BROKER: Cannot read broker of connection "main": must have no bare # / ? or @ in the user name or password. Percent-encode the user name and the password (# is %23, / is %2F, ? is %3F, @ is %40).',
    ],
  },
  {
    name: "--set without a value",
    text: BASE,
    options: { overrides: [{ set: "redis://:canary@h" }] },
    faults: [
      "--set: Cannot read the value of --set: must be path=value. Write --set scenarios.steady.profile=50/s.",
    ],
  },
  {
    name: "--set of an unknown key",
    text: BASE,
    options: { overrides: [{ set: "scenarios.steady.profle=1/s" }] },
    faults: [
      '--set scenarios.steady.profle: Cannot set "scenarios.steady.profle": there is no such key as "profle". Did you mean "scenarios.steady.profile"?',
    ],
  },
  {
    name: "--set of an unknown scenario",
    text: BASE,
    options: { overrides: [{ set: "scenarios.stedy.profile=1/s" }] },
    faults: [
      '--set scenarios.stedy.profile: Cannot set "scenarios.stedy.profile": there is no scenario "stedy". Did you mean "scenarios.steady"?',
    ],
  },
  {
    name: "--set below a value",
    text: BASE,
    options: { overrides: [{ set: "seed.x=1" }] },
    faults: [
      "--set seed.x: Cannot read seed: must be a whole number from 0 to 4294967295; found a mapping. Write it like 1.",
    ],
  },
  {
    name: "--set of a prototype",
    text: BASE,
    options: { overrides: [{ set: "tasks.resize.kwargs.__proto__.x=1" }] },
    faults: [
      '--set tasks.resize.kwargs.__proto__.x: Cannot set "tasks.resize.kwargs.__proto__.x": there is no such key as "__proto__". Set the value as a whole.',
    ],
  },
  {
    name: "--set with an empty step",
    text: BASE,
    options: { overrides: [{ set: "scenarios..profile=1" }] },
    faults: [
      "--set: Cannot read the value of --set: must be path=value. Write --set scenarios.steady.profile=50/s.",
    ],
  },
  {
    name: "--set with a bad value",
    text: BASE,
    options: { overrides: [{ set: "seed=abc" }] },
    faults: [
      '--set seed: Cannot read seed: must be a whole number from 0 to 4294967295; found "abc". Write it like 1.',
    ],
  },
  {
    name: "guards that are no list",
    text: withTail("guards: {name: a, watch: share}"),
    faults: [
      "load.yml:13:9: Cannot read guards: must be a list; found a mapping. Write guards: [{name: deep-queue, watch: queueLength, above: 50000}].",
    ],
  },
  {
    name: "a guard that watches nothing",
    text: withTail("guards: [{name: a}]"),
    faults: [
      "load.yml:13:10: Cannot read guards[0].watch: it is missing, and only the guards that are on by default have one. Write watch: queueLength.",
    ],
  },
  {
    name: "a guard that watches what there is not",
    text: withTail("guards: [{name: a, watch: queueLenght, above: 5}]"),
    faults: [
      'load.yml:13:27: Cannot read guards[0].watch: must be one of queueLength, brokerMemory, brokerBlocked, backlogSlope, failedShare, latency, share and scrapeAge; found "queueLenght". Did you mean "queueLength"?',
    ],
  },
  {
    name: "a guard without a limit",
    text: withTail("guards: [{name: a, watch: queueLength}]"),
    faults: [
      "load.yml:13:10: Cannot read guards[0].above: it is missing, and watch: queueLength needs it. Write above: 50000.",
    ],
  },
  {
    name: "a guard with a limit of another unit",
    text: withTail("guards: [{name: a, watch: share, above: 5}]"),
    faults: [
      "load.yml:13:41: Cannot read guards[0].above: must be a percentage above 0% and below 100% such as 99.9%; found 5. Write 5%.",
    ],
  },
  {
    name: "a guard that would resume above its limit",
    text: withTail("guards: [{name: a, watch: queueLength, above: 50, resumeBelow: 50}]"),
    faults: [
      "load.yml:13:64: Cannot read guards[0].resumeBelow: must be below above (50), or the load would be paused and resumed in turns; found 50. Write half of it.",
    ],
  },
  {
    name: "a guard with what its watch has not",
    text: withTail("guards: [{name: a, watch: scrapeAge, above: 5m, queue: celery}]"),
    faults: [
      "load.yml:13:56: Cannot read guards[0].queue: must be left out with watch: scrapeAge. Remove it, or watch something else.",
    ],
  },
  {
    name: "a throttle of something else than the share",
    text: withTail("guards: [{name: a, watch: scrapeAge, above: 5m, do: throttle}]"),
    faults: [
      'load.yml:13:53: Cannot read guards[0].do: must be warn, pause, stop or off unless watch: share; found "throttle". Write do: pause.',
    ],
  },
  {
    name: "a guard of a queue that nothing is sent to",
    text: withTail("guards: [{name: a, watch: queueLength, above: 5, queue: celry}]"),
    faults: [
      'load.yml:13:57: Cannot read guards[0].queue: there is no queue "celry". Did you mean "celery"?',
    ],
  },
  {
    name: "a guard of scenarios that there are not",
    text: withTail("guards: [{name: a, watch: scrapeAge, above: 5m, scenarios: [stedy]}]"),
    faults: [
      'load.yml:13:61: Cannot read guards[0].scenarios: there is no scenario "stedy". Did you mean "steady"?',
    ],
  },
  {
    name: "two guards of one name",
    text: withTail(
      "guards: [{name: a, watch: scrapeAge, above: 5m}, {name: a, watch: scrapeAge, above: 6m}]",
    ),
    faults: [
      'load.yml:13:57: Cannot read guards[1].name: must not be another guard\'s name; found "a". Rename one of them: metrics and orders tell guards apart by name.',
    ],
  },
  {
    name: "slos that are no list",
    text: withTail("slos: {name: a, objective: 99%}"),
    faults: [
      "load.yml:13:7: Cannot read slos: must be a list; found a mapping. Write slos: [{name: resize-latency, objective: 99.9%}].",
    ],
  },
  {
    name: "an SLO that is no mapping",
    text: withTail("slos: [99%]"),
    faults: [
      'load.yml:13:8: Cannot read slos[0]: must be a mapping; found "99%". Write {name: resize-latency, objective: 99.9%}.',
    ],
  },
  {
    name: "an SLO without name and objective",
    text: withTail("slos: [{latency: 2s}]"),
    faults: [
      "load.yml:13:8: Cannot read slos[0].name: it is missing. Write name: resize-latency.",
      "load.yml:13:8: Cannot read slos[0].objective: it is missing. Write objective: 99.9%.",
    ],
  },
  {
    name: "an unknown key in an SLO",
    text: withSlos("{name: a, objectiv: 99%, objective: 99%}"),
    faults: [
      'load.yml:14:15: Cannot read key "objectiv" in slos[0]: there is no such key. Did you mean "objective"?',
    ],
  },
  {
    name: "an SLO whose name is none",
    text: withSlos("{name: a b, objective: 99%}"),
    faults: [
      'load.yml:14:12: Cannot read slos[0].name: must be a name of letters, digits, - and _ that starts with a letter; found "a b".',
    ],
  },
  {
    name: "two SLOs of one name",
    text: withSlos("{name: a, objective: 99%}", "{name: a, objective: 90%}"),
    faults: [
      'load.yml:15:12: Cannot read slos[1].name: must not be another SLO\'s name; found "a". Rename one of them: metrics and alerts tell SLOs apart by name.',
    ],
  },
  {
    name: "objectives that are no percentages",
    text: withSlos(
      "{name: a, objective: 99}",
      "{name: b, objective: 0.999}",
      "{name: c, objective: 100%}",
      "{name: d, objective: 0%}",
      "{name: e, objective: most}",
    ),
    faults: [
      "load.yml:14:26: Cannot read slos[0].objective: must be a percentage above 0% and below 100% such as 99.9%; found 99. Write 99%.",
      "load.yml:15:26: Cannot read slos[1].objective: must be a percentage above 0% and below 100% such as 99.9%; found 0.999. Write 99.9%.",
      'load.yml:16:26: Cannot read slos[2].objective: must be a percentage above 0% and below 100% such as 99.9%; found "100%". Write it like 99.9%.',
      'load.yml:17:26: Cannot read slos[3].objective: must be a percentage above 0% and below 100% such as 99.9%; found "0%". Write it like 99.9%.',
      'load.yml:18:26: Cannot read slos[4].objective: must be a percentage above 0% and below 100% such as 99.9%; found "most". Write it like 99.9%.',
    ],
  },
  {
    name: "an SLO with a latency and a window of nothing",
    text: withSlos("{name: a, objective: 99%, latency: 0s, window: 0d}"),
    faults: [
      'load.yml:14:40: Cannot read slos[0].latency: must be longer than 0s; found "0s". Write it like 30s.',
      'load.yml:14:52: Cannot read slos[0].window: must be longer than 0s; found "0d". Write it like 30s.',
    ],
  },
  {
    name: "an SLO of a scenario that is not there",
    text: withSlos("{name: a, scenario: stedy, objective: 99%}"),
    faults: [
      'load.yml:14:25: Cannot read slos[0].scenario: there is no scenario "stedy". Did you mean "steady"?',
    ],
  },
  {
    name: "an SLO of a task that no mix has, by a misspelt name, a key, and one that is like no other",
    text: withSlos(
      "{name: a, task: app.tasks.resise, objective: 99%}",
      "{name: b, task: thumb, objective: 99%}",
      "{name: c, scenario: steady, task: other, objective: 99%}",
    ),
    faults: [
      'load.yml:14:21: Cannot read slos[0].task: there is no task "app.tasks.resise" in the mix of a scenario; it is called by its registered name, a workflow by its key. Did you mean "app.tasks.resize"?',
      'load.yml:15:21: Cannot read slos[1].task: there is no task "thumb" in the mix of a scenario; it is called by its registered name, a workflow by its key. Did you mean "app.tasks.thumb"?',
      'load.yml:16:39: Cannot read slos[2].task: there is no task "other" in the mix of scenario "steady"; it is called by its registered name, a workflow by its key. Known there: app.tasks.resize, app.tasks.thumb.',
    ],
  },
  {
    name: "an SLO whose latency is longer than its task is awaited",
    text: withSlos("{name: a, objective: 99%, latency: 61s}"),
    faults: [
      'load.yml:14:40: Cannot read slos[0].latency: must be at most the timeout of task "resize" (1m), after which no result is awaited; found "61s". Raise the timeout.',
      'load.yml:14:40: Cannot read slos[0].latency: must be at most the timeout of task "thumb" (1m), after which no result is awaited; found "61s". Raise the timeout.',
    ],
  },
  {
    name: "an SLO of a task without results that nobody listens to",
    text: `${withTask("ignoreResult: true").replace("6379/0\n", "6379/0\n    events: off\n")}slos: [{name: a, objective: 99%}]\n`,
    faults: [
      'load.yml:15:8: Cannot read slos[0]: it is about task "thumb", whose end is never known: without a result (ignoreResult, or a disabled backend) and without the workers\' events every event would be bad. Name another task, or let its connection have events: auto.',
    ],
  },
  {
    name: "a wrong value in defaults, which is told once",
    text: withTail("defaults: {tasks: {timeout: 10}}"),
    faults: [
      "load.yml:13:29: Cannot read defaults.tasks.timeout: must be a number with the unit ms, s, m, h or d such as 30s; found 10. Write 10s.",
    ],
  },
  {
    name: "a misspelt key in defaults, which is told once",
    text: withTail("defaults: {tasks: {que: a}, scenarios: {profil: 1/s}, connections: {}}"),
    faults: [
      'load.yml:13:20: Cannot read key "que" in defaults.tasks: there is no such key. Did you mean "queue"?',
      'load.yml:13:41: Cannot read key "profil" in defaults.scenarios: there is no such key. Did you mean "profile"?',
      'load.yml:13:55: Cannot read key "connections" in defaults: there is no such key. Known here: tasks, scenarios.',
    ],
  },
  {
    name: "defaults of what each task has for itself",
    text: withTail("defaults: {tasks: {name: a, chain: [resize], link: [resize]}}"),
    faults: [
      'load.yml:13:20: Cannot read key "name" in defaults.tasks: each task has its own. Write it there.',
      'load.yml:13:29: Cannot read key "chain" in defaults.tasks: each task has its own. Write it there.',
      'load.yml:13:46: Cannot read key "link" in defaults.tasks: each task has its own. Write it there.',
    ],
  },
  {
    name: "defaults that are no mapping",
    text: withTail("defaults: {tasks: [resize], scenarios: 5/s}"),
    faults: [
      "load.yml:13:19: Cannot read defaults.tasks: must be a mapping; found a list.",
      'load.yml:13:40: Cannot read defaults.scenarios: must be a mapping; found "5/s".',
    ],
  },
  {
    name: "a default that contradicts a task's own key",
    text: `${withTask("timeout: 5s")}defaults: {tasks: {countdown: 10s}}\n`,
    faults: [
      'load.yml:14:31: Cannot read countdown of task "thumb" (from defaults.tasks): must be shorter than timeout, or no result comes in time; found "10s". Raise timeout.',
    ],
  },
  {
    name: "a wrong profile in defaults",
    text: `${withText("    profile: 20/s\n", "")}defaults: {scenarios: {profile: 20}}\n`,
    faults: [
      "load.yml:12:33: Cannot read rate of defaults.scenarios: must be a number per s, m or h such as 20/s; found 20. Write 20/s.",
    ],
  },
  {
    name: "an unset variable in defaults, which is told once",
    text: withTail(`defaults: {tasks: {queue: "\${NOPE}"}}`),
    faults: [
      `load.yml:13:27: Cannot replace \${NOPE}: the environment variable NOPE is not set. Set it, or write \${NOPE:-default}.`,
    ],
  },
  {
    name: "a merge of a text, of a list of texts and of nothing",
    text: withTail("x-a: {<<: canary}\nx-b: {<<: [canary, {}]}\nx-c: {<<: }"),
    faults: [mergeRefused(13, 11), mergeRefused(14, 11), mergeRefused(15, 11)],
  },
  {
    name: "a bomb of merges",
    text: mergeBomb(),
    faults: [
      "load.yml:2:39: Cannot read aliases that stand for more than 1000 other aliases or for very large ones. Write the values out.",
    ],
  },
  {
    name: "a merge of itself",
    text: withTail("x-a: &a {<<: *a}"),
    faults: ['load.yml:13:14: Cannot read the alias "a" inside of what it stands for. Remove it.'],
  },
  {
    name: "a merge of what is not there",
    text: withTask("<<: *slow"),
    faults: [
      "load.yml:9:9: Cannot find the anchor of this alias. Define the anchor (&) above it, or put a value that starts with * in quotes.",
    ],
  },
  {
    name: "two merges in one mapping",
    text: withTail("x-a: &a {}\nx-b: {<<: *a, <<: *a}"),
    faults: [
      'load.yml:14:15: Cannot read key "<<" twice: it is already at load.yml:14:7. Write <<: [*first, *second].',
    ],
  },
  {
    name: "a fault in what is merged, which is told where it was written",
    text: `x-slow: &slow {timeout: 5}\n${withTask("<<: *slow")}`,
    faults: [
      'load.yml:1:25: Cannot read timeout of task "thumb": must be a number with the unit ms, s, m, h or d such as 30s; found 5. Write 5s.',
    ],
  },
  {
    name: "an x- key where keys are not ours",
    text: withProfile("{steps: [1/s for 1m], x-note: 1}"),
    faults: [
      'load.yml:11:36: Cannot read key "x-note" in profile of scenario "steady": there is no such key. Known here: steps, repeat.',
    ],
  },
  {
    name: "--set of a template without quotes",
    text: BASE,
    options: { overrides: [{ set: "tasks.thumb.args=[{{ uuid }}]" }] },
    faults: [
      '--set tasks.thumb.args: Cannot read {{ uuid }} without quotes: YAML takes braces for a mapping. Write "{{ uuid }}", with all of the value inside of the quotes.',
    ],
  },
  {
    name: "--set that is no YAML",
    text: BASE,
    options: { overrides: [{ set: "buckets=[1s, canary" }] },
    faults: [
      "--set buckets: Cannot read the value for buckets: it is not valid YAML. Put the value in quotes, or write a list as [1, 2] and a mapping as {key: value}.",
    ],
  },
];

for (const { name, text, options, faults } of BAD) {
  test(`a configuration with ${name} is refused with 104, its place and a remedy`, () => {
    assertRefused(() => loadTexts([text], options), faults);
  });
}

test("the JSON Schema refuses what a schema can: unknown keys, missing ones, forms of values", async (t) => {
  const rows = BAD.filter(({ text, options }) => typeof text === "string" && options === undefined)
    .map((row) => ({ ...row, root: readYamlFile(String(row.text), "load.yml").root }))
    .flatMap(({ name, faults, root }) => (root === undefined ? [] : [{ name, faults, root }]));
  const refusals = await schemaRefusals(rows.map(({ root }) => plainValue(root)));
  const passing = rows.filter((_, index) => refusals[index] === null);
  // What depends on other keys, on variables or on the meaning of a text, no schema can know.
  t.diagnostic(
    `the schema refuses ${rows.length - passing.length} of ${rows.length}; it lets pass:`,
  );
  for (const { name } of passing) t.diagnostic(name);
  for (const { name, faults } of passing) {
    assert.ok(!faults.every((fault) => OF_FORM.test(fault)), `${name}: ${faults[0]}`);
  }
});

/** Faults of which the schema alone can tell; it does not know the keys of a member, nor workflows from tasks. */
const OF_FORM =
  /: there is no such key\. (?!Known here: task)|: it is missing\. (?!Write name: app)|must be (a whole number from|true or false|one of|a number per s|a number with the unit|a list$)/;

function assertRefused(load: () => unknown, faults: readonly string[]): void {
  assert.throws(load, (error) => {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.exitCode, 104);
    assert.deepEqual(error.message.split("\n"), faults);
    assert.deepEqual(
      error.faults.map(({ place, message }) => `${place}: ${message}`),
      faults,
    );
    assert.doesNotMatch(error.message, /canary|ary@|node_modules|\.[jt]s:|^\s*at /m);
    return true;
  });
}

test("faults of all files are told at once, in the order of the files", () => {
  assertRefused(
    () => loadTexts(["x-a: &a [*a]\n", BASE, "x-b: !x 1\n"]),
    [
      'load.yml:1:10: Cannot read the alias "a" inside of what it stands for. Remove it.',
      "load3.yml:1:9: Cannot read this tag: no such tag. Remove it, or put a value that starts with ! in quotes.",
    ],
  );
  assertRefused(
    () => loadTexts([`${BASE}seed: x\n`, "limits: {series: 0, maxRate: 5}\n"]),
    [
      'load.yml:13:7: Cannot read seed: must be a whole number from 0 to 4294967295; found "x". Write it like 1.',
      "load2.yml:1:18: Cannot read limits.series: must be a whole number from 1 to 1000000; found 0. Write it like 5000.",
      "load2.yml:1:30: Cannot read limits.maxRate: must be a number per s, m or h such as 20/s; found 5. Write 5/s.",
    ],
  );
});

test("a mistake that is made a thousand times is told a hundred times", () => {
  const buckets = `${BASE}buckets: [${"1 s, ".repeat(99)}1 s]\n`;
  const keys = Array.from({ length: 50 }, (_, index) => `key${index}: 1\n`).join("");
  assert.throws(
    () => loadTexts([buckets + keys]),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.faults.length, 101);
      const last = error.faults.at(-1);
      assert.equal(
        `${last?.place}: ${last?.message}`,
        "configuration: 50 more faults are not shown. Mend the first ones and check again.",
      );
      return true;
    },
  );
});

test("no file and no flags are refused with what is missing", () => {
  assertRefused(
    () => loadConfig({ files: [], env: {} }),
    [
      "configuration: Cannot read connections: it is missing. Write connections: {main: {broker: redis://127.0.0.1:6379/0}}.",
      "configuration: Cannot read tasks: it is missing. Write tasks: {add: {name: app.add}}.",
      "configuration: Cannot read scenarios: it is missing. Write scenarios: {steady: {profile: 20/s}}.",
    ],
  );
});

test("a password in a file that everybody can change is refused", () => {
  const directory = mkdtempSync(join(tmpdir(), "celery-load-config-"));
  const umask = process.umask(0);
  try {
    writeFileSync(join(directory, "load.yml"), BASE, { mode: 0o666 });
    writeFileSync(join(directory, "open.yml"), BASE.replace(":canary@", ""), { mode: 0o666 });
    assertRefused(
      () => loadConfig({ files: ["load.yml"], env: {}, cwd: directory }),
      [
        `load.yml:3:13: Cannot use a file that holds a password and that every user can change. Run chmod 600 "load.yml", or write \${NAME} for the URL and set the variable NAME.`,
      ],
    );
    const open = loadConfig({ files: ["open.yml"], env: {}, cwd: directory });
    assert.deepEqual(open.warnings, []);
  } finally {
    process.umask(umask);
    rmSync(directory, { recursive: true });
  }
});

test("files that cannot be read are refused with the reason, all at once", () => {
  const directory = mkdtempSync(join(tmpdir(), "celery-load-config-"));
  try {
    mkdirSync(join(directory, "folder"));
    symlinkSync("circle", join(directory, "circle"));
    writeFileSync(join(directory, "file"), "");
    const long = "x".repeat(300);
    assertRefused(
      () =>
        loadConfig({
          files: ["none.yml", "folder", "circle", "file/load.yml", long, "/dev/zero"],
          env: {},
          cwd: directory,
        }),
      [
        "none.yml: Cannot read the configuration file: there is no such file. Check the path.",
        "folder: Cannot read the configuration file: it is a directory. Name the file in it.",
        "circle: Cannot read the configuration file: its symbolic links lead in a circle. Check the path.",
        "file/load.yml: Cannot read the configuration file: a part of its path is no directory. Check the path.",
        `${long}: Cannot read the configuration file: its name is too long. Check the path.`,
        "/dev/zero: Cannot read the configuration file: it is a device. Name a file.",
      ],
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});

const ROOT_READS_EVERYTHING = process.getuid?.() === 0 && "root may read every file";

test("a file without the right to read it is refused", { skip: ROOT_READS_EVERYTHING }, () => {
  assertRefused(
    () => loadTexts([BASE], { mode: 0 }),
    [
      "load.yml: Cannot read the configuration file: permission denied. Give this user the right to read it.",
    ],
  );
});

function withText(from: string | RegExp, to: string): string {
  return BASE.replace(from, () => to);
}

function withProfile(profile: string): string {
  return withText("20/s", profile);
}

function withMix(mix: string): string {
  return withText("{resize: 3, thumb: 1}", mix);
}

function withTask(lines: string): string {
  return withText("name: app.tasks.thumb", `name: app.tasks.thumb\n    ${lines}`);
}

function withBroker(url: string): string {
  return withText("redis://:canary@127.0.0.1:6379/0", url);
}

function withTail(line: string): string {
  return `${BASE}${line}\n`;
}

function withSlos(...slos: string[]): string {
  return `${BASE}slos:\n${slos.map((slo) => `  - ${slo}\n`).join("")}`;
}

/** Each level stands for ten of the one below: 10 000 texts in all. */
function aliasBomb(): string {
  const level = (name: string, below: string) =>
    `x-${name}: &${name} [${`${below},`.repeat(10)}]\n`;
  return level("a", "x") + level("b", "*a") + level("c", "*b") + level("d", "*c");
}

/** Each level merges ten times the one below. */
function mergeBomb(): string {
  const level = (name: string, below: string) =>
    `x-${name}: &${name} {<<: [${`*${below},`.repeat(10)}]}\n`;
  return `x-a: &a {k: 1}\n${level("b", "a")}${level("c", "b")}${level("d", "c")}${level("e", "d")}`;
}

/** Few aliases, but each stands for thousands of values. */
function manyLargeAliases(): string {
  return `x-a: &a [${"1,".repeat(5000)}]\nx-b: [${"*a,".repeat(90)}]\n`;
}

/** Flat in the text, 3600 levels deep when every alias is put in. */
function nestedAliases(): string {
  const level = (index: number) => {
    const inside = index === 0 ? "x" : `*a${index - 1}`;
    return `x-a${index}: &a${index} ${"[".repeat(40)}${inside}${"]".repeat(40)}\n`;
  };
  return Array.from({ length: 90 }, (_, index) => level(index)).join("");
}

function mergeRefused(line: number, column: number): string {
  return `load.yml:${line}:${column}: Cannot merge this: << takes a mapping or a list of mappings. Write <<: *name, where &name stands before a mapping.`;
}

/** The fault of a backend from which no outcome can be learned, after the reason. */
function silentBackend(why: string): string {
  return `load.yml:4:14: Cannot read backend of connection "main": must be a redis:// URL or rpc://: ${why}. Let the workers of these tasks send their results elsewhere (celery --result-backend=rpc:// -A APP worker -Q QUEUE, or a redis:// URL) and write the same here; or write disabled: outcomes then come from the workers' events (celery worker -E, or events: on).`;
}
