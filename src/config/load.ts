import { resolve } from "node:path";
import { redactUrl } from "../celery/urls/redact-url.js";
import { ConfigError, type Fault } from "../errors.js";
import { checkTlsFiles, withAbsoluteTlsFiles } from "./connections/tls-files.js";
import { withoutDefaults } from "./defaults.js";
import type { ConfigIssue } from "./faults/config-issue.js";
import { faultsOf, MAX_FAULTS } from "./faults/faults.js";
import { quote } from "./faults/quote.js";
import { effectiveTree } from "./print/effective.js";
import { CONFIG_SCHEMA, CONFIG_SHAPE, type Config, readConfig } from "./schema.js";
import { withAbsoluteStateFile } from "./server/state-fields.js";
import { warningsOfSlos } from "./slos/check-slos.js";
import { type GivenValue, mergeLayers } from "./sources/layers.js";
import { putSecrets } from "./sources/put-secrets.js";
import { SecretFiles } from "./sources/secret-files.js";
import { type FileText, readSourceFile } from "./sources/source-file.js";
import { inlinePart } from "./sources/substitute.js";
import { secretsOf, withoutSecrets } from "./sources/told-secrets.js";
import { type ConfigNode, nodeAt, placeOf, type ScalarNode } from "./sources/tree.js";
import { environmentOf, type Variables } from "./sources/variables.js";
import { readYamlFile } from "./sources/yaml-source.js";
import { remarksOnOptions } from "./tasks/idle-options.js";
import { configValue } from "./tasks/sent-values.js";

export interface LoadOptions {
  /** Paths in the order of precedence, the last one winning; they are shown as given. */
  readonly files: readonly string[];
  readonly env: Variables;
  readonly overrides?: readonly GivenValue[];
  /** Directory that relative paths start from; default: that of the process. */
  readonly cwd?: string;
  /** `CELERY_LOAD_*` variables that belong to the command itself and are no configuration. */
  readonly reservedVariables?: readonly string[];
}

export interface LoadedConfig {
  readonly config: Config;
  /** Absolute paths of the files that were read. */
  readonly sources: readonly string[];
  /** Makes what is in effect as it would be written, with defaults. */
  readonly effective: () => ConfigNode;
  /** What the user should know although it works. */
  readonly warnings: readonly string[];
  /** What is accepted and does nothing. */
  readonly notes: readonly string[];
  /** What is found wrong later, when it is known what is to be done with it, with its places and in words. */
  readonly errorOf: (issues: readonly ConfigIssue[]) => ConfigError;
}

/**
 * Reads files, environment and command line into one frozen configuration.
 *
 * @throws {ConfigError} with every fault that was found, each with its place. No fault holds a
 *   password.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const files = readFiles(options);
  const cwd = options.cwd ?? process.cwd();
  const secretFiles = new SecretFiles();
  const merged = mergeLayers({
    files: files.map((file) => file.root),
    env: environmentOf(options.env, secretFiles.read, cwd),
    overrides: options.overrides ?? [],
    reservedVariables: options.reservedVariables ?? RESERVED_VARIABLES,
    shape: CONFIG_SHAPE,
  });
  const placed = putSecrets(merged.root, secretFiles.read, cwd);
  const root = withAbsoluteStateFile(withAbsoluteTlsFiles(placed.root, cwd), cwd);
  const faults = [...merged.faults, ...placed.faults];
  const result = readConfig(configValue(root, faults));
  const told = new Set(faults.map((fault) => fault.place));
  const secrets = secretsOf(root);
  if ("issues" in result) {
    const ofSchema = faultsOf(result.issues, root, CONFIG_SHAPE, options.files, told);
    const clean = ofSchema.told.map((fault) => withoutSecrets(fault, secrets));
    throw configError([...faults, ...clean], ofSchema.untold);
  }
  if (faults.length > 0) throw configError(faults);
  const tlsFiles = checkTlsFiles(result.config, root);
  if (tlsFiles.faults.length > 0) {
    throw configError(tlsFiles.faults.map((fault) => withoutSecrets(fault, secrets)));
  }
  const remarks = remarksOnOptions(result.config, root);
  return {
    config: result.config,
    sources: files.map((file) => file.path),
    effective: () => effectiveTree(withoutDefaults(root), CONFIG_SCHEMA),
    warnings: [
      ...files.flatMap((file) => file.warnings),
      ...secretFiles.warnings,
      ...tlsFiles.warnings,
      ...warningsOfSlos(result.config.slos, root),
      ...remarks.warnings,
    ],
    notes: remarks.notes,
    errorOf: (issues) => {
      const { told, untold } = faultsOf(issues, root, CONFIG_SHAPE, options.files, new Set());
      return configError(told, untold);
    },
  };
}

/** Variables that the commands and the build read themselves. */
const RESERVED_VARIABLES: readonly string[] = [
  ...["CELERY_LOAD_LOG_LEVEL", "CELERY_LOAD_COMMIT"],
  "CELERY_LOAD_PUSH_URL",
  ...["CELERY_LOAD_CONTROL_URL", "CELERY_LOAD_CONTROL_TOKEN_FILE"],
];

/** @param untold how many more there are */
function configError(faults: readonly Fault[], untold = 0): ConfigError {
  const rest = faults.length - MAX_FAULTS + untold;
  if (rest <= 0) return new ConfigError(faults);
  const message = `${rest} more faults are not shown. Mend the first ones and check again.`;
  return new ConfigError([...faults.slice(0, MAX_FAULTS), { place: "configuration", message }]);
}

interface ConfigFile {
  readonly path: string;
  readonly root: ConfigNode;
  readonly warnings: readonly string[];
}

function readFiles({ files, cwd = process.cwd() }: LoadOptions): ConfigFile[] {
  let faults: Fault[] = [];
  const read: ConfigFile[] = [];
  for (const file of files) {
    const path = resolve(cwd, file);
    const source = readSourceFile(path, file);
    if ("message" in source) {
      faults.push(source);
      continue;
    }
    const result = readYamlFile(source.text, file);
    if (result.root === undefined) {
      faults = faults.concat(result.faults);
      continue;
    }
    const protection = checkProtection(result.root, source, file);
    faults.push(...protection.faults);
    read.push({ path, root: result.root, warnings: protection.warnings });
  }
  if (faults.length > 0) throw configError(faults);
  return read;
}

/** A password in a file must not be everybody's to read, and never everybody's to change. */
function checkProtection(
  root: ConfigNode,
  source: FileText,
  file: string,
): { faults: readonly Fault[]; warnings: readonly string[] } {
  const [secret] = inlineSecrets(root);
  if (secret === undefined) return { faults: [], warnings: [] };
  const remedy = `Run chmod 600 ${quote(file)}, or write \${NAME} for the URL and set the variable NAME.`;
  if (source.isWritableByAll) {
    const message = `Cannot use a file that holds a password and that every user can change. ${remedy}`;
    return { faults: [{ place: placeOf(secret.origin), message }], warnings: [] };
  }
  const warning = `${placeOf(secret.origin)}: This file holds a password and other users can read it. ${remedy}`;
  return { faults: [], warnings: source.isReadableByOthers ? [warning] : [] };
}

/** Texts with a password that is written in the file, not taken from a variable. */
function inlineSecrets(node: ConfigNode): ScalarNode[] {
  if (node.kind === "list") return node.items.flatMap(inlineSecrets);
  if (node.kind === "map") {
    return [...node.entries].flatMap(([key, { value }]) =>
      key === "sentinel_kwargs" ? inlinePasswords(value) : inlineSecrets(value),
    );
  }
  if (typeof node.value !== "string" || !node.value.includes("://")) return [];
  const inline = inlinePart(node.value);
  return redactUrl(inline) === inline ? [] : [node];
}

function inlinePasswords(node: ConfigNode): ScalarNode[] {
  const password = nodeAt(node, ["password"]);
  const isText = password?.kind === "scalar" && typeof password.value === "string";
  return isText && inlinePart(String(password.value)) !== "" ? [password] : [];
}
