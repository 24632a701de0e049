import { redactUrl } from "../../celery/urls/redact-url.js";
import type { ConfigNode, ListNode, Origin, ScalarNode } from "../sources/tree.js";
import { placeOf, sourcesOf } from "../sources/tree.js";

/**
 * The configuration as YAML that can be read again, line by line, with the origin of each value as a
 * comment behind it. Passwords of URLs and values of keys such as `token` are shown as `***`.
 */
export function* printEffective(root: ConfigNode, indent = ""): Generator<string> {
  if (root.kind !== "map") {
    yield `${flow(root)}\n`;
    return;
  }
  for (const [key, { value }] of root.entries) {
    const name = `${indent}${text(key)}:`;
    if (value.kind === "map" && value.entries.size > 0) {
      yield `${name}\n`;
      yield* printEffective(value, `${indent}  `);
    } else if (isListOfMaps(value) && indent === "") {
      yield `${name}\n`;
      for (const item of value.items) yield `  - ${flow(item)} # ${originText(item.origin)}\n`;
    } else {
      const shown = SECRET_KEY.test(key)
        ? `${masked(value)} # ${originText(value.origin)}`
        : withOrigin(value);
      yield `${name} ${shown}\n`;
    }
  }
}

/** A value with its origin; defaults, most of all values, are the same nodes everywhere. */
function withOrigin(value: ConfigNode): string {
  const known = PRINTED_DEFAULTS.get(value);
  if (known !== undefined) return known;
  const printed = `${flow(value)} # ${originText(value.origin)}`;
  if (value.origin.kind === "default") PRINTED_DEFAULTS.set(value, printed);
  return printed;
}

const PRINTED_DEFAULTS = new WeakMap<ConfigNode, string>();

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
  return [placeOf(origin), ...sourcesOf(origin)].join(", ").replace(/[\p{Cc}]/gu, "?");
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

function scalar({ value, exact, shown }: ScalarNode): string {
  const visible = shown ?? (exact === undefined ? value : exact);
  if (typeof visible !== "string") return String(visible);
  return text(redactUrl(visible).replaceAll("$", "$$$$"));
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
