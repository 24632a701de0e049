import { type ExactNumber, isExactNumber, readNumber } from "../../celery/messages/exact-number.js";
import type { Fault } from "../../errors.js";
import { quote } from "../faults/quote.js";
import { shownSecret } from "./shown-secret.js";
import { type ConfigNode, type MapEntry, placeOf, type ScalarNode } from "./tree.js";
import type { Environment } from "./variables.js";

/**
 * Puts variables into the text values that came from files: `${NAME}`, `${NAME:-default}` (also
 * when NAME is empty, as in a shell), and `$$` for a dollar sign. NAME may be in a file (NAME_FILE). Works on parsed values, so that no
 * variable can change the structure; a value without quotes may become a number, true or false.
 * Faults go to `faults`; a value with a fault stays as it is.
 */
export function substitute(node: ConfigNode, variables: Environment, faults: Fault[]): ConfigNode {
  if (node.kind === "list") {
    return { ...node, items: node.items.map((item) => substitute(item, variables, faults)) };
  }
  if (node.kind === "map") {
    const entries = [...node.entries].map(([key, entry]): [string, MapEntry] => [
      key,
      { ...entry, value: substitute(entry.value, variables, faults) },
    ]);
    return { ...node, entries: new Map(entries) };
  }
  return substituteScalar(node, variables, faults);
}

/**
 * The text without its variables, defaults kept: what of a value is written in the file itself.
 */
export function inlinePart(text: string): string {
  return replaceReferences(
    text,
    (reference) => reference.fallback ?? "",
    () => undefined,
  );
}

interface Reference {
  readonly name: string;
  readonly fallback: string | undefined;
}

function substituteScalar(node: ScalarNode, variables: Environment, faults: Fault[]): ScalarNode {
  const { origin } = node;
  if (origin.kind !== "file" || typeof node.value !== "string" || !node.value.includes("$")) {
    return node;
  }
  const names: string[] = [];
  const secrets: string[] = [];
  const found = faults.length;
  const report = (message: string) => {
    faults.push({ place: placeOf(origin), message });
    return "";
  };
  const lookUp = ({ name, fallback }: Reference): string => {
    const variable = variables.lookUp(name);
    if (variable !== undefined && "problem" in variable) return report(variable.problem);
    names.push(variable?.name ?? name);
    if (variable?.isSecret) secrets.push(variable.value);
    if (fallback !== undefined) return variable?.value || fallback;
    if (variable !== undefined) return variable.value;
    return report(
      `Cannot replace \${${name}}: the environment variable ${name} is not set. Set it, or write \${${name}:-default}.`,
    );
  };
  const malformed = (reference: string) => {
    report(
      `Cannot read the variable in ${quote(reference)}: must be \${NAME} or \${NAME:-default}. Write $$ for a dollar sign.`,
    );
  };
  const text = replaceReferences(node.value, lookUp, malformed);
  if (faults.length > found) return node;
  const core = node.plain && names.length > 0 ? coreValue(text) : text;
  const value = isExactNumber(core) ? Number(core) : core;
  const exact = isExactNumber(core) ? { exact: core } : {};
  const withNames = names.length > 0 ? { ...origin, variables: names } : origin;
  const shown = secrets.length > 0 ? { shown: withoutSecrets(text, secrets) } : {};
  return { ...node, value, ...exact, source: text, ...shown, origin: withNames };
}

/** Only what came from files is masked, so that host and user of a URL can be seen. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce(
    (shown, secret) => shown.replaceAll(secret, () => shownSecret(secret)),
    text,
  );
}

/** Left to right: `$$`, `${…}`, an unfinished `${`; any other dollar sign stands for itself. */
function replaceReferences(
  text: string,
  textOf: (reference: Reference) => string,
  onMalformed: (reference: string) => void,
): string {
  return text.replace(
    /\$\$|\$\{([^}]*)(\}?)/g,
    (_reference, inside: string | undefined, end: string) => {
      if (inside === undefined) return "$";
      const match = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inside);
      if (match === null || end === "" || match[2]?.includes("${")) {
        // Only the name may be shown: a default may hold a password.
        onMalformed(`\${${(/^\w*/.exec(inside) ?? [""])[0]}…`);
        return "";
      }
      return textOf({ name: match[1]!, fallback: match[2]?.replaceAll("$$", "$") });
    },
  );
}

/** What a plain scalar of this text is in YAML's core schema; other text stays text. */
function coreValue(text: string): string | number | boolean | ExactNumber {
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  return /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(text) ? readNumber(text) : text;
}
