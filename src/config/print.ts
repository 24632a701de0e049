import { redactUrl } from "../celery/redact-url.js";
import type { ConfigNode, ListNode, MapNode, Origin, ScalarNode } from "./tree.js";
import { placeOf } from "./tree.js";

/**
 * The configuration as YAML that can be read again, with the origin of each value as a comment
 * behind it. Passwords of URLs and values of keys such as `token` are shown as `***`.
 */
export function printEffective(root: ConfigNode): string {
  return root.kind === "map" ? `${mapLines(root, "").join("\n")}\n` : `${flow(root)}\n`;
}

function mapLines(map: MapNode, indent: string): string[] {
  return [...map.entries].flatMap(([key, { value }]) => {
    const name = `${indent}${text(key)}:`;
    if (value.kind === "map" && value.entries.size > 0) {
      return [name, ...mapLines(value, `${indent}  `)];
    }
    if (isListOfMaps(value) && indent === "") {
      const items = value.items.map((item) => `  - ${flow(item)} # ${originText(item.origin)}`);
      return [name, ...items];
    }
    return [
      `${name} ${SECRET_KEY.test(key) ? masked(value) : flow(value)} # ${originText(value.origin)}`,
    ];
  });
}

/** A section that is a list of its own. */
function isListOfMaps(node: ConfigNode): node is ListNode {
  return node.kind === "list" && node.items.some((item) => item.kind === "map");
}

/** Keys of arguments and headers whose text is most likely a secret. */
const SECRET_KEY = /^(?:.*[_-])?(?:password|passwd|secret|token|authorization|api[_-]?key)$/i;

function masked(value: ConfigNode): string {
  return value.kind === "scalar" && typeof value.value !== "string" ? flow(value) : '"***"';
}

function originText(origin: Origin): string {
  if (origin.kind === "default") {
    return origin.because === undefined ? "default" : `default: ${origin.because}`;
  }
  const variables = origin.kind === "file" ? (origin.variables ?? []) : [];
  const defaults = origin.kind === "file" ? (origin.inheritedFrom ?? []) : [];
  return [placeOf(origin), defaults, variables]
    .flat()
    .join(", ")
    .replace(/[\p{Cc}]/gu, "?");
}

/** A value on one line. */
function flow(node: ConfigNode): string {
  if (node.kind === "list") return `[${node.items.map(flow).join(", ")}]`;
  if (node.kind === "map") {
    const entries = [...node.entries].map(
      ([key, { value }]) => `${text(key)}: ${SECRET_KEY.test(key) ? masked(value) : flow(value)}`,
    );
    return `{${entries.join(", ")}}`;
  }
  return scalar(node);
}

function scalar({ value }: ScalarNode): string {
  return typeof value === "string" ? text(redactUrl(value).replaceAll("$", "$$$$")) : String(value);
}

/** Without quotes where no YAML reader could take it for anything but text. */
function text(value: string): string {
  const isPlain =
    /^[A-Za-z0-9_/][\w./:+@%-]*(?: [\w./+@%][\w./:+@%-]*)*$/.test(value) &&
    !/:(?: |$)/.test(value) &&
    !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(value) &&
    !/^[\d.]+(?:e[-+]?\d+)?$|^0[xob]|^[\d_:.]+$/i.test(value);
  return isPlain ? value : JSON.stringify(value);
}
