import { type Channel, type ChannelModel, connect, credentials } from "amqplib";
import type { AmqpAddress, AmqpServer } from "../../celery/urls/amqp-url.js";
import { withDeadline } from "../../deadline.js";
import { addressFault, lookupOf } from "../allowed-lookup.js";
import { asideMs, BackOff } from "../back-off.js";
import { isFull, STEPPED_ASIDE } from "../limit.js";
import type { Client } from "../ports.js";
import { tlsFault, tlsOptions } from "../tls.js";
import { containFaults } from "./contained-faults.js";
import { MAX_FRAME_BYTES } from "./frame-reader.js";
import { causeOf, isUnexplained, refusalOf } from "./refusal.js";
import { Tap } from "./tap.js";

/** What a link reports; all calls come from the event loop, none from the constructor. */
export interface AmqpLinkEvents {
  /**
   * Connected: open channels, declare; the link is up when this resolves. `tap` is there when the connection may be
   * used past amqplib.
   */
  prepare(model: ChannelModel, tap: Tap | undefined): Promise<void>;
  up(downMs: number): void;
  down(cause: string, isConfiguration: boolean): void;
  /** The broker accepts nothing for now (memory or disk alarm), or does again. */
  blocked?(isBlocked: boolean): void;
}

export interface AmqpLinkOptions {
  /** Default: the library alone. */
  readonly client?: Client;
  /** The load goes on without it: places of a server that is full are for others first. */
  readonly isOptional?: boolean;
}

/** Seconds between heartbeats unless the URL says; the connection is dead after two without one. */
const HEARTBEAT_SECONDS = 10;
const CONNECT_TIMEOUT_MS = 5_000;
/** How long a server may take to let us in, be it that it says something now and then. */
const HANDSHAKE_TIMEOUT_MS = 15_000;
/** How long opening channels may take: requests on a blocked connection never end. */
const PREPARE_TIMEOUT_MS = 10_000;

containFaults();

/**
 * One supervised connection to RabbitMQ: reconnects for ever with jittered back-off, and goes on to the
 * next server of a list when an attempt has failed (kombu's `failover_strategy` round-robin). amqplib's own
 * `recovery` is not used: a reset during its set-up is an uncaught exception.
 */
export class AmqpLink {
  /** Those of a fail-over list, in the order in which they are tried. */
  readonly #servers: readonly AmqpServer[];
  #current = 0;
  readonly #name: string;
  readonly #events: AmqpLinkEvents;
  readonly #client: Client;
  readonly #isOptional: boolean;
  readonly #backOff = new BackOff();
  #model: ChannelModel | undefined;
  #retry: NodeJS.Timeout | undefined;
  #lastError: unknown;
  /** Reads what the broker says while it refuses a connection. */
  #listensToRefusal: boolean;
  #up = false;
  #blocked = false;
  #closed = false;
  #downSinceMs = -1;

  constructor(
    address: AmqpAddress,
    name: string,
    events: AmqpLinkEvents,
    { client = "library", isOptional = false }: AmqpLinkOptions = {},
  ) {
    this.#servers = [address, ...(address.alternatives ?? [])];
    this.#name = name;
    this.#events = events;
    this.#client = client;
    this.#isOptional = isOptional;
    this.#listensToRefusal = client === "direct";
  }

  get isUp(): boolean {
    return this.#up;
  }

  get isBlocked(): boolean {
    return this.#blocked;
  }

  /** Starts connecting; returns at once. */
  open(): void {
    void this.#connect();
  }

  /** Tears the connection down as if it were lost, so that it is made anew. */
  fail(cause: string): void {
    if (this.#model === undefined) return;
    this.#lastError ??= new Error(cause);
    this.#destroy();
  }

  /** Leaves its place on the server to others for a while. */
  stepAside(): void {
    const model = this.#model;
    if (model === undefined) return;
    this.#lastError = new Error(STEPPED_ASIDE);
    model.close().catch(() => {}); // it is ending already
  }

  /**
   * Makes a channel's end the connection's: all that is on it would be lost unnoticed. Not so when
   * `forgive` says of its error that it is dealt with. Without a listener a channel's `error` closes the
   * connection by itself.
   */
  watch(channel: Channel, forgive: (error: Error) => boolean = () => false): void {
    let isForgiven = false;
    const fail = (cause: string) => {
      if (!isForgiven) this.fail(cause);
    };
    channel.on("error", (error: Error) => {
      isForgiven = forgive(error);
      fail(error.message);
    });
    channel.on("handler-error", (error: Error) => fail(error.message));
    // When the connection is what ends, its own reason comes right after this.
    channel.on("close", () => setImmediate(() => fail("the broker closed the channel")));
  }

  /** `leave` is done first while the connection is up, such as deleting what is our own. */
  async close(leave: () => Promise<void> = async () => {}): Promise<void> {
    const wasUp = this.#up && !this.#blocked;
    this.#closed = true;
    this.#up = false;
    clearTimeout(this.#retry);
    try {
      // On a blocked connection no request is ever answered.
      if (wasUp) await withDeadline(closing(this.#model, leave), 1_000, "closing");
    } catch {
      // It is being thrown away: a broker that does not answer any more changes nothing.
    }
    this.#destroy();
  }

  async #connect(): Promise<void> {
    const tap = this.#listensToRefusal ? new Tap() : undefined;
    let model: ChannelModel | undefined;
    try {
      model = await connectTo(this.#servers[this.#current]!, this.#name, tap);
      const opened = model;
      // Of one that was given up it would pass for the reason why the next has failed.
      const heard = (error: unknown) => {
        if (this.#model === opened) this.#lastError = error;
      };
      // In the same turn: an `error` without a listener would end the process.
      model.on("error", heard);
      model.on("handler-error", heard);
      model.on("close", (error) => this.#lost(opened, error));
      model.on("blocked", () => this.#setBlocked(true));
      model.on("unblocked", () => this.#setBlocked(false));
      this.#model = model;
      if (this.#closed) {
        this.#destroy();
        return;
      }
      const own = this.#client === "direct" ? tap : undefined;
      await withDeadline(this.#events.prepare(model, own), PREPARE_TIMEOUT_MS, "opening channels");
      if (this.#model !== model || this.#closed) return;
      this.#up = true;
      this.#backOff.succeeded();
      const downMs = this.#downSinceMs < 0 ? 0 : performance.now() - this.#downSinceMs;
      this.#downSinceMs = -1;
      this.#events.up(downMs);
    } catch (error) {
      if (model !== undefined && this.#model !== model) return; // its loss has been reported
      if (isUnexplained(error) && !this.#listensToRefusal && !this.#closed) {
        // Once more, to hear what amqplib does not pass on.
        this.#listensToRefusal = true;
        await this.#connect();
        return;
      }
      const words = isUnexplained(error) ? tap?.closeText : undefined;
      this.#lastError ??= words === undefined ? error : new Error(words);
      if (this.#model !== undefined) this.#destroy();
      else this.#report();
    }
  }

  #lost(model: ChannelModel, error: unknown): void {
    if (this.#model !== model) return;
    this.#lastError ??= error;
    this.#destroy();
  }

  /**
   * After "Heartbeat timeout" amqplib leaves the socket open; without this it would stay so. Destroyed
   * with an error, as amqplib does not notice a mere close: it would never answer what is unconfirmed.
   */
  #destroy(): void {
    const model = this.#model;
    this.#model = undefined;
    if (model === undefined) return;
    streamOf(model)?.destroy(new Error("connection given up"));
    this.#report();
  }

  #report(): void {
    const wasUp = this.#up;
    this.#up = false;
    this.#setBlocked(false);
    if (this.#closed) return;
    if (this.#downSinceMs < 0) this.#downSinceMs = performance.now();
    const error = this.#lastError;
    this.#lastError = undefined;
    const server = this.#servers[this.#current]!;
    const fault = addressFault(error) ?? tlsFault(error) ?? refusalOf(error, server);
    const cause = fault ?? (error === undefined ? "connection closed" : causeOf(error));
    const isAside = this.#isOptional && isFull(cause);
    if (wasUp) this.#backOff.lost();
    else this.#current = (this.#current + 1) % this.#servers.length;
    this.#events.down(cause, fault !== undefined);
    const waitMs = isAside ? asideMs() : this.#backOff.nextMs();
    this.#retry = setTimeout(() => void this.#connect(), waitMs);
  }

  #setBlocked(isBlocked: boolean): void {
    if (this.#blocked === isBlocked) return;
    this.#blocked = isBlocked;
    this.#events.blocked?.(isBlocked);
  }
}

/** Files of TLS are read at every call, so that a new certificate is used at the next connection. */
async function connectTo(
  server: AmqpServer,
  name: string,
  tap: Tap | undefined,
): Promise<ChannelModel> {
  const giveUp = new AbortController();
  const connecting = connectUntil(giveUp.signal, server, name, tap);
  try {
    return await withDeadline(connecting, HANDSHAKE_TIMEOUT_MS, "connecting");
  } catch (error) {
    giveUp.abort();
    connecting.catch(() => {}); // told already
    throw error;
  }
}

/** `signal` ends the socket. */
function connectUntil(
  signal: AbortSignal,
  server: AmqpServer,
  name: string,
  tap: Tap | undefined,
): Promise<ChannelModel> {
  const { isTls, host, port, username, password, vhost, tls } = server;
  const { frameMax, clientProperties = {} } = server;
  // What we can do is not for others to say.
  const { capabilities: _, ...properties } = clientProperties;
  return connect(
    {
      protocol: isTls ? "amqps" : "amqp",
      ...{ hostname: host, port, username, password, vhost },
      heartbeat: server.heartbeatSeconds ?? HEARTBEAT_SECONDS,
      ...(frameMax === undefined ? {} : { frameMax: Math.min(frameMax, MAX_FRAME_BYTES) }),
      maxFrameSize: MAX_FRAME_BYTES,
    },
    {
      ...{ signal }, // for Node's own `connect`, to which amqplib hands on all of this
      noDelay: true,
      keepAlive: true,
      timeout: server.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      clientProperties: {
        product: "celery-load-exporter",
        ...properties,
        connection_name: name,
      },
      ...credentialsOf(server),
      ...(tls === undefined ? {} : tlsOptions(tls, host)),
      ...lookupOf(server),
      ...tap?.socketOptions,
    },
  );
}

/** By default amqplib logs in by PLAIN, as kombu does. */
function credentialsOf({ loginMethod, username, password }: AmqpServer) {
  if (loginMethod === "EXTERNAL") return { credentials: credentials.external() };
  if (loginMethod === "AMQPLAIN") return { credentials: credentials.amqplain(username, password) };
  return {};
}

async function closing(model: ChannelModel | undefined, leave: () => Promise<void>): Promise<void> {
  await leave();
  await model?.close();
}

/** The socket under a connection: the only way to end one whose peer does not answer. */
function streamOf(model: ChannelModel): { destroy(error: Error): void } | undefined {
  return (model.connection as unknown as { stream?: { destroy(error: Error): void } }).stream;
}
