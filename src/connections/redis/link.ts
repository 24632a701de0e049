import type { Socket } from "node:net";
import { Redis, type RedisOptions } from "ioredis";
import { isWithin } from "../../celery/urls/allowed-hosts.js";
import type { RedisAddress, RedisServer } from "../../celery/urls/redis-url.js";
import { messageOf } from "../../errors.js";
import { addressFault, lookupOf, notAllowed } from "../allowed-lookup.js";
import { asideMs, BackOff } from "../back-off.js";
import { isFull, STEPPED_ASIDE } from "../limit.js";
import { tlsFault, tlsOptions } from "../tls.js";
import { containFaults, countIn } from "./contained-faults.js";
import { DirectConnector, type DirectOptions } from "./direct-connector.js";
import { enter, isHelloRefused } from "./enter.js";
import { accountFault, hintFor, inOurWords, WRONG_KIND, wrongKindOf } from "./faults.js";
import { isServerRefusal } from "./reply.js";
import type { BulkText, MessageHandler } from "./resp-reader.js";
import { Sentinels, sentinelFault } from "./sentinel.js";
import { firstWords, speaks } from "./speaks.js";
import { Wire } from "./wire.js";

/** What a link reports; all calls come from the event loop, none from the constructor. */
export interface LinkEvents {
  /** Connected, authenticated, on the right database: make it usable; it is up when this resolves. */
  prepare(client: Redis): Promise<void>;
  up(downMs: number): void;
  /** A sign of life: every answer to what was sent before has been read. */
  answered?(): void;
  down(cause: string, isConfiguration: boolean): void;
}

export interface LinkOptions {
  readonly address: RedisAddress;
  /** Shows in CLIENT LIST. */
  readonly name: string;
  readonly events: LinkEvents;
  /**
   * Past ioredis on the hot path: its socket is taken over once it is prepared, and commands go through
   * `wire` and `call`, no more through `client`. `wired` completes the preparation.
   */
  readonly takeOver?: {
    message: MessageHandler;
    wired(wire: Wire): Promise<void>;
  };
  /** What `call` answers for bytes of a server's; UTF-8 text without it. */
  readonly bulkText?: BulkText;
  /** The load goes on without it: places of a server that is full are for others first. */
  readonly isOptional?: boolean;
  /** Messages come over it unasked. */
  readonly subscribes?: boolean;
  /** Silence after which an open connection counts as dead, in milliseconds. */
  readonly livenessMs?: number;
}

containFaults();

const LIVENESS_MS = 10_000;
/** It is looked at once a second: a PING and its answer have to come in between. */
const LEAST_LIVENESS_MS = 3_000;
/** Sentinels can say sooner that a server is given up: how long silence lasts before they are asked. */
const SUSPICIOUS_MS = 2_000;
/** So long a server that turned out to be a replica again is kept. */
const REPLICA_AGAIN_MS = 15_000;
/** While they are asked, an attempt costs little and the new master may be there any moment. */
const LAST_SENTINEL_BACK_OFF_MS = 1_000;

/** So much is shown of what is no Redis. */
const FIRST_BYTES = 40;

/**
 * One supervised connection to Redis: reconnects for ever with jittered back-off, never resends a
 * command, counts as up only after its own preparation succeeded, and is torn down when it is
 * half-open. Every one of ioredis' own recovery features is off: they resend publishes whose reply
 * was lost, which would run tasks twice.
 */
export class RedisLink {
  readonly client: Redis;
  /** The socket, when it is taken over. */
  wire: Wire | undefined;
  #up = false;
  #closed = false;
  /** Connected since the last loss, be it for a moment. */
  #wasConnected = false;
  #downSinceMs = -1;
  #upMs = 0;
  #lastError: unknown;
  /** What the server began with, until it is up. */
  #firstBytes: Buffer | undefined;
  #lastAnswerMs = 0;
  #pingPending = false;
  #retry: NodeJS.Timeout | undefined;
  readonly #events: LinkEvents;
  readonly #takeOver: LinkOptions["takeOver"];
  readonly #bulkText: BulkText | undefined;
  readonly #isOptional: boolean;
  readonly #subscribes: boolean;
  /** The server was full, and others go before. */
  #isAside = false;
  /** It was when it was last asked why it cuts us off. */
  #wasFull = false;
  readonly #livenessMs: number;
  /** Silence after which a PING asks for an answer. */
  readonly #pingAfterMs: number;
  readonly #backOff: BackOff;
  /** Those of a fail-over list, in the order in which they are tried. */
  readonly #servers: readonly RedisServer[];
  readonly #sentinels: Sentinels | undefined;
  #current = 0;

  constructor(options: LinkOptions) {
    const { address, name, events, takeOver, bulkText, livenessMs = LIVENESS_MS } = options;
    const { timeoutMs = livenessMs, healthCheckMs, keepAlive = true } = address.socket ?? {};
    this.#events = events;
    this.#takeOver = takeOver;
    this.#bulkText = bulkText;
    this.#isOptional = options.isOptional ?? false;
    this.#subscribes = options.subscribes ?? false;
    this.#livenessMs = Math.max(timeoutMs, LEAST_LIVENESS_MS);
    this.#pingAfterMs = Math.min(healthCheckMs || Infinity, this.#livenessMs / 2);
    this.#servers = [address, ...(address.alternatives ?? [])];
    this.#sentinels =
      address.sentinel === undefined ? undefined : new Sentinels(address.sentinel, address.tls);
    this.#backOff = new BackOff(address.sentinel && LAST_SENTINEL_BACK_OFF_MS);
    this.client = new Redis(this.#options(address, name));
    this.client.on("error", (error) => {
      if (isHelloRefused(error)) {
        this.client.options.protocol = 2;
        return;
      }
      // It sums up what `sentinelError` has told of each one.
      if (!error.message.startsWith("All sentinels are unreachable")) this.#lastError = error;
    });
    this.client.on("sentinelError", (error: Error) => {
      this.#lastError = error;
    });
    this.client.on("connect", () => {
      this.#lastAnswerMs = performance.now();
      this.#wasConnected = true;
      this.#checkAddress();
      this.client.stream.once("data", (bytes: Buffer) => {
        if (!this.#up) this.#firstBytes = Buffer.from(bytes.subarray(0, FIRST_BYTES));
      });
      // ioredis has just switched it on.
      if (!keepAlive) this.client.stream.setKeepAlive(false);
    });
    this.client.on("ready", () => void this.#prepare());
    this.client.on("end", () => this.#revive());
  }

  get isUp(): boolean {
    return this.#up;
  }

  /** Which server of a fail-over list is tried or in use; those that Sentinels name are one. */
  get serverIndex(): number {
    return this.#current % this.#servers.length;
  }

  /** Starts connecting; returns at once. */
  open(): void {
    this.client.connect().catch(() => {}); // its `error` has told why
  }

  /** The server is known to be there: tries now instead of at the end of the back-off. */
  hurry(): void {
    if (this.client.status === "reconnecting" && !this.#isAside) this.open();
  }

  /** Leaves its place on the server to others for a while. */
  stepAside(): void {
    if (this.#isConnected) this.#tearDown(STEPPED_ASIDE);
  }

  /**
   * Sends a PING and tears the connection down when the last ones were not answered in time, or when
   * Sentinels have another server by then. A stopped server's kernel still accepts connections, whose
   * handshake then never ends. Call it about once a second; `isLate` skips the verdict once.
   */
  checkLiveness(isLate: boolean): void {
    if (!this.#isConnected) return;
    const nowMs = performance.now();
    if (isLate) this.#lastAnswerMs = nowMs;
    const silentMs = nowMs - this.#lastAnswerMs;
    if (silentMs > this.#livenessMs) {
      this.#tearDown(
        this.#up
          ? `no answer for ${Math.round(silentMs / 1000)} s on an open connection`
          : "the server accepts the connection but does not answer",
      );
      return;
    }
    if (silentMs > SUSPICIOUS_MS) void this.#leaveIfDeposed();
    const patienceMs = this.#sentinels === undefined ? Infinity : SUSPICIOUS_MS / 2;
    if (!this.#up || this.#pingPending || silentMs < Math.min(this.#pingAfterMs, patienceMs)) {
      return;
    }
    this.#pingPending = true;
    this.call("PING").then(
      () => this.answered(),
      (error: Error) => {
        // A refusal, be it for want of the permission, is a sign of life as well.
        if (isServerRefusal(error)) this.answered();
        else this.#pingPending = false;
      },
    );
  }

  get #isConnected(): boolean {
    return this.#up || this.client.status === "connect" || this.client.status === "ready";
  }

  async #leaveIfDeposed(): Promise<void> {
    const { stream } = this.client;
    if (!(await this.#sentinels?.nameAnother()) || this.client.stream !== stream) return;
    this.#tearDown("the Sentinels name another master, and this one does not answer");
  }

  /** disconnect() would wait for the peer to close its side, which a stopped one never does. */
  #tearDown(reason: string): void {
    this.#lastError = new Error(reason);
    this.client.stream?.destroy();
  }

  /** Call it at any sign of life. */
  answered(): void {
    this.#pingPending = false;
    this.#lastAnswerMs = performance.now();
    this.#events.answered?.();
  }

  /** Any command on this connection. */
  call(...[command, ...args]: readonly [string, ...string[]]): Promise<unknown> {
    if (this.wire === undefined) return this.#callClient(command, args);
    return this.wire.call(command, ...args).catch((error: Error) => {
      if (error.message.startsWith("READONLY")) this.leaveReplica(error.message);
      throw error;
    });
  }

  async #callClient(command: string, args: readonly string[]): Promise<unknown> {
    const bulkText = this.#bulkText;
    if (bulkText === undefined) return this.client.call(command, ...args);
    const answer = await this.client.callBuffer(command, ...args);
    return Buffer.isBuffer(answer) ? bulkText(answer, 0, answer.length) : answer;
  }

  /**
   * Any commands, in one go; `answered` gets each answer.
   * @throws the first error that one of them is answered with
   */
  async callAll(
    commands: readonly (readonly [string, ...string[]])[],
    answered: (answer: unknown, index: number) => void = () => {},
  ): Promise<void> {
    const { stream } = this.client;
    stream?.cork();
    const answers = commands.map(async (command, index) =>
      answered(await this.call(...command), index),
    );
    stream?.uncork();
    await Promise.all(answers);
  }

  /**
   * A command that is answered with a count.
   * @throws when the answer is none; the connection is reset then
   */
  async count(...command: readonly [string, ...string[]]): Promise<number> {
    const reply = await this.call(...command);
    try {
      return countIn(reply);
    } catch (error) {
      this.leave(messageOf(error));
      throw error;
    }
  }

  /** Connects anew: the server answers nonsense. */
  leave(reason: string): void {
    this.#tearDown(reason);
  }

  /**
   * Connects anew, as the server has become a replica, which takes no writes: its name may stand for the new
   * master by then. Where it does not, connecting all the time would help nobody.
   */
  leaveReplica(reason: string): void {
    if (this.#mayLeaveReplica) this.#tearDown(reason);
  }

  get #mayLeaveReplica(): boolean {
    return this.#sentinels !== undefined || performance.now() - this.#upMs > REPLICA_AGAIN_MS;
  }

  close(): void {
    this.#closed = true;
    this.#up = false;
    clearTimeout(this.#retry);
    this.client.disconnect();
  }

  async #prepare(): Promise<void> {
    const client = this.client;
    const stream = client.stream;
    try {
      await enter(client, this.#server.db, this.#sentinels !== undefined);
      await this.#events.prepare(client);
      if (this.#takeOver !== undefined && client.stream === stream) {
        const wire = new Wire(client, this.#takeOver.message, this.#bulkText);
        this.wire = wire;
        await this.#takeOver.wired(wire);
      }
    } catch (error) {
      if (client.stream !== stream) return; // lost meanwhile: the close handler has reported it
      this.#lastError = error;
      client.disconnect(true);
      return;
    }
    if (client.stream !== stream || client.status !== "ready" || this.#closed) return;
    this.#up = true;
    this.#firstBytes = undefined;
    this.#upMs = performance.now();
    this.#backOff.succeeded();
    this.#wasFull = false;
    this.#lastError = undefined;
    this.#pingPending = false;
    this.answered();
    const downMs = this.#downSinceMs < 0 ? 0 : performance.now() - this.#downSinceMs;
    this.#downSinceMs = -1;
    this.#events.up(downMs);
  }

  /** Neither TLS nor Sentinels, which ioredis connects to in ways of its own. */
  get #isPlain(): boolean {
    if (this.#sentinels !== undefined) return false;
    const isOwn = this.#takeOver !== undefined || this.#servers.some(isHeldToAddresses);
    return isOwn && this.#servers.every(({ tls }) => tls === undefined);
  }

  /** ioredis looks up itself what a Sentinel names, and what of a list is without TLS beside others with it. */
  #checkAddress(): void {
    const { allowedAddresses, host, path } = this.#server;
    const { remoteAddress } = this.client.stream as Socket;
    if (allowedAddresses === undefined || path !== undefined) return;
    if (remoteAddress === undefined || isWithin(remoteAddress, allowedAddresses)) return;
    this.#lastError = notAllowed(host, [{ address: remoteAddress }], allowedAddresses);
    this.client.stream.destroy();
  }

  get #server(): RedisServer {
    return this.#servers[this.serverIndex]!;
  }

  #lost(): void {
    if (this.#closed) return;
    const first = this.#firstBytes;
    this.#firstBytes = undefined;
    const error = inOurWords(this.#lastError, first);
    const server = this.#server;
    const wasConnected = this.#wasConnected;
    if (this.#up) this.#backOff.lost();
    else this.#current += 1;
    const wasUp = this.#up;
    this.#up = false;
    this.wire = undefined;
    this.#lastError = undefined;
    const wrongKind =
      wasUp || this.#sentinels !== undefined
        ? null
        : wrongKindOf(server, error, wasConnected, first);
    const isKnownFull = this.#wasFull && wrongKind !== null;
    this.#isAside = this.#isOptional && (isKnownFull || isFull(messageOf(error)));
    this.#wasConnected = false;
    this.#aim();
    if (this.#downSinceMs < 0) this.#downSinceMs = performance.now();
    if (wrongKind === null) this.#report(server, error, wasUp);
    else void this.#probe(server, wrongKind, error);
  }

  #waitMs(): number {
    return this.#isAside ? asideMs() : this.#backOff.nextMs();
  }

  #report(server: RedisServer, error: unknown, wasUp: boolean): void {
    const fault =
      addressFault(error) ?? tlsFault(error) ?? sentinelFault(error) ?? accountFault(server, error);
    const text = error === undefined ? "connection closed by the server" : messageOf(error);
    const cause = fault ?? text + hintFor(error, { subscribes: this.#subscribes, wasUp });
    this.#events.down(cause, fault !== undefined);
  }

  /** Finds out what stands between us and the server: that it is full, or TLS. */
  async #probe(server: RedisServer, kind: "plain" | "tls", error: unknown): Promise<void> {
    const words = kind === "tls" ? await firstWords(server) : "";
    this.#wasFull = isFull(words);
    const isIt = !this.#wasFull && (await speaks(kind, server));
    if (this.#closed || this.#up) return;
    if (this.#wasFull) this.#report(server, new Error(words), false);
    else if (isIt) this.#events.down(WRONG_KIND[kind], true);
    else this.#report(server, error, false);
  }

  /** Points ioredis at the server that is tried next; new certificates are read on the way. */
  #aim(): void {
    try {
      Object.assign(
        this.client.options,
        this.#sentinels?.files() ?? { ...NO_SERVER, ...serverOptions(this.#server) },
      );
    } catch (error) {
      // A file that is being replaced: the next attempt finds it.
      this.#lastError = error;
    }
  }

  /** At the end of the list of Sentinels; ioredis goes on after the one that has answered last. */
  #askAgainMs(): number {
    if (this.#lastError === undefined) return 0; // none has failed
    this.#lost();
    return this.#backOff.nextMs();
  }

  /**
   * ioredis gives up for good when it cannot even begin, as with a key that does not belong to its
   * certificate: one of the two is being replaced, or somebody will.
   */
  #revive(): void {
    if (this.#closed) return;
    this.#lost();
    this.#retry = setTimeout(() => this.open(), this.#waitMs());
  }

  #options(address: RedisAddress, name: string): Omit<RedisOptions, "replyMapping"> {
    const { connectTimeoutMs } = address.socket ?? {};
    return {
      ...serverOptions(address),
      ...(this.#isPlain ? { Connector: DirectConnector } : {}),
      connectTimeout: 5_000,
      ...this.#sentinels?.options(() => this.#askAgainMs()),
      ...(connectTimeoutMs === undefined ? {} : { connectTimeout: connectTimeoutMs }),
      connectionName: name,
      lazyConnect: true,
      keepAlive: 30_000,
      enableOfflineQueue: false,
      // By INFO, which not every server has or permits: `enter` does it.
      enableReadyCheck: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      autoResubscribe: false,
      // Called at every loss, before anything else is; `close` comes later, when the next server is aimed at.
      retryStrategy: () => {
        this.#lost();
        return this.#waitMs();
      },
      // 1 = reconnect without resending; 2 would resend.
      reconnectOnError: (error) =>
        error.message.startsWith("READONLY") && this.#mayLeaveReplica ? 1 : false,
    };
  }
}

function isHeldToAddresses({ allowedAddresses }: RedisServer): boolean {
  return allowedAddresses !== undefined;
}

/** What one server of a list has and the next one may not. */
const NO_SERVER = { path: undefined, username: undefined, password: undefined, tls: undefined };

function serverOptions(server: RedisServer): Omit<RedisOptions, "replyMapping"> & DirectOptions {
  const { host, port, path, db, username, password, tls, allowedAddresses } = server;
  return {
    ...(path === undefined ? { host, port } : { path }),
    db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(allowedAddresses === undefined ? {} : { allowedAddresses }),
    ...(tls === undefined ? {} : { tls: { ...tlsOptions(tls, host), ...lookupOf(server) } }),
  };
}
