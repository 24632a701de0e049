import {
  type KnownOption,
  type OptionPlace,
  optionIn,
} from "../../celery/messages/known-options.js";
import { queryPlaceOf } from "../../celery/urls/resolved-url.js";
import { kindOf, schemeOf } from "../../celery/urls/server-url.js";
import { splitUrl, urlsOf } from "../../celery/urls/url-parts.js";
import { idleIn } from "../../celery/urls/url-query.js";
import type { ConnectionConfig } from "../connections/connection-fields.js";
import { quote } from "../faults/quote.js";
import { formatDuration } from "../quantities.js";
import type { Config } from "../schema.js";
import { type ConfigNode, nodeAt, type Origin, placeOf } from "../sources/tree.js";
import { isWorkflow } from "./task-schema.js";

/** What is accepted of a connection's options and URLs and has no effect there. */
export interface OptionRemarks {
  /** One for each connection: what need not worry anybody. */
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
}

/** `root` is the configuration as it was written. Pure. */
export function remarksOnOptions(config: Config, root: ConfigNode): OptionRemarks {
  const all = Object.entries(config.connections).map(([name, connection]) => {
    const idle = [...idleOptions(name, connection, root), ...idleKeys(name, root)];
    const [first] = idle.filter(({ does }) => does !== "warns");
    return {
      notes:
        first === undefined
          ? []
          : [
              `${placeOf(first.origin)}: Without effect in connection ${quote(name)}: ${listed(idle)}.`,
            ],
      warnings: [
        ...idle
          .filter(({ does }) => does === "warns")
          .map(
            ({ name: option, text, origin }) =>
              `${placeOf(origin)}: ${option} of connection ${quote(name)} has no effect here: ${text}.`,
          ),
        ...warningsOfVisibility(name, config, root),
      ],
    };
  });
  return {
    notes: all.flatMap(({ notes }) => notes),
    warnings: all.flatMap(({ warnings }) => warnings),
  };
}

interface Idle extends Pick<KnownOption, "name" | "does" | "text"> {
  readonly origin: Origin;
}

/** Names by their reasons: `a, b (only workers need it); c (…)`. */
function listed(idle: readonly Idle[]): string {
  const names = new Map<string, Set<string>>();
  for (const { name, text, does } of idle) {
    if (does !== "warns") names.set(text, (names.get(text) ?? new Set()).add(name));
  }
  return [...names].map(([text, each]) => `${[...each].join(", ")} (${text})`).join("; ");
}

function idleOptions(name: string, connection: ConnectionConfig, root: ConfigNode): Idle[] {
  return (["options", "backendOptions"] as const).flatMap((place) => {
    const path = ["connections", name, place];
    return [
      ...writtenIn(path, root).flatMap(([key, origin]) => {
        const option = optionIn(place, key);
        if (option === undefined) return [];
        const text = reasonOf(option, place, connection);
        // It is warned of where it matters.
        const does = key === "visibility_timeout" ? "ignored" : option.does;
        return text === undefined ? [] : [{ name: key, text, does, origin }];
      }),
      ...writtenIn([...path, "sentinel_kwargs"], root).flatMap(([key, origin]) => {
        const option = optionIn("sentinel_kwargs", key);
        return option === undefined ? [] : [{ ...option, name: `sentinel_kwargs.${key}`, origin }];
      }),
    ];
  });
}

function writtenIn(path: readonly string[], root: ConfigNode): [key: string, Origin][] {
  const node = nodeAt(root, path);
  if (node?.kind !== "map") return [];
  return [...node.entries].map(([key, { keyOrigin }]) => [key, keyOrigin]);
}

/** Why an option does nothing; undefined when it acts. */
function reasonOf(
  { name, does, of, text }: KnownOption,
  place: OptionPlace,
  { broker, backend }: ConnectionConfig,
): string | undefined {
  if (does !== "acts") return name === "visibility_timeout" ? "only workers need it" : text;
  if (SENTINEL_OPTIONS.includes(name)) {
    const urls = place === "options" ? [broker, backend] : [backend];
    return urls.some((url) => schemeOf(url) === "sentinel")
      ? undefined
      : "it is one of sentinel://";
  }
  const kind = kindOf(place === "options" ? broker : backend);
  if (kind === "disabled") return "there is no result backend";
  if (kind === "rpc") return "results come through the broker";
  if (of === "both" || of === kind) return undefined;
  return of === "redis" ? "it is one of Redis" : "it is one of RabbitMQ";
}

const SENTINEL_OPTIONS = ["master_name", "sentinel_kwargs"];

/** Of the queries of URLs. */
function idleKeys(name: string, root: ConfigNode): Idle[] {
  return (["broker", "backend"] as const).flatMap((role) => {
    const node = nodeAt(root, ["connections", name, role]);
    if (node?.kind !== "scalar" || typeof node.value !== "string") return [];
    const place = queryPlaceOf(node.value);
    if (place === undefined) return [];
    return urlsOf(node.value)
      .flatMap((url) => idleIn(splitUrl(url).query, place))
      .map((option) => ({ ...option, origin: node.origin }));
  });
}

/** Tasks that workers hold for longer than Redis lets them. */
function warningsOfVisibility(name: string, config: Config, root: ConfigNode): string[] {
  const node = nodeAt(root, ["connections", name, "options", "visibility_timeout"]);
  const isRedis = kindOf(config.connections[name]!.broker) === "redis";
  if (!isRedis || node?.kind !== "scalar" || typeof node.value !== "number") return [];
  const visibleMs = node.value * 1000;
  const held = taskKeysOf(name, config).flatMap((key) => {
    const task = config.tasks[key];
    if (task === undefined || isWorkflow(task)) return [];
    const [reason] = [
      ...((task.countdownMs ?? 0) > visibleMs
        ? [["countdown", task.countdownMs ?? 0] as const]
        : []),
      ...(task.timeoutMs > visibleMs ? [["timeout", task.timeoutMs] as const] : []),
    ];
    return reason === undefined
      ? []
      : [`${quote(key)} (${reason[0]} ${formatDuration(reason[1])})`];
  });
  if (held.length === 0) return [];
  return [
    `${placeOf(node.origin)}: visibility_timeout of connection ${quote(name)} is ${formatDuration(visibleMs)}, and workers may hold for longer: ${held.join(", ")}. Redis then hands the task out again, and it runs twice. Raise visibility_timeout of the workers, or shorten these.`,
  ];
}

/** Tasks that go over a connection, those of its workflows among them. */
function taskKeysOf(connection: string, { scenarios, tasks }: Config): string[] {
  const mixed = Object.values(scenarios)
    .filter((scenario) => scenario.connection === connection)
    .flatMap(({ mix }) => Object.keys(mix));
  const keys = mixed.flatMap((key) => {
    const task = tasks[key];
    if (task === undefined || !isWorkflow(task)) return [key];
    return task.stages.flat().map((member) => member.task);
  });
  return [...new Set(keys)];
}
