import { Redis, type RedisOptions } from "ioredis";
import { isAllowed } from "../../celery/urls/allowed-hosts.js";
import type { SentinelSettings } from "../../celery/urls/sentinel-url.js";
import type { TlsSettings } from "../../celery/urls/tls-query.js";
import { messageOf } from "../../errors.js";
import { tlsFault, tlsOptions } from "../tls.js";

/** How long a Sentinel may take to answer; a stopped one's kernel still accepts connections. */
const ANSWER_MS = 3_000;
/** A machine that is gone does not even refuse: the next Sentinel may know the new master already. */
const CONNECT_TIMEOUT_MS = 2_000;

type Options = Omit<RedisOptions, "replyMapping">;

/**
 * The Sentinels that know a server. ioredis asks them before every connection; between two connections
 * they are asked only when the server is silent.
 */
export class Sentinels {
  readonly #settings: SentinelSettings;
  readonly #tls: TlsSettings | undefined;
  /** Their last answer to ioredis, as host:port. */
  #named = "";
  #isAsking = false;

  /** `tls` is that of the server. */
  constructor(settings: SentinelSettings, tls: TlsSettings | undefined) {
    this.#settings = settings;
    this.#tls = tls;
  }

  /** `retry` is called at the end of the list and says when to begin anew, in milliseconds. */
  options(retry: () => number): Options {
    const { servers, masterName, username, password, allowedHosts } = this.#settings;
    return {
      sentinels: servers.map((server) => ({ ...server })),
      name: masterName,
      role: "master",
      ...(username === undefined ? {} : { sentinelUsername: username }),
      ...(password === undefined ? {} : { sentinelPassword: password }),
      ...this.files(),
      // Only those that the user named, as in Celery.
      updateSentinels: false,
      connectTimeout: CONNECT_TIMEOUT_MS,
      sentinelCommandTimeout: ANSWER_MS,
      sentinelRetryStrategy: retry,
      // Gets each answer; null leaves it as it is.
      natMap: (answer: string) => {
        if (allowedHosts !== undefined) checkAnswer(answer, allowedHosts);
        this.#named = answer;
        return null;
      },
    };
  }

  /**
   * The options with certificates and keys, whose files are read at every call.
   * @throws when one cannot be read
   */
  files(): Options {
    const tls = this.#tls;
    return {
      // The host differs from server to server: Node compares the certificate with the one it is on.
      ...(tls === undefined ? {} : { tls: tlsOptions(tls, ""), enableTLSForSentinelMode: true }),
      ...this.#ownTls(),
    };
  }

  /**
   * True when one of them names another server than they did when the connection was made; false as
   * well when none answers, or the last question is still open.
   */
  async nameAnother(): Promise<boolean> {
    if (this.#isAsking) return false;
    this.#isAsking = true;
    const named = this.#named;
    try {
      const answers = await Promise.all(this.#settings.servers.map((server) => this.#ask(server)));
      return answers.some((answer) => answer !== undefined && answer !== named);
    } finally {
      this.#isAsking = false;
    }
  }

  async #ask(server: SentinelSettings["servers"][number]): Promise<string | undefined> {
    const { masterName, username, password } = this.#settings;
    let sentinel: Redis | undefined;
    try {
      sentinel = new Redis({
        ...server,
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
        tls: this.#ownTls().sentinelTLS,
        lazyConnect: true,
        enableReadyCheck: false,
        retryStrategy: () => null,
        connectTimeout: CONNECT_TIMEOUT_MS,
        commandTimeout: ANSWER_MS,
      });
      sentinel.on("error", () => {}); // the command's own tells it
      const answer = await sentinel.call("SENTINEL", "get-master-addr-by-name", masterName);
      return Array.isArray(answer) ? answer.join(":") : undefined;
    } catch {
      return undefined; // what is wrong with it shows when a connection has to be made
    } finally {
      sentinel?.disconnect();
    }
  }

  /** The Sentinels have their own switch for TLS. */
  #ownTls(): Pick<Options, "sentinelTLS"> {
    if (!this.#settings.isTls) return {};
    return { sentinelTLS: tlsOptions(this.#tls ?? { verify: true, checkHostName: true }, "") };
  }
}

/** Says of an answer of a Sentinel that it cannot help, or undefined when it may the next time. */
export function sentinelFault(error: unknown): string | undefined {
  const message = messageOf(error);
  if (message.includes("got an invalid reply: null")) {
    return "the Sentinel knows no Redis of that name: set options.master_name to the name in its configuration (sentinel monitor NAME …)";
  }
  if (!message.startsWith("failed to connect to sentinel")) return undefined;
  if (message.includes(REFUSED)) return message.slice(message.indexOf(REFUSED));
  const cause = message.replace(/^.* because /s, "");
  if (/^(NOAUTH|WRONGPASS|NOPERM|ERR AUTH|ERR Client sent AUTH)/.test(cause)) {
    return `the Sentinel answers ${cause}: set options.sentinel_kwargs (username, password)`;
  }
  const fault = tlsFault(new Error(cause));
  return fault === undefined ? undefined : `of the Sentinel: ${fault}`;
}

const REFUSED = "the Sentinel names a Redis that is not in allow.hosts";

function checkAnswer(answer: string, allowedHosts: readonly string[]): void {
  const end = answer.lastIndexOf(":");
  const host = answer.slice(0, end).toLowerCase();
  if (isAllowed({ host, port: Number(answer.slice(end + 1)) }, allowedHosts)) return;
  throw new Error(`${REFUSED}: ${answer}`);
}
