import {
  MISTAKES_OF_BACKEND_OPTIONS,
  MISTAKES_OF_CONNECTION,
  MISTAKES_OF_OPTIONS,
} from "../connections/celery-settings.js";
import type { Path } from "../sources/tree.js";

/**
 * What to do about a key that is not ours but that many know from Celery or other load generators, or that
 * belongs elsewhere: by the mapping that it was found in, in which names of the user's are `*`.
 */
export function remedyForKey(parent: Path, key: string): string | undefined {
  const section = parent
    .map((step, index) => (index === 1 && isNamed(parent[0]) ? "*" : step))
    .map((step) => (typeof step === "number" ? "[]" : step))
    .join(".");
  const remedies = REMEDIES[section.replace(/^defaults\.(tasks|scenarios)/, "$1.*")];
  return remedies !== undefined && Object.hasOwn(remedies, key) ? remedies[key] : undefined;
}

function isNamed(section: unknown): boolean {
  return section === "connections" || section === "tasks" || section === "scenarios";
}

const CONNECTION = "Write connections: {main: {broker: redis://127.0.0.1:6379/0}}.";
const PROFILE = 'Did you mean "profile"?';
const IN_A_SCENARIO = "Write it in a scenario: scenarios: {steady: {profile: 20/s}}.";
const IN_A_TASK = "Write it in the task, under tasks.";
const BACKEND = 'Did you mean "backend"?';
const MAX_IN_FLIGHT =
  "Rates are planned here, not users. Write maxInFlight for the most tasks that may wait at the same time.";

const REMEDIES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "": {
    broker: CONNECTION,
    broker_url: CONNECTION,
    url: CONNECTION,
    backend: "Write it beside the broker: connections: {main: {broker: URL, backend: URL}}.",
    result_backend: "Write it beside the broker: connections: {main: {broker: URL, backend: URL}}.",
    profile: IN_A_SCENARIO,
    rate: IN_A_SCENARIO,
    mix: IN_A_SCENARIO,
    listen: "Write server: {listen: 0.0.0.0:9809}.",
    port: "Write server: {listen: 0.0.0.0:9809}.",
    maxRate: "Write limits: {maxRate: 500/s}.",
    guard: 'Did you mean "guards"?',
    tasksPerDay: "Write limits: {tasksPerDay: 5000000}.",
    series: "Write limits: {series: 20000}.",
  },
  "connections.*": {
    url: 'Did you mean "broker"?',
    broker_url: 'Did you mean "broker"?',
    result_backend: BACKEND,
    results: BACKEND,
    ssl: 'Did you mean "tls"?',
    ...MISTAKES_OF_CONNECTION,
  },
  "connections.*.options": MISTAKES_OF_OPTIONS,
  "connections.*.backendOptions": MISTAKES_OF_BACKEND_OPTIONS,
  "tasks.*": {
    task: 'Did you mean "name"?',
    function: 'Did you mean "name"?',
    delay: 'Did you mean "countdown"?',
    weight: "Write weights in a scenario: mix: {resize: 3, thumb: 1}.",
    rate: IN_A_SCENARIO,
    profile: IN_A_SCENARIO,
    hard_time_limit: 'Did you mean "timeLimit"?',
  },
  "scenarios.*": {
    rate: PROFILE,
    rps: PROFILE,
    qps: PROFILE,
    task: 'Did you mean "mix"?',
    tasks: 'Did you mean "mix"?',
    weights: 'Did you mean "mix"?',
    broker: 'Did you mean "connection"?',
    queue: IN_A_TASK,
    args: IN_A_TASK,
    kwargs: IN_A_TASK,
    timeout: IN_A_TASK,
    steps: "Write profile: {steps: [20/s for 10m]}.",
    ramp: "Write profile: {ramp: {stages: [{to: 200/s, over: 15m}]}}.",
    stages: "Write profile: {ramp: {stages: [{to: 200/s, over: 15m}]}}.",
    repeat: "Write profile: {steps: [20/s for 10m], repeat: true}.",
    for: 'Did you mean "duration"?',
    users: MAX_IN_FLIGHT,
    vus: MAX_IN_FLIGHT,
    concurrency: MAX_IN_FLIGHT,
  },
  "scenarios.*.profile.ramp": {
    to: "Write stages: [{to: 200/s, over: 15m}].",
    over: "Write stages: [{to: 200/s, over: 15m}].",
  },
  "scenarios.*.profile.ramp.stages.[]": {
    target: 'Did you mean "to"?',
    rate: 'Did you mean "to"?',
    duration: 'Did you mean "over"?',
    for: 'Did you mean "over"?',
  },
  limits: {
    maxTasks: 'Did you mean "tasksPerDay"?',
    rate: 'Did you mean "maxRate"?',
  },
  "guards.[]": {
    type: 'Did you mean "watch"?',
    metric: 'Did you mean "watch"?',
    threshold: 'Did you mean "above"?',
    limit: 'Did you mean "above"?',
    max: 'Did you mean "above"?',
    below:
      "A guard fires when there is too much: write above, and resumeBelow for where the load goes on.",
    action: 'Did you mean "do"?',
    enabled: "Write do: off for no such guard.",
    queues: 'Did you mean "queue"?',
  },
  "slos.[]": {
    target: 'Did you mean "objective"?',
    threshold: 'Did you mean "latency"?',
  },
  server: {
    port: "Write listen: 0.0.0.0:9809.",
    host: "Write listen: 0.0.0.0:9809.",
    address: "Write listen: 0.0.0.0:9809.",
  },
};
