import { quote } from "../config/faults/quote.js";
import { parseDuration } from "../config/quantities.js";
import { ConfigError, messageOf, UserError } from "../errors.js";
import type { ControlRequest } from "./client.js";

/** The flags of an order, as they were typed. */
export interface OrderFlags {
  readonly over?: string | undefined;
  readonly ttl?: string | undefined;
  readonly reason?: string | undefined;
  readonly revoke?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

/** What can be ordered, by the command's name; the arguments are those of the command. */
const REQUESTS = {
  set: (scenario: string, change: string) => ({
    method: "PATCH" as const,
    path: ofScenario(scenario),
    body: parseChange(change),
  }),
  pause: (scenario: string) => post(`${ofScenario(scenario)}/pause`),
  resume: (scenario: string) => post(`${ofScenario(scenario)}/resume`),
  start: (scenario: string) => post(`${ofScenario(scenario)}/start`),
  stop: (scenario: string) => post(`${ofScenario(scenario)}/stop`),
  "skip-stage": (scenario: string) => post(`${ofScenario(scenario)}/skip-stage`),
  restart: (scenario: string) => post(`${ofScenario(scenario)}/restart`),
  burst: (scenario: string, count: string) => ({
    ...post(`${ofScenario(scenario)}/burst`),
    body: { count: parseCount(count) },
  }),
  "stop-all": () => post("stop-all"),
  release: () => post("release"),
  undo: (id: string) => ({
    method: "DELETE" as const,
    path: `overrides/${encodeURIComponent(id)}`,
    body: undefined,
  }),
  reload: () => post("reload"),
};

export type OrderName = keyof typeof REQUESTS;

/**
 * The request that a command is.
 * @throws {ConfigError} for words and flags that cannot be read
 */
export function orderRequest(
  name: OrderName,
  [first = "", second = ""]: readonly string[],
  flags: OrderFlags,
): ControlRequest {
  const { method, path, body } = REQUESTS[name](first, second);
  const { over, ttl, reason, revoke } = flags;
  for (const [flag, text] of [
    ["--over", over],
    ["--ttl", ttl],
  ] as const) {
    if (text !== undefined) checkDuration(flag, text);
  }
  const query = new URLSearchParams();
  if (flags.dryRun) query.set("dryRun", "true");
  // A DELETE has no body.
  if (body === undefined && reason !== undefined) query.set("reason", reason);
  const withQuery = query.size === 0 ? path : `${path}?${query}`;
  if (body === undefined) return { method, path: withQuery };
  const given = Object.entries({ over, ttl, reason, revoke }).filter(
    ([, each]) => each !== undefined,
  );
  return { method, path: withQuery, body: { ...body, ...Object.fromEntries(given) } };
}

function post(path: string): { method: "POST"; path: string; body: object } {
  return { method: "POST", path, body: {} };
}

function ofScenario(scenario: string): string {
  return `scenarios/${encodeURIComponent(scenario)}`;
}

const CHANGE_FORM = "must be rate=50/s, scale=2, users=80, profile=JSON or mix=a:3,b:1";

/** `rate=50/s` → `{rate: "50/s"}`. What the daemon can judge better is left to it. */
function parseChange(text: string): object {
  const [, key, value = ""] = /^(rate|scale|users|profile|mix)=(.+)$/s.exec(text) ?? [];
  if (key === "rate") return { rate: value };
  if (key === "scale" && Number.isFinite(Number(value))) return { scale: Number(value) };
  if (key === "users" && /^\d{1,9}$/.test(value)) return { users: Number(value) };
  if (key === "profile") return { profile: parseProfile(value) };
  if (key === "mix") return { mix: parseMix(value) };
  throw fault("set", `${CHANGE_FORM}; found ${quote(text)}.`);
}

/** A rate needs no quotes. */
function parseProfile(text: string): unknown {
  if (!/^\s*[[{"]/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw fault("profile", "must be JSON: put it in single quotes for the shell.");
  }
}

function parseMix(text: string): object {
  const pairs = text.split(",").map((part) => /^([^:]+)(?::(\d*\.?\d+))?$/.exec(part.trim()));
  if (pairs.includes(null))
    throw fault("mix", `must be weights such as a:3,b:1; found ${quote(text)}.`);
  return Object.fromEntries(pairs.map((pair) => [pair![1]!, Number(pair![2] ?? 1)]));
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw fault("COUNT", `must be a whole number from 1 on, such as 100; found ${quote(text)}.`);
}

function checkDuration(flag: string, text: string): void {
  try {
    parseDuration(text);
  } catch (error) {
    const hint = error instanceof UserError && error.hint !== undefined ? `. ${error.hint}` : "";
    throw fault(flag, `${messageOf(error)}${hint}`);
  }
}

function fault(place: string, message: string): ConfigError {
  return new ConfigError([{ place, message }]);
}
