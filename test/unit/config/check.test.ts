import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runCheck } from "../../../src/commands/check.js";
import { errorText } from "../../../src/commands/told.js";
import { UserError } from "../../../src/errors.js";
import { loadTexts } from "./configurations.js";

const CONFIG = `connections:
  main: {broker: "redis://:\${PW}@h/2"}
tasks:
  add:
    name: app.add
    args: ["a $$ b", "yes", "12", "{{ uuid }}", null, 1.5, [], {}, "x: y", "line\\nend"]
    kwargs: {token: canary, max_tokens: 5, url: "amqp://u:canary@h", deep: {api_key: canary}}
scenarios:
  steady: {profile: {ramp: {stages: [{to: 5/m, over: 1h}]}}}
`;

function check(text: string, options: { set?: string[]; jsonSchema?: boolean; files?: [] } = {}) {
  const directory = mkdtempSync(join(tmpdir(), "celery-load-check-"));
  const file = join(directory, "load.yml");
  writeFileSync(file, text, { mode: 0o600 });
  const written = { stdout: "", stderr: "" };
  const streams = {
    stdout: { write: (chunk: string) => (written.stdout += chunk) },
    stderr: { write: (chunk: string) => (written.stderr += chunk) },
  };
  const given = { files: [file], jsonSchema: false, env: { PW: "canary" }, set: [], ...options };
  try {
    const exitCode = orRefused(() => runCheck(given, streams), written);
    const clean = (output: string) => output.replaceAll(`${directory}/`, "");
    return { exitCode, stdout: clean(written.stdout), stderr: clean(written.stderr) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** As the process does with what is thrown. */
function orRefused(command: () => number, written: { stderr: string }): number {
  try {
    return command();
  } catch (error) {
    assert.ok(error instanceof UserError);
    written.stderr += errorText(error, null);
    return error.exitCode;
  }
}

test("check prints what is in effect, each value with its origin, and no password", () => {
  const { exitCode, stdout, stderr } = check(CONFIG, { set: ["tasks.add.queue=images"] });
  assert.equal(exitCode, 0);
  assert.equal(stderr, "");
  assert.equal(
    stdout,
    `connections:
  main:
    broker: "redis://:***@h/2" # load.yml:2:18, PW
    backend: "redis://:***@h/2" # default: broker
    client: direct # default
    forget: true # default
    events: auto # default
    sendTaskSentEvents: false # default
    options:
      priority_steps: [0, 3, 6, 9] # default
      sep: "\\u0006\\u0016" # default
      global_keyprefix: "" # default
      fanout_prefix: true # default
      fanout_patterns: true # default
      ack_emulation: true # default
      unacked_key: unacked # default
      control_exchange: celery # default
      event_exchange: celeryev # default
      event_queue_prefix: celeryev # default
    backendOptions:
      global_keyprefix: "" # default
    allow:
      hosts: null # default
tasks:
  add:
    name: app.add # load.yml:5:11
    args: ["a $$ b", "yes", "12", "{{ uuid }}", null, 1.5, [], {}, "x: y", "line\\nend"] # load.yml:6:11
    kwargs:
      token: "***" # load.yml:7:21
      max_tokens: 5 # load.yml:7:41
      url: "amqp://u:***@h" # load.yml:7:49
      deep:
        api_key: "***" # load.yml:7:86
    queue: images # --set tasks.add.queue
    priority: 0 # default
    deliveryMode: persistent # default
    timeout: 60s # default
    expires: 60s # default: timeout
    countdown: none # default
    nativeDelayedDelivery: false # default
    timeLimit: none # default
    softTimeLimit: none # default
    retries: 0 # default
    ignoreResult: null # default
    headers: {} # default
    stamps: {} # default
    serializer: json # default
    compression: none # default
    protocol: 2 # default
scenarios:
  steady:
    connection: main # default: the only connection
    profile:
      ramp:
        stages: [{to: 5/m, over: 1h}] # load.yml:9:37
    arrival: even # default
    choose: exact # default
    mix:
      add: 1 # default: the only task
    startAfter: 0s # default
    warmup: 0s # default
    duration: forever # default
    maxInFlight: 10000 # default
    lease: false # default
    gracefulStop: 30s # default
data: {} # default
slos: [] # default
thresholds: [] # default
guards:
  - {name: default-broker-memory, watch: brokerMemory, above: 90%, resumeBelow: 80%} # default
  - {name: default-queue-length, watch: queueLength, above: 100000, resumeBelow: 50000} # default
  - {name: default-broker-blocked, watch: brokerBlocked} # default
server:
  listen: "0.0.0.0:9809" # default
  hosts: auto # default
  linger: auto # default
control:
  listen: "127.0.0.1:9810" # default
limits:
  maxRate: none # default
  maxInFlight: none # default
  burst: none # default
  tasksPerDay: none # default
  series: 5000 # default
state:
  file: none # default
buckets: [5ms, 10ms, 25ms, 50ms, 100ms, 250ms, 500ms, 1s, 2.5s, 5s, 10s, 30s, 1m, 5m, 30m] # default
driftWindow: 6h # default
seed: 1 # default
tick: none # default
threads: 1 # default
segment: 1/1 # default
`,
  );
});

test("what check prints can be read again and means the same", () => {
  const text = CONFIG.replace(`:\${PW}@`, "").replace("u:canary@", "").replaceAll("canary", "x");
  const withoutSecrets = text.replace("token:", "tokens:").replace("api_key:", "key:");
  const { stdout } = check(withoutSecrets);
  const { control, ...config } = loadTexts([withoutSecrets]).config;
  // What is printed is written.
  const printed = { ...config, control: { ...control, isListenChosen: true } };
  assert.deepEqual(loadTexts([stdout]).config, printed);
});

test("check writes every fault to stderr and ends with 104", () => {
  const { exitCode, stdout, stderr } = check(`${CONFIG}seed: -1\nthredas: 2\n`);
  assert.equal(exitCode, 104);
  assert.equal(stdout, "");
  assert.equal(
    stderr,
    `load.yml:10:7: Cannot read seed: must be a whole number from 0 to 4294967295; found -1. Write it like 1.
load.yml:11:1: Cannot read key "thredas": there is no such key. Did you mean "threads"?
`,
  );
});

test("check without a file says so", () => {
  const { exitCode, stderr } = check(CONFIG, { files: [] });
  assert.equal(exitCode, 104);
  assert.match(stderr, /^Cannot check without a file\./);
});

test("check --json-schema prints the schema of a file", () => {
  const { exitCode, stdout } = check(CONFIG, { files: [], jsonSchema: true });
  assert.equal(exitCode, 0);
  const schema = JSON.parse(stdout);
  assert.equal(schema.$schema, "http://json-schema.org/draft-07/schema#");
  assert.deepEqual(schema.required, ["connections", "tasks", "scenarios"]);
  assert.equal(schema.additionalProperties, false);
});
