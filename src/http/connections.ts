import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Connections at the same time, of everybody and of one address. Prometheus needs one. */
export interface ConnectionLimits {
  readonly all: number;
  readonly each: number;
}

/** More than come in one turn of the event loop: who has just come must have had the time to ask. */
const MOST = 3_000;

/**
 * Not more than half of the files that the process may have open: brokers need some as well.
 * @param openFiles the limit of the process; null when it is not known
 */
export function connectionLimits(openFiles: number | null): ConnectionLimits {
  const all = Math.min(MOST, Math.floor((openFiles ?? MOST) / 2));
  return { all, each: Math.ceil(all / 2) };
}

/**
 * Lets every new connection in, at the cost of the oldest that has no request: whoever opens many and is slow,
 * silent or idle locks nobody out but itself. When all have one, the oldest whose answer is written and not read
 * goes, and when there is none, the new connection.
 */
export function limitConnections(server: Server, limits: ConnectionLimits): void {
  /** In the order in which they came, or became idle again. */
  const idle = new Set<Socket>();
  /** Those with a request. */
  const busy = new Map<Socket, ServerResponse>();
  /** Of those that are let in; a socket that is closed does not know it any more. */
  const addresses = new Map<Socket, string>();
  const open = new Counts();

  const makeRoom = (address: string | null): boolean => {
    const isOf = (socket: Socket) => address === null || addresses.get(socket) === address;
    const oldest = first(idle, isOf) ?? first(busy.keys(), (each) => isOf(each) && isUnread(each));
    if (oldest === undefined) return false;
    leave(oldest);
    oldest.destroy();
    return true;
  };
  const isUnread = (socket: Socket) => busy.get(socket)?.writableEnded === true;
  /** Once for each: `close` comes later than the destruction. */
  const leave = (socket: Socket) => {
    const address = addresses.get(socket);
    if (address === undefined) return;
    addresses.delete(socket);
    idle.delete(socket);
    busy.delete(socket);
    open.add(address, -1);
  };

  server.on("connection", (socket) => {
    const { remoteAddress: address = "" } = socket;
    const hasRoom =
      (open.of(address) < limits.each || makeRoom(address)) &&
      (open.all < limits.all || makeRoom(null));
    if (!hasRoom) {
      socket.destroy();
      return;
    }
    addresses.set(socket, address);
    idle.add(socket);
    open.add(address, 1);
    socket.once("close", () => leave(socket));
  });
  server.on("request", ({ socket }, response) => {
    if (!addresses.has(socket)) return;
    idle.delete(socket);
    busy.set(socket, response);
    response.once("close", () => {
      if (busy.get(socket) !== response) return;
      busy.delete(socket);
      idle.add(socket);
    });
  });
}

function first(sockets: Iterable<Socket>, fits: (socket: Socket) => boolean): Socket | undefined {
  for (const socket of sockets) {
    if (fits(socket)) return socket;
  }
  return undefined;
}

/** Open connections by address. */
class Counts {
  all = 0;
  readonly #byAddress = new Map<string, number>();

  of(address: string): number {
    return this.#byAddress.get(address) ?? 0;
  }

  add(address: string, change: number): void {
    this.all += change;
    const count = this.of(address) + change;
    if (count > 0) this.#byAddress.set(address, count);
    else this.#byAddress.delete(address);
  }
}
