import { Redis, type RedisOptions } from "ioredis";
import type { RedisAddress } from "../../celery/redis-url.js";
import { messageOf } from "../../errors.js";

/** What a link reports; all calls come from the event loop, none from the constructor. */
export interface LinkEvents {
  /** Connected, authenticated, on the right database: make it usable; it is up when this resolves. */
  prepare(client: Redis): Promise<void>;
  up(downMs: number): void;
  down(cause: string, isConfiguration: boolean): void;
}

export interface LinkOptions {
  readonly address: RedisAddress;
  /** Shows in CLIENT LIST. */
  readonly name: string;
  readonly events: LinkEvents;
  /** Silence after which an open connection counts as dead, in milliseconds. */
  readonly livenessMs?: number;
}

const LIVENESS_MS = 10_000;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 5_000;
/** A connection that lived this long starts the back-off anew. */
const STABLE_MS = 10_000;

/**
 * One supervised connection to Redis: reconnects for ever with jittered back-off, never resends a
 * command, counts as up only after its own preparation succeeded, and is torn down when it is
 * half-open. Every one of ioredis' own recovery features is off: they resend publishes whose reply
 * was lost, which would run tasks twice.
 */
export class RedisLink {
  readonly client: Redis;
  #up = false;
  #closed = false;
  #attempts = 0;
  #upSinceMs = 0;
  #downSinceMs = -1;
  #lastError: unknown;
  #lastAnswerMs = 0;
  #connectedAtMs = 0;
  #pingPending = false;
  readonly #events: LinkEvents;
  readonly #livenessMs: number;
  readonly #db: number;

  constructor({ address, name, events, livenessMs = LIVENESS_MS }: LinkOptions) {
    this.#events = events;
    this.#livenessMs = livenessMs;
    this.#db = address.db;
    this.client = new Redis(this.#options(address, name));
    this.client.on("error", (error) => {
      this.#lastError = error;
    });
    this.client.on("connect", () => {
      this.#connectedAtMs = performance.now();
    });
    this.client.on("ready", () => void this.#prepare());
    this.client.on("close", () => this.#lost());
  }

  get isUp(): boolean {
    return this.#up;
  }

  /** Starts connecting; returns at once. */
  open(): void {
    this.client.connect().catch((error: unknown) => {
      this.#lastError ??= error;
    });
  }

  /**
   * Sends a PING and tears the connection down when the last ones were not answered in time.
   * Call it about once a second; `isLate` skips the verdict once.
   */
  checkLiveness(isLate: boolean): void {
    const nowMs = performance.now();
    if (!this.#up) {
      this.#checkHandshake(nowMs, isLate);
      return;
    }
    if (isLate) this.#lastAnswerMs = nowMs;
    if (nowMs - this.#lastAnswerMs > this.#livenessMs) {
      this.#lastError = new Error(
        `no answer for ${Math.round((nowMs - this.#lastAnswerMs) / 1000)} s on an open connection`,
      );
      // disconnect() would wait for the peer to close its side, which a stopped one never does.
      this.client.stream?.destroy();
      return;
    }
    if (this.#pingPending || nowMs - this.#lastAnswerMs < this.#livenessMs / 2) return;
    this.#pingPending = true;
    this.client.ping().then(
      () => this.answered(),
      () => {
        this.#pingPending = false;
      },
    );
  }

  /** A stopped server's kernel still accepts connections; its handshake then never ends. */
  #checkHandshake(nowMs: number, isLate: boolean): void {
    const isShaking = this.client.status === "connect" || this.client.status === "ready";
    if (!isShaking) return;
    if (isLate) this.#connectedAtMs = nowMs;
    if (nowMs - this.#connectedAtMs <= this.#livenessMs) return;
    this.#lastError = new Error("the server accepts the connection but does not answer");
    this.client.stream?.destroy();
  }

  /** Call it at any sign of life. */
  answered(): void {
    this.#pingPending = false;
    this.#lastAnswerMs = performance.now();
  }

  close(): void {
    this.#closed = true;
    this.#up = false;
    this.client.disconnect();
  }

  async #prepare(): Promise<void> {
    const client = this.client;
    const stream = client.stream;
    try {
      // A SELECT that fails in ioredis' handshake only emits `error`, and the client turns ready on
      // database 0: select again and wait for the answer.
      await client.select(this.#db);
      await this.#events.prepare(client);
    } catch (error) {
      if (client.stream !== stream) return; // lost meanwhile: the close handler has reported it
      this.#lastError = error;
      client.disconnect(true);
      return;
    }
    if (client.stream !== stream || client.status !== "ready" || this.#closed) return;
    this.#up = true;
    this.#upSinceMs = performance.now();
    this.#pingPending = false;
    this.answered();
    const downMs = this.#downSinceMs < 0 ? 0 : performance.now() - this.#downSinceMs;
    this.#downSinceMs = -1;
    this.#events.up(downMs);
  }

  #lost(): void {
    if (this.#closed) return;
    if (this.#up && performance.now() - this.#upSinceMs > STABLE_MS) this.#attempts = 0;
    this.#up = false;
    if (this.#downSinceMs < 0) this.#downSinceMs = performance.now();
    const error = this.#lastError;
    this.#lastError = undefined;
    const cause = error === undefined ? "connection closed by the server" : messageOf(error);
    this.#events.down(cause, isConfigurationFault(cause));
  }

  #options(address: RedisAddress, name: string): Omit<RedisOptions, "replyMapping"> {
    return {
      ...(address.path === undefined
        ? { host: address.host, port: address.port }
        : { path: address.path }),
      db: address.db,
      ...(address.username === undefined ? {} : { username: address.username }),
      ...(address.password === undefined ? {} : { password: address.password }),
      connectionName: name,
      lazyConnect: true,
      connectTimeout: 5_000,
      keepAlive: 30_000,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      autoResubscribe: false,
      retryStrategy: () => this.#backOffMs(),
      // 1 = reconnect without resending; 2 would resend.
      reconnectOnError: (error) => (error.message.startsWith("READONLY") ? 1 : false),
    };
  }

  /** Exponential with full jitter, so that a fleet does not return in step. */
  #backOffMs(): number {
    const ceilingMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#attempts++);
    return Math.max(FIRST_RETRY_MS / 2, Math.random() * ceilingMs);
  }
}

/** Answers that stay the same until somebody changes a password, a permission or the database. */
function isConfigurationFault(cause: string): boolean {
  return /^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password|ERR AUTH|ERR Client sent AUTH|ERR (invalid )?DB index|ERR Protocol error)/i.test(
    cause,
  );
}
