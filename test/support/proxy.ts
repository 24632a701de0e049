import "./dispose.js";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { freePort } from "../../src/setup/ports.js";

/**
 * What a connection does with the bytes:
 * - pass: hands them on
 * - stall: both directions vanish, and so do the ends: a half-open link
 * - dropReplies: requests arrive, replies vanish
 */
export type LinkMode = "pass" | "stall" | "dropReplies";

export interface Latency {
  readonly toServerMs?: number;
  readonly toClientMs?: number;
}

export interface ProxyConnection {
  /** 0 for the first that the proxy accepted, and so on; never given twice. */
  readonly index: number;
  readonly isOpen: boolean;
  /** The first 16 KiB that the client sent, as Latin-1: tells connections apart by their commands. */
  readonly heard: string;
  readonly bytesToServer: number;
  readonly bytesToClient: number;
  /** Overrides the proxy's mode for this connection. */
  mode(mode: LinkMode): void;
  latency(latency: number | Latency): void;
  /** Bytes for the client that the server has not sent. */
  inject(bytes: string): void;
  /** RST to both sides. */
  reset(): void;
}

export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Every connection that was ever accepted, in that order, closed ones too. */
  readonly connections: readonly ProxyConnection[];
  /** How many are open now. */
  readonly openCount: number;
  /** For all connections, now and later. Ends `refuse`. */
  mode(mode: LinkMode): Promise<void>;
  /** New connections are refused (nobody listens); those that are open go on. */
  refuse(): Promise<void>;
  /** RST to both sides of every open connection. */
  reset(): void;
  /** Bytes that the server has not sent, for the client of every open connection. */
  inject(bytes: string): void;
  /** The same at the start of each new connection, one text after another, over and over; none for []. */
  greet(texts: readonly string[]): void;
  /** Delay of each direction in ms, for all connections, now and later. */
  latency(latency: number | Latency): void;
  stop(): Promise<void>;
}

/** A TCP proxy on a free port of 127.0.0.1 whose link can be broken in many ways. */
export async function startProxy(targetPort: number): Promise<Proxy> {
  const port = await freePort();
  const links: Link[] = [];
  let linkMode: LinkMode = "pass";
  let delay: Latency = {};
  let greetings: readonly string[] = [];
  let server: Server | null = null;

  const accept = (client: Socket) => {
    const link = new Link(links.length, client, targetPort, linkMode, delay);
    links.push(link);
    if (greetings.length > 0) link.inject(greetings[link.index % greetings.length]!);
  };
  const listen = async () => {
    if (server === null) server = await listenOn(port, accept);
  };
  const refuse = async () => {
    // Closes the listening socket at once; the callback would wait for the connections.
    server?.close();
    server = null;
  };
  const reset = () => {
    for (const link of links) link.reset();
  };
  const stop = async () => {
    await refuse();
    reset();
  };
  await listen();
  return {
    port,
    connections: links,
    get openCount() {
      return links.filter((link) => link.isOpen).length;
    },
    async mode(mode) {
      linkMode = mode;
      for (const link of links) link.mode(mode);
      await listen();
    },
    refuse,
    reset,
    inject(bytes) {
      for (const link of links) if (link.isOpen) link.inject(bytes);
    },
    greet(texts) {
      greetings = texts;
    },
    latency(latency) {
      delay = latencyOf(latency);
      for (const link of links) link.latency(delay);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function listenOn(port: number, accept: (client: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server.unref()));
  });
}

function latencyOf(latency: number | Latency): Latency {
  return typeof latency === "number" ? { toServerMs: latency, toClientMs: latency } : latency;
}

const HEARD_BYTES = 16 * 1024;

/** A client's connection and ours to the server, and the two one-way streets between them. */
class Link implements ProxyConnection {
  readonly index: number;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #requests: Street;
  readonly #replies: Street;
  #heard = "";
  #isOpen = true;
  #isStalled = false;
  #isBroken = false;

  constructor(index: number, client: Socket, port: number, mode: LinkMode, latency: Latency) {
    this.index = index;
    this.#client = client;
    this.#server = createConnection({
      host: "127.0.0.1",
      port,
      allowHalfOpen: true,
      noDelay: true,
    });
    this.#requests = new Street(client, this.#server);
    this.#replies = new Street(this.#server, client);
    client.on("data", (bytes) => this.#listenIn(bytes));
    for (const socket of [client, this.#server]) {
      // A test that forgot its proxy must still end.
      socket.unref();
      socket.on("error", () => this.#breakOff());
      socket.on("close", () => this.#closeWhenBothAre());
    }
    this.mode(mode);
    this.latency(latency);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get heard(): string {
    return this.#heard;
  }

  get bytesToServer(): number {
    return this.#requests.bytes;
  }

  get bytesToClient(): number {
    return this.#replies.bytes;
  }

  mode(mode: LinkMode): void {
    this.#isStalled = mode === "stall";
    if (this.#isBroken && !this.#isStalled) this.reset();
    this.#requests.passes(mode !== "stall");
    this.#replies.passes(mode === "pass");
  }

  latency(latency: number | Latency): void {
    const { toServerMs = 0, toClientMs = 0 } = latencyOf(latency);
    this.#requests.delayMs = toServerMs;
    this.#replies.delayMs = toClientMs;
  }

  inject(bytes: string): void {
    this.#client.write(bytes, "latin1");
  }

  reset(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const socket of [this.#client, this.#server]) {
      // A reset in the middle of a shutdown is refused by libuv (uv_tcp_close_reset: EINVAL), and Node,
      // which takes the handle for closing, then spins for ever when the process ends.
      const isShuttingDown = socket.writableEnded && !socket.writableFinished;
      if (socket.connecting || isShuttingDown) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  /** One side is gone without a farewell: the other learns of it, but not over a stalled link. */
  #breakOff(): void {
    this.#isBroken = true;
    if (!this.#isStalled) this.reset();
  }

  #listenIn(bytes: Buffer): void {
    if (this.#heard.length >= HEARD_BYTES) return;
    this.#heard += bytes.toString("latin1", 0, HEARD_BYTES - this.#heard.length);
  }

  #closeWhenBothAre(): void {
    if (this.#client.destroyed && this.#server.destroyed) this.#isOpen = false;
  }
}

/** One direction of a link: what is read from `from` is written to `to`, later or not at all. */
class Street {
  /** What was handed on. */
  bytes = 0;
  delayMs = 0;
  readonly #to: Socket;
  #passes = true;
  /** `from` ended while nothing passed: the other side learns of it when the street opens again. */
  #endIsHeldBack = false;
  /** In order of arrival, which deliveries keep even when the delay is made shorter. */
  readonly #waiting: { readonly dueMs: number; readonly action: () => void }[] = [];

  constructor(from: Socket, to: Socket) {
    this.#to = to;
    from.on("data", (bytes) => {
      if (this.#passes) this.#later(() => this.#deliver(bytes, from));
    });
    from.on("end", () => {
      if (this.#passes) this.#later(() => to.end());
      else this.#endIsHeldBack = true;
    });
  }

  passes(passes: boolean): void {
    this.#passes = passes;
    if (passes && this.#endIsHeldBack) {
      this.#endIsHeldBack = false;
      this.#to.end();
    }
  }

  #deliver(bytes: Buffer, from: Socket): void {
    // What was on its way when the street closed vanishes as well.
    if (!this.#passes || this.#to.destroyed) return;
    this.bytes += bytes.length;
    if (!this.#to.write(bytes)) {
      from.pause();
      this.#to.once("drain", () => from.resume());
    }
  }

  #later(action: () => void): void {
    if (this.delayMs === 0 && this.#waiting.length === 0) {
      action();
      return;
    }
    this.#waiting.push({ dueMs: performance.now() + this.delayMs, action });
    if (this.#waiting.length === 1) this.#wake();
  }

  /** Does the first of those that wait when it is due, then sets the timer for the next. */
  #wake(): void {
    const first = this.#waiting[0];
    if (first === undefined) return;
    setTimeout(() => {
      this.#waiting.shift();
      first.action();
      this.#wake();
    }, first.dueMs - performance.now());
  }
}
