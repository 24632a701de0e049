import { type ConfigIssue, unfit } from "../config/faults/config-issue.js";
import type { Config } from "../config/schema.js";
import type { ReloadChange } from "../control/reload-port.js";
import { isMapping } from "../mapping.js";

/** Sections that a running daemon cannot change: sockets, threads and memory are made once. */
const FIXED = [
  ...["connections", "server", "control", "state", "threads", "segment"],
  ...["bucketsMs", "driftWindowMs", "seed", "tickMs"],
] as const satisfies readonly (keyof Config)[];

/** What they are called in the file. */
const KEYS: Partial<Record<keyof Config, string>> = {
  bucketsMs: "buckets",
  phaseBucketsMs: "buckets",
  tickMs: "tick",
  driftWindowMs: "driftWindow",
};

/** What of a changed configuration a running daemon cannot do; empty when it can do all of it. Pure. */
export function unchangeable(before: Config, after: Config): ConfigIssue[] {
  const fixed = FIXED.filter((section) => !isSame(before[section], after[section]));
  const leases = Object.keys({ ...before.scenarios, ...after.scenarios }).filter(
    (name) =>
      (before.scenarios[name]?.leaseMs ?? null) !== (after.scenarios[name]?.leaseMs ?? null),
  );
  return [
    ...fixed.map((section) => issueAt([KEYS[section] ?? section])),
    ...leases.map((name) => issueAt(["scenarios", name, "lease"])),
  ];
}

function issueAt(path: readonly string[]): ConfigIssue {
  return unfit(path, "cannot change while the daemon runs", "Restart it, or put back what it was.");
}

/** How deep a change is named: `scenarios.steady.profile`. */
const DEPTH = 3;
const LONGEST_VALUE = 60;

/** What has changed, by the keys of the effective configuration. Pure. */
export function changesOf(before: Config, after: Config): ReloadChange[] {
  return differences(before, after, []);
}

function differences(before: unknown, after: unknown, path: readonly string[]): ReloadChange[] {
  if (isSame(before, after)) return [];
  if (path.length < DEPTH && isMapping(before) && isMapping(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => differences(before[name], after[name], [...path, name]));
  }
  const [root = "", ...rest] = path;
  const name = [KEYS[root as keyof Config] ?? root, ...rest].join(".");
  if (before === undefined) return [{ path: name, text: "added" }];
  if (after === undefined) return [{ path: name, text: "removed" }];
  return [{ path: name, text: `${valueText(before)}, now ${valueText(after)}` }];
}

function valueText(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}

function isSame(before: unknown, after: unknown): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}
