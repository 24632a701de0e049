import { messageOf, UserError } from "../errors.js";

/** A series of an answer. */
export interface PrometheusSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [unixSeconds: number, value: number])[];
}

/** How long one query may take: that of a week of many series takes Prometheus seconds. */
const ANSWER_MS = 60_000;

/** Prometheus' HTTP API (or that of Thanos, Mimir, VictoriaMetrics), to read. */
export class PrometheusClient {
  /** Without a password. */
  readonly shownUrl: string;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  /** What it warned of. */
  readonly warnings = new Set<string>();

  /**
   * @param url a user and a password in it are sent as such
   * @param token of a bearer
   * @throws {UserError} when it is no URL
   */
  constructor(url: string, token: string | null) {
    const parsed = URL.canParse(url) ? new URL(url) : null;
    if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
      throw new UserError("The URL of Prometheus must be like http://prometheus:9090.", {
        hint: "Write celery-load learn --from prometheus http://prometheus:9090 --range 7d.",
      });
    }
    const { username, password } = parsed;
    const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
    this.#headers = {
      ...(username === "" ? {} : { authorization: `Basic ${basic.toString("base64")}` }),
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    };
    parsed.username = "";
    parsed.password = "";
    parsed.search = "";
    this.#url = parsed.href.replace(/\/+$/, "");
    this.shownUrl = this.#url;
  }

  /** A query at one time. A range selector gives the samples as they are. */
  async query(query: string, unixMs: number): Promise<PrometheusSeries[]> {
    return await this.#series("query", { query, time: String(unixMs / 1000) });
  }

  /** A query at each point of a grid, both ends included. */
  async range(
    query: string,
    fromUnixMs: number,
    untilUnixMs: number,
    stepMs: number,
  ): Promise<PrometheusSeries[]> {
    return await this.#series("query_range", {
      query,
      start: String(fromUnixMs / 1000),
      end: String(untilUnixMs / 1000),
      step: String(stepMs / 1000),
    });
  }

  /** How many series a selector has between two times. Of the index only, however many samples there are. */
  async count(selector: string, fromUnixMs: number, untilUnixMs: number): Promise<number> {
    const data = await this.#ask<readonly unknown[]>("series", {
      "match[]": selector,
      start: String(fromUnixMs / 1000),
      end: String(untilUnixMs / 1000),
    });
    return data?.length ?? 0;
  }

  async #series(path: string, parameters: Readonly<Record<string, string>>) {
    const data = await this.#ask<SeriesAnswer>(path, parameters);
    return (data?.result ?? []).map(({ metric, values, value }): PrometheusSeries => {
      const points = values ?? (value === undefined ? [] : [value]);
      return { labels: metric, points: points.map(([time, one]) => [time, Number(one)]) };
    });
  }

  async #ask<Data>(path: string, parameters: Readonly<Record<string, string>>) {
    const { status, text } = await this.#post(path, parameters);
    const answer = readAnswer<Data>(text);
    if (answer === null || answer.status !== "success") {
      const why = answer?.error ?? `it answers ${status}`;
      throw new UserError(`Prometheus at ${this.#url} cannot be asked: ${why}.`, {
        hint: hintOf(status),
      });
    }
    for (const warning of answer.warnings ?? []) this.warnings.add(warning);
    return answer.data;
  }

  async #post(path: string, parameters: Readonly<Record<string, string>>) {
    try {
      const response = await fetch(`${this.#url}/api/v1/${path}`, {
        method: "POST",
        headers: this.#headers,
        body: new URLSearchParams(parameters),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new UserError(`Prometheus at ${this.#url} cannot be reached: ${messageOf(cause)}.`, {
        hint: "Check the URL, and that it can be reached from this machine (kubectl port-forward).",
      });
    }
  }
}

function hintOf(status: number): string {
  if (status === 401 || status === 403) {
    return "Put user and password into the URL, or name a file with a token: --token-file FILE.";
  }
  if (status === 404) return "Name the URL before /api/v1, with its path where it has one.";
  if (status === 422 || status === 503) {
    return "Ask for less: a shorter --range, a longer --step, or --match with one job.";
  }
  return "Check the URL, and what --match adds to each query.";
}

interface Answer<Data> {
  readonly status: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly data?: Data;
}

interface SeriesAnswer {
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly values?: readonly (readonly [number, string])[];
    readonly value?: readonly [number, string];
  }[];
}

/** Null when it is no answer of Prometheus. */
function readAnswer<Data>(text: string): Answer<Data> | null {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === "object" && answer !== null && "status" in answer
      ? (answer as Answer<Data>)
      : null;
  } catch {
    return null;
  }
}
