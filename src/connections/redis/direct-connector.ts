import { connect, type Socket } from "node:net";
import { AbstractConnector, type RedisOptions } from "ioredis";
import { lookupOf } from "../allowed-lookup.js";

/** Who gets what arrives on a socket, without a copy; the bytes are good until it returns. */
interface Reading {
  onBytes: ((bytes: Buffer) => void) | null;
}

const READ_BYTES = 64 * 1024;
const readings = new WeakMap<object, Reading>();

/** Beside ioredis' own options. */
export interface DirectOptions {
  /** Where the host may lead: of `addressesIn()`; without it anywhere. */
  readonly allowedAddresses?: readonly string[];
}

/**
 * Connects ioredis to a server without TLS so that all that arrives is put into one buffer: by itself
 * Node allocates 64 KiB for every read, which at low rates is a tenth of the cost of a task. Until
 * somebody `read`s the socket, ioredis gets its `data` events as ever.
 */
export class DirectConnector extends AbstractConnector {
  readonly #options: RedisOptions & DirectOptions;

  constructor(options: unknown) {
    const { disconnectTimeout = 2_000 } = options as RedisOptions;
    super(disconnectTimeout);
    this.#options = options as RedisOptions & DirectOptions;
  }

  async connect(): Promise<Socket> {
    const { host, port, path } = this.#options;
    const reading: Reading = { onBytes: null };
    const socket = connect({
      ...(path ? { path } : { host: host ?? "127.0.0.1", port: port ?? 6379 }),
      ...lookupOf(this.#options),
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (length: number, buffer: Uint8Array) => {
          const bytes = (buffer as Buffer).subarray(0, length);
          if (reading.onBytes === null) socket.emit("data", Buffer.from(bytes));
          else reading.onBytes(bytes);
          return true;
        },
      },
    });
    // ioredis listens for the first error only.
    socket.on("error", (error) => {
      this.firstError ??= error;
    });
    readings.set(socket, reading);
    this.connecting = true;
    this.stream = socket;
    return socket;
  }
}

/** Has everything that arrives on a socket handed over, instead of to those who listened until now. */
export function read(socket: Socket, onBytes: (bytes: Buffer) => void): void {
  socket.removeAllListeners("data");
  const reading = readings.get(socket);
  if (reading === undefined) socket.on("data", onBytes);
  else reading.onBytes = onBytes;
  socket.resume();
}
