import { didYouMean } from "../../did-you-mean.js";
import type { UserError } from "../../errors.js";
import {
  type KnownOption,
  type OptionPlace,
  optionIn,
  optionsIn,
} from "../messages/known-options.js";
import { percentDecode, urlError } from "./url-parts.js";

/** Whose query it is, by what speaks behind the URL. */
export type QueryPlace = Extract<OptionPlace, `${string} URL`>;

/** The query of a URL, decoded. */
export type UrlQuery = ReadonlyMap<string, string>;

/**
 * The query by its keys, decoded as Python's `parse_qsl` does, which leaves out what has no value; each key must be
 * one that Celery or its client libraries know, and stand once. `own` are keys that we put there ourselves.
 */
export function readQuery(query: string, place: QueryPlace, own: readonly string[] = []): UrlQuery {
  const values = new Map<string, string>();
  for (const [key, value] of pairsOf(query)) {
    if (optionIn(place, key) === undefined && !own.includes(key)) throw unknownKey(key, place);
    if (values.has(key)) {
      throw urlError(`must have the query key ${key} once`, "Remove the second one.");
    }
    if (value !== "") values.set(key, percentDecode(value.replaceAll("+", " ")));
  }
  return values;
}

/** What of a query does not act. */
export function idleIn(query: string, place: QueryPlace): KnownOption[] {
  return pairsOf(query)
    .map(([key]) => optionIn(place, key))
    .filter((option) => option !== undefined)
    .filter(({ does }) => does !== "acts");
}

function pairsOf(query: string): (readonly [key: string, value: string])[] {
  return query
    .split("&")
    .filter((text) => text !== "")
    .map((pair) => {
      const [, key = "", value = ""] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
      return [key, value] as const;
    });
}

/** Names from other libraries' URLs. */
const SYNONYMS: Readonly<Record<string, string>> = {
  connection_timeout: "connect_timeout (in seconds)",
  cacertfile: "ssl_ca_certs",
  certfile: "ssl_certfile",
  keyfile: "ssl_keyfile",
  verify: "ssl_cert_reqs",
  server_name_indication: "ssl_server_hostname",
  auth_mechanism: "login_method",
};

/** The key is not named: what stands here may be the rest of a password with a bare question mark. */
function unknownKey(key: string, place: QueryPlace): UserError {
  if (place === "redis URL" && key === "ssl") {
    return urlError("must have no ssl in its query", "Write rediss:// for TLS.");
  }
  const meant =
    SYNONYMS[key] ??
    didYouMean(
      key,
      optionsIn(place).map(({ name }) => name),
    );
  return urlError(
    "must have no query key that Celery does not know",
    meant === undefined ? "Remove the ? and what follows." : `Did you mean ${meant}?`,
  );
}

/** A number of seconds as milliseconds; `range` holds the bounds, in seconds. */
export function readSeconds(
  query: UrlQuery,
  key: string,
  range: readonly [least: number, most: number],
): number | undefined {
  const text = query.get(key);
  if (text === undefined) return undefined;
  const seconds = /^\d{1,9}(?:\.\d*)?$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (seconds >= range[0] && seconds <= range[1]) return seconds * 1000;
  throw urlError(
    `must have seconds from ${range[0]} to ${range[1]} as its ${key}`,
    `Write ${key}=5.`,
  );
}

export function readWhole(
  query: UrlQuery,
  key: string,
  range: readonly [least: number, most: number],
): number | undefined {
  const text = query.get(key);
  if (text === undefined) return undefined;
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= range[0] && number <= range[1]) return number;
  throw urlError(
    `must have a whole number from ${range[0]} to ${range[1]} as its ${key}`,
    `Write ${key}=${range[1]}.`,
  );
}

/** As redis-py's `to_bool`: every text that does not say no is yes. */
export function readFlag(query: UrlQuery, key: string): boolean | undefined {
  const text = query.get(key);
  return text === undefined ? undefined : !/^(0|f|false|n|no|off)$/i.test(text.trim());
}
