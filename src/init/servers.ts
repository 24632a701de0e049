import { redactUrl } from "../celery/urls/redact-url.js";
import { checkBackendUrl, schemeOf } from "../celery/urls/server-url.js";
import type { WorkerFacts } from "../doctor/facts.js";

/** What to write for a broker or a result backend, and what to say about it. */
export interface ServerText {
  readonly value: string;
  readonly comments: readonly string[];
  /** The variable that must be set before the file can be used; null when none must. */
  readonly variable: string | null;
}

/** A URL that the user gave. */
export interface GivenUrl {
  readonly url: string;
  /** It came from the variable of the environment that Celery itself reads. */
  readonly isFromEnvironment: boolean;
}

/** The broker as it was given; a variable in place of one that has a password. */
export function brokerText(given: GivenUrl): ServerText {
  return givenText(given, "CELERY_BROKER_URL");
}

/**
 * The result backend as it was given, or else where the workers say that they store results. Null: as the
 * broker, for want of anything better.
 */
export function backendText(
  given: GivenUrl | null,
  workers: readonly WorkerFacts[],
): ServerText | null {
  if (given !== null) return givenText(given, "CELERY_RESULT_BACKEND");
  const told = workers.flatMap(({ settings }) => settings.resultBackend ?? []);
  const [first, ...others] = [...new Set(told)];
  if (first === undefined) return null;
  const also = others.length === 0 ? [] : [`Other workers store them at ${others.join(", ")}.`];
  const own = toldText(first);
  return { ...own, comments: [...own.comments, ...also] };
}

function givenText({ url, isFromEnvironment }: GivenUrl, variable: string): ServerText {
  const hidden = redactUrl(url);
  if (!isFromEnvironment && hidden === url) {
    return { value: escaped(url), comments: [], variable: null };
  }
  const why = isFromEnvironment ? "From the environment" : "It has a password, so set the variable";
  return { ...reference(variable), comments: [`${why}: ${hidden}`] };
}

function reference(variable: string): Omit<ServerText, "comments"> {
  return { value: `\${${variable}}`, variable };
}

/** A `result_backend` as Celery writes it, with passwords masked. */
function toldText(url: string): ServerText {
  const scheme = schemeOf(url) || url.toLowerCase().replace(/:.*$/, "");
  if (scheme === "rpc") return { value: "rpc://", comments: [], variable: null };
  if (scheme === "disabled") {
    const comments = [
      "The workers store no results: outcomes come from events (celery worker -E).",
    ];
    return { value: "disabled", comments, variable: null };
  }
  if (!isReadable(url)) {
    const comments = [
      `The workers store results at ${url}, which celery-load cannot read: outcomes come from events`,
      "(celery worker -E). Or let workers of their own store them in Redis or by rpc://.",
    ];
    return { value: "disabled", comments, variable: null };
  }
  if (!url.includes("***")) {
    const comments = ["Where the workers store results, by what they say."];
    return { value: escaped(url), comments, variable: null };
  }
  const comments = [`The workers store results at ${url} and hide the password: set the variable.`];
  return { ...reference("CELERY_RESULT_BACKEND"), comments };
}

/** Whether results can be read from there; a masked password stands for any. */
function isReadable(url: string): boolean {
  try {
    checkBackendUrl(url.replaceAll("***", "x"));
    return true;
  } catch {
    return false;
  }
}

/** In a configuration $$ is a dollar sign. */
export function escaped(text: string): string {
  return text.replaceAll("$", "$$$$");
}
