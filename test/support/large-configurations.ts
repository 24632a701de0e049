const HEAD = "connections: {main: {broker: redis://127.0.0.1:6379/0}}\n";
const TASK = "tasks: {a: {name: app.a}}\n";
const SCENARIO = "scenarios: {steady: {profile: 20/s}}\n";
const ONE_OF_THEM = "scenarios: {steady: {profile: 20/s, mix: {t0: 1}}}\n";

/** A configuration that has so many of something. */
type Large = (count: number) => string;

function repeated(count: number, text: (index: number) => string, separator = ""): string {
  return Array.from({ length: count }, (_, index) => text(index)).join(separator);
}

const tasksNamed = (count: number, options = "") =>
  `tasks:\n${repeated(count, (index) => `  t${index}: {name: app.t${index}${options}}\n`)}`;

const withArgs = (args: string) => `${HEAD}tasks: {a: {name: app.a, args: [${args}]}}\n${SCENARIO}`;

const objectives = (count: number) =>
  `slos:\n${repeated(count, (index) => `  - {name: slo${index}, objective: 99%}\n`)}`;

const guardsWith = (watch: string) =>
  `guards:\n${repeated(100, (index) => `  - {name: g${index}, watch: ${watch}, do: warn}\n`)}`;

const MOST_SERIES = "limits: {series: 1000000}\n";

/** What a configuration can have many of, right and wrong. */
export const LARGE: Readonly<Record<string, Large>> = {
  tasks: (count) => HEAD + tasksNamed(count) + ONE_OF_THEM,
  "tasks with faults": (count) => HEAD + tasksNamed(count, ", timeout: 5") + ONE_OF_THEM,
  "tasks with defaults, by merge keys": (count) =>
    `${HEAD}x-own: &own {timeout: 30s}\n${tasksNamed(count, ", <<: *own")}${ONE_OF_THEM}`,
  scenarios: (count) =>
    `${HEAD}${TASK}scenarios:\n${repeated(count, (index) => `  s${index}: {profile: 20/s}\n`)}`,
  "scenarios without a mix, and tasks": (count) =>
    `${HEAD}${tasksNamed(count)}scenarios:\n${repeated(count, (index) => `  s${index}: {profile: 20/s}\n`)}`,
  "scenarios with a task each, and defaults": (count) =>
    `${HEAD}defaults: {tasks: {timeout: 30s}, scenarios: {arrival: poisson}}\n${tasksNamed(count)}scenarios:\n${repeated(count, (index) => `  s${index}: {profile: 20/s, mix: t${index}}\n`)}`,
  connections: (count) =>
    `connections:\n${repeated(count, (index) => `  c${index}: {broker: redis://h/0}\n`)}${TASK}scenarios: {steady: {profile: 20/s, connection: c0}}\n`,
  "entries of a mix": (count) =>
    `${HEAD}${tasksNamed(count)}scenarios: {steady: {profile: 20/s, mix: [${repeated(count, (index) => `t${index}`, ", ")}]}}\n`,
  "entries of a mix that are misspelt": (count) =>
    `${HEAD}${tasksNamed(count)}scenarios: {steady: {profile: 20/s, mix: [${repeated(count, (index) => `u${index}`, ", ")}]}}\n`,
  "members of workflows that are misspelt": (count) =>
    `${HEAD}${tasksNamed(count)}${repeated(count, (index) => `  w${index}: {chain: [u${index}, t${index}]}\n`)}${ONE_OF_THEM}`,
  objectives: (count) => HEAD + TASK + SCENARIO + objectives(count),
  "scenarios with a hundred objectives each": (count) =>
    `${HEAD}${TASK}${objectives(100)}scenarios:\n${repeated(count, (index) => `  s${index}: {profile: 20/s}\n`)}`,
  "scenarios with a hundred guards each": (count) =>
    `${HEAD}${TASK}${MOST_SERIES}${guardsWith("latency, above: 5s")}scenarios:\n${repeated(count, (index) => `  s${index}: {profile: 1/s, maxInFlight: 1}\n`)}`,
  "queues with a hundred guards each": (count) =>
    `${HEAD}${MOST_SERIES}${guardsWith("queueLength, above: 5")}tasks:\n${repeated(count, (index) => `  t${index}: {name: app.a, queue: q${index}}\n`)}scenarios: {steady: {profile: 20/s, mix: [${repeated(count, (index) => `t${index}`, ", ")}]}}\n`,
  "arguments that tasks have by default": (count) =>
    `${HEAD}defaults: {tasks: {args: [${repeated(count, () => "1", ", ")}]}}\n${tasksNamed(count)}${ONE_OF_THEM}`,
  "tasks that scenarios have by default": (count) =>
    `${HEAD}defaults: {scenarios: {profile: 1/s, mix: [${repeated(count, (index) => `t${index}`, ", ")}]}}\n${tasksNamed(count)}scenarios:\n${repeated(count, (index) => `  s${index}: {}\n`)}`,
  steps: (count) =>
    `${HEAD}${TASK}scenarios: {steady: {profile: {steps: [${repeated(count, (index) => `${index % 9}/s for 1s`, ", ")}]}}}\n`,
  "stages of a ramp": (count) =>
    `${HEAD}${TASK}scenarios: {steady: {profile: {ramp: {stages: [${repeated(count, (index) => `{to: ${index % 9}/s, over: 1s}`, ", ")}]}}}}\n`,
  arguments: (count) => withArgs(repeated(count, String, ", ")),
  "arguments by name": (count) =>
    `${HEAD}tasks: {a: {name: app.a, kwargs: {${repeated(count, (index) => `k${index}: 1`, ", ")}}}}\n${SCENARIO}`,
  templates: (count) => withArgs(repeated(count, () => "'{{ uuid }}'", ", ")),
  anchors: (count) => withArgs(repeated(count, (index) => `&a${index} 1`, ", ")),
  aliases: (count) => withArgs(`&a hello, ${repeated(count, () => "*a", ", ")}`),
  "variables that are not set": (count) =>
    withArgs(repeated(count, (index) => `"\${NOPE${index}}"`, ", ")),
  "keys that there are not": (count) =>
    HEAD + TASK + SCENARIO + repeated(count, (index) => `unknown${index}: 1\n`),
  "keys that are there twice": (count) =>
    HEAD + TASK + SCENARIO + repeated(count, () => "server: {listen: 127.0.0.1:9809}\n"),
  headers: (count) =>
    `${HEAD}tasks: {a: {name: app.a, headers: {${repeated(count, (index) => `h${index}: v`, ", ")}}}}\n${SCENARIO}`,
  "letters in a text": (count) => withArgs(`"${"x".repeat(count)}"`),
  "braces in a text": (count) => withArgs(`"${"{".repeat(count)}"`),
  "dollar signs in a text": (count) => withArgs(`"${"$$".repeat(count)}"`),
  "opening brackets": (count) => `${HEAD}tasks: ${"[".repeat(count)}`,
  comments: (count) => HEAD + TASK + SCENARIO + "#\n".repeat(count),
  "empty lines": (count) => HEAD + TASK + SCENARIO + "\n".repeat(count),
};

/** The longest one of at most so many characters. */
export function largest(make: Large, length: number): string {
  const unit = (make(2_000).length - make(1_000).length) / 1_000;
  let count = Math.floor(length / unit);
  while (make(count).length > length) count = Math.floor(count * 0.98);
  return make(count);
}
