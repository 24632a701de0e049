import { didYouMean } from "../../did-you-mean.js";
import { suggestRate } from "../quantities.js";
import { type ConfigNode, type Path, plainValue } from "../sources/tree.js";
import type { ConfigIssue } from "./config-issue.js";
import { quote } from "./quote.js";

/** What to write instead of a value, where it can be told what was most likely meant; as a sentence. */
export function suggest(issue: ConfigIssue, node: ConfigNode): string | undefined {
  const { message, path, choices } = issue;
  if (message === "must be a mapping") return mappingFor(path, node);
  if (message === "must be a list") return listFor(path, node);
  if (node.kind !== "scalar") return undefined;
  if (choices !== undefined) return choiceFor(node.value, choices);
  return message.startsWith("must be a whole number") ? numberFor(node.value, message) : undefined;
}

/** What a mapping would be of the text or the list that was found in its place. */
function mappingFor(path: Path, node: ConfigNode): string | undefined {
  const text = node.kind === "scalar" && node.value !== null ? String(node.value) : undefined;
  const [section] = path;
  const last = path.at(-1);
  if (path.length === 0) return "Write connections, tasks and scenarios, each with a colon.";
  if (path.length === 1) return write(SECTIONS[String(section)]);
  if (path.length === 2 && section === "connections") {
    return write("{broker: redis://127.0.0.1:6379/0}");
  }
  if (path.length === 2 && section === "tasks") {
    const isName = text !== undefined && /^[\w.-]{1,60}$/.test(text);
    return write(`{name: ${isName ? text : "app.tasks.resize"}}`);
  }
  if (path.length === 2 && section === "scenarios") {
    return write(`{profile: ${suggestRate(text ?? "") ?? "20/s"}}`);
  }
  if (path.length === 2 && section === "data") {
    return write(
      `{file: ${text !== undefined && /^[\w./-]{1,60}$/.test(text) ? text : "customers.csv"}}`,
    );
  }
  if (last === "allow") return write(`{hosts: ${hostsIn(node) ?? "[redis.staging]"}}`);
  if (last === "tls") return "Remove it: rediss:// and amqps:// verify by themselves.";
  if (last === "ramp") return write("{stages: [{to: 200/s, over: 15m}]}");
  if (last === "week") return write('{zone: Europe/Berlin, mon-fri: {"09:00": 80/s}}');
  if (last === "sine") return write("{mean: 50/s, amplitude: 30/s, period: 24h}");
  if (path.at(-2) === "stages") return write(`{${stageIn(text) ?? "to: 200/s, over: 15m"}}`);
  return ITEMS[String(section)];
}

/** An item of a list of mappings, and such a list. */
const ITEMS: Readonly<Record<string, string>> = {
  slos: "Write {name: resize-latency, objective: 99.9%}.",
  guards: "Write {name: deep-queue, watch: queueLength, above: 50000}.",
};
const LISTS: Readonly<Record<string, string>> = {
  slos: "Write slos: [{name: resize-latency, objective: 99.9%}].",
  guards: "Write guards: [{name: deep-queue, watch: queueLength, above: 50000}].",
  thresholds: 'Write thresholds: ["p95(all) < 800ms"].',
};

const SECTIONS: Readonly<Record<string, string>> = {
  connections: "connections: {main: {broker: redis://127.0.0.1:6379/0}}",
  data: "data: {customers: {file: customers.csv}}",
  tasks: "tasks: {resize: {name: app.tasks.resize}}",
  scenarios: "scenarios: {steady: {profile: 20/s}}",
  defaults: "defaults: {tasks: {timeout: 30s}}",
  server: "server: {listen: 0.0.0.0:9809}",
  control: "control: {listen: 127.0.0.1:9810}",
  limits: "limits: {maxRate: 500/s}",
  state: "state: {file: state.json}",
};

function hostsIn(node: ConfigNode): string | undefined {
  const value = plainValue(node);
  const hosts = (Array.isArray(value) ? value : [value]).map(String);
  const areHosts = hosts.length > 0 && hosts.every((host) => /^[\w.-]{1,60}(:\d+)?$/.test(host));
  return areHosts && value !== true ? `[${hosts.join(", ")}]` : undefined;
}

/** `200/s over 15m` */
function stageIn(text: string | undefined): string | undefined {
  const [, to, over] = /^(\d\S*) +(?:over|in|for) +(\d\S*)$/.exec(text ?? "") ?? [];
  return to === undefined ? undefined : `to: ${to}, over: ${over}`;
}

function listFor(path: Path, node: ConfigNode): string | undefined {
  const text = node.kind === "scalar" ? String(node.value) : "";
  if (path.at(-1) === "steps") return write(`[${/ for /.test(text) ? text : "20/s for 10m"}]`);
  if (path.at(-1) === "stages") return write("[{to: 200/s, over: 15m}]");
  return path.length === 1 ? LISTS[String(path[0])] : undefined;
}

/** One of few values: in other letters, in YAML 1.1's words for true and false, by another name, or misspelt. */
export function choiceFor(found: unknown, choices: readonly unknown[]): string | undefined {
  const word = String(found).toLowerCase();
  const truth = TRUTH.get(word);
  if (truth !== undefined && choices.includes(truth)) return write(String(truth));
  const names = choices.filter((choice) => typeof choice === "string");
  const other = truth === undefined ? OTHER_NAMES.get(word) : truth ? "on" : "off";
  const same = names.find((name) => name === word || name === other);
  if (same !== undefined) return write(same);
  const meant = didYouMean(word, names);
  return meant === undefined ? undefined : `Did you mean ${quote(meant)}?`;
}

const TRUTH: ReadonlyMap<string, boolean> = new Map([
  ...["true", "yes", "on", "y", "1"].map((word) => [word, true] as const),
  ...["false", "no", "off", "n", "0"].map((word) => [word, false] as const),
]);

/** What the field calls our values: other load generators, files, and Celery's numbers of `delivery_mode`. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ["uniform", "even"],
  ["constant", "even"],
  ["regular", "even"],
  ["random", "poisson"],
  ["exponential", "poisson"],
  ["gz", "gzip"],
  ["1", "transient"],
  ["2", "persistent"],
]);

/** `"2"`, `10_000`, `10,000`, `10k` in place of a whole number in the range that the message names. */
function numberFor(found: unknown, message: string): string | undefined {
  const [, digits = "", unit = ""] = /^(\d[\d_,]*(?:\.\d+)?)([km]?)$/i.exec(String(found)) ?? [];
  const factor = { "": 1, k: 1_000, m: 1_000_000 }[unit.toLowerCase()] ?? Number.NaN;
  const number = digits === "" ? Number.NaN : Number(digits.replace(/[_,]/g, "")) * factor;
  const [low = 0, high = 0] = (/from (\d+) to (\d+)/.exec(message) ?? []).slice(1).map(Number);
  const isMeant = typeof found === "string" && Number.isInteger(number);
  return isMeant && number >= low && number <= high ? write(String(number)) : undefined;
}

function write(text: string | undefined): string | undefined {
  return text === undefined ? undefined : `Write ${text}.`;
}
