import { resolve } from "node:path";
import { DEFAULT_CONTROL } from "../config/control-fields.js";
import { quote } from "../config/faults/quote.js";
import { loadConfig } from "../config/load.js";
import { SecretFiles } from "../config/sources/secret-files.js";
import type { Variables } from "../config/sources/variables.js";
import { ConfigError } from "../errors.js";

/** The daemon that orders are given to. */
export interface ControlTarget {
  /** Ends in a slash. */
  readonly url: URL;
  readonly token: string | null;
}

export interface TargetFlags {
  readonly url?: string | undefined;
  readonly tokenFile?: string | undefined;
  /** Configuration files, as the daemon has them. */
  readonly config: readonly string[];
}

const URL_VARIABLE = "CELERY_LOAD_CONTROL_URL";
const TOKEN_VARIABLE = "CELERY_LOAD_CONTROL_TOKEN_FILE";

/**
 * Where the daemon takes orders: `--url`, else the variable, else what the configuration says, else the default.
 * So is the token's file found. The token goes to nobody else: not behind a redirect either.
 * @throws {ConfigError} when one of them cannot be used
 */
export function controlTarget(flags: TargetFlags, env: Variables): ControlTarget {
  const configured =
    flags.config.length === 0 ? null : loadConfig({ files: flags.config, env }).config.control;
  const [text, place] =
    flags.url !== undefined ? [flags.url, "--url"] : [env[URL_VARIABLE] || undefined, URL_VARIABLE];
  const [file, filePlace] =
    flags.tokenFile !== undefined
      ? [flags.tokenFile, "--token-file"]
      : [env[TOKEN_VARIABLE] || undefined, TOKEN_VARIABLE];
  return {
    url: text === undefined ? configuredUrl(configured) : parseUrl(text, place),
    token: file === undefined ? (configured?.token ?? null) : readToken(file, filePlace),
  };
}

function configuredUrl(control: { listen: { host: string; port: number } | null } | null): URL {
  if (control === null) return new URL(`http://${DEFAULT_CONTROL}/`);
  if (control.listen === null) {
    throw fault("--config", "control.listen is off there: this daemon takes no orders.");
  }
  const { host, port } = control.listen;
  if (port === 0) {
    const message =
      "control.listen leaves the port to the system. Write --url with the one in the log.";
    throw fault("--config", message);
  }
  // Who listens everywhere can be asked here.
  const named = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
  return new URL(`http://${named.includes(":") ? `[${named}]` : named}:${port}/`);
}

function parseUrl(text: string, place: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw fault(place, `must be a URL such as http://${DEFAULT_CONTROL}; found ${quote(text)}.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw fault(place, "must be a URL without user and password. Write --token-file.");
  }
  url.pathname = url.pathname.replace(/\/?$/, "/");
  return url;
}

function readToken(file: string, place: string): string {
  const result = new SecretFiles().read(resolve(file), file);
  if ("problem" in result) throw fault(place, result.problem);
  if (/^[\x21-\x7e]+$/.test(result.text)) return result.text;
  throw fault(place, "Cannot use the file that is named here: a token is one word on one line.");
}

function fault(place: string, message: string): ConfigError {
  return new ConfigError([{ place, message }]);
}
