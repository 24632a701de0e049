import { redactUrl } from "../../celery/urls/redact-url.js";
import { withPassword } from "../../celery/urls/url-password.js";
import { type Fault, UserError } from "../../errors.js";
import { pathFrom } from "./relative-path.js";
import type { ReadSecret } from "./secret-files.js";
import { shownSecret } from "./shown-secret.js";
import {
  type ConfigNode,
  type ListNode,
  nodeAt,
  type Path,
  placeOf,
  type ScalarNode,
  withEach,
  withoutKey,
  withValueAt,
} from "./tree.js";

/** Keys of a connection that are URLs, each of which may hold a password. */
const URL_KEYS = ["broker", "backend", "management"] as const;

/** Those of which there may be a list, as of Celery's `broker_url`. */
const LIST_KEYS: readonly string[] = ["broker", "backend"];

/**
 * The tree with the content of files in the place of their names: `{urlFile}` and `{url, passwordFile}`
 * of a connection become the URL, a list of such or of URLs becomes one with `;` between them, `passwordFile`
 * of `sentinel_kwargs` its `password`, and `control.tokenFile` the token. What has another form stays for the schema to
 * refuse.
 */
export function putSecrets(
  root: ConfigNode,
  read: ReadSecret,
  cwd: string,
): { readonly root: ConfigNode; readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const placed = withEach(root, "connections", (written) => {
    let connection = written;
    for (const key of URL_KEYS) {
      connection = putAt(connection, [key], faults, (node) =>
        node.kind === "list" && LIST_KEYS.includes(key)
          ? listOf(node, read, cwd)
          : urlOf(node, read, cwd),
      );
    }
    for (const options of ["options", "backendOptions"]) {
      connection = putAt(connection, [options, "sentinel_kwargs"], faults, (node) =>
        withPasswordOf(node, read, cwd),
      );
    }
    return connection;
  });
  const whole = putAt(placed, ["control", "tokenFile"], faults, (node) =>
    node.kind === "scalar" && typeof node.value === "string" && node.value !== ""
      ? tokenOf(node, read, cwd)
      : undefined,
  );
  return { root: whole, faults };
}

type Put = (node: ConfigNode) => ConfigNode | Fault | undefined;

function putAt(tree: ConfigNode, path: readonly string[], faults: Fault[], put: Put): ConfigNode {
  const node = nodeAt(tree, path);
  const result = node === undefined ? undefined : put(node);
  if (result === undefined) return tree;
  if ("message" in result) {
    faults.push(result);
    return tree;
  }
  return withValueAt(tree, path, result);
}

/** undefined: one of them is no text. */
function listOf(node: ListNode, read: ReadSecret, cwd: string): ConfigNode | Fault | undefined {
  const texts: ScalarNode[] = [];
  for (const item of node.items) {
    const url = item.kind === "map" ? urlOf(item, read, cwd) : item;
    if (url !== undefined && "message" in url) return url;
    if (url?.kind !== "scalar" || typeof url.value !== "string") return undefined;
    texts.push(url);
  }
  if (texts.length === 0) return undefined;
  const joined = (partOf: (text: ScalarNode) => unknown) => texts.map(partOf).join(";");
  const value = joined((text) => text.value);
  const secretFile = texts
    .map(({ origin }) => origin.secretFile)
    .find((file) => file !== undefined);
  return {
    ...{ kind: "scalar", value, source: value, plain: false },
    shown: joined(({ shown, value }) => shown ?? redactUrl(String(value))),
    origin: { ...node.origin, ...(secretFile === undefined ? {} : { secretFile }) },
  };
}

function urlOf(node: ConfigNode, read: ReadSecret, cwd: string): ConfigNode | Fault | undefined {
  if (node.kind !== "map") return undefined;
  const [url, urlFile, passwordFile] = ["url", "urlFile", "passwordFile"].map((key) =>
    textAt(node, [key]),
  );
  if (urlFile !== undefined && node.entries.size === 1) {
    const content = contentOf(urlFile, read, cwd);
    return "message" in content ? { ...content, place: placeOf(node.origin) } : content;
  }
  if (url === undefined || passwordFile === undefined || node.entries.size !== 2) return undefined;
  const password = contentOf(passwordFile, read, cwd);
  if ("message" in password) return { ...password, place: placeOf(node.origin) };
  try {
    const value = withPassword(String(url.value), String(password.value));
    const origin = { ...password.origin, ...url.origin };
    return { ...password, value, source: value, shown: redactUrl(value), origin };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const message = `Cannot read url beside passwordFile: ${error.message}. ${error.hint}`;
    return { place: placeOf(node.origin), message };
  }
}

function withPasswordOf(
  node: ConfigNode,
  read: ReadSecret,
  cwd: string,
): ConfigNode | Fault | undefined {
  const passwordFile = textAt(node, ["passwordFile"]);
  if (node.kind !== "map" || passwordFile === undefined) return undefined;
  const place = placeOf(passwordFile.origin);
  if (node.entries.has("password")) {
    const message =
      "Cannot use password and passwordFile of sentinel_kwargs together. Remove one of them.";
    return { place, message };
  }
  const password = contentOf(passwordFile, read, cwd);
  if ("message" in password) return password;
  return withValueAt(withoutKey(node, "passwordFile"), ["password"], password);
}

/** The key keeps its name, so what is shown is the path. */
function tokenOf(node: ScalarNode, read: ReadSecret, cwd: string): ScalarNode | Fault {
  const token = contentOf(node, read, cwd);
  return "message" in token ? token : { ...token, shown: String(node.value) };
}

/** The one line of a file as the value of the key that names it. */
function contentOf(node: ScalarNode, read: ReadSecret, cwd: string): ScalarNode | Fault {
  const written = String(node.value);
  const path = pathFrom(node.origin, written, cwd);
  const result = read(path, written);
  const place = placeOf(node.origin);
  if ("problem" in result) return { place, message: result.problem };
  const { text } = result;
  if (/[\r\n]/.test(text)) {
    const message = "Cannot use the file that is named here: it has more than one line. Leave one.";
    return { place, message };
  }
  const origin = { ...node.origin, secretFile: path };
  return {
    kind: "scalar",
    value: text,
    source: text,
    plain: false,
    shown: shownSecret(text),
    origin,
  };
}

function textAt(node: ConfigNode, path: Path): ScalarNode | undefined {
  const value = nodeAt(node, path);
  const isText = value?.kind === "scalar" && typeof value.value === "string" && value.value !== "";
  return isText ? value : undefined;
}
