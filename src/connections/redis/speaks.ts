import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { RedisServer } from "../../celery/urls/redis-url.js";
import { lookupOf } from "../allowed-lookup.js";

const PROBE_MS = 2_000;

/**
 * Does a server answer at that address in the clear, or with TLS? A server that was addressed the
 * wrong way says nothing that could be told from a network that fails. Certificates play no part.
 */
export function speaks(kind: "plain" | "tls", server: RedisServer): Promise<boolean> {
  return new Promise((resolve) => {
    const to = { host: server.host, port: server.port, ...lookupOf(server) };
    const socket: Socket =
      kind === "tls" ? connectTls({ ...to, rejectUnauthorized: false }) : connectPlain(to);
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PROBE_MS, () => settle(false));
    socket.on("error", () => settle(false));
    socket.on("close", () => settle(false));
    if (kind === "tls") {
      socket.once("secureConnect", () => settle(true));
    } else {
      socket.once("connect", () => socket.write("PING\r\n"));
      socket.once("data", (bytes) => settle(/^[+-]/.test(bytes.toString("latin1"))));
    }
  });
}

/** A server that sends somebody away says so at once. */
const FIRST_WORDS_MS = 300;

/**
 * What a server says without being asked, as one does that sends us away (`networking.c acceptCommonHandler`): who
 * has written something by then may be cut off before it can be read. "" when it waits for us.
 */
export function firstWords(server: RedisServer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectPlain({ host: server.host, port: server.port, ...lookupOf(server) });
    let words = "";
    const settle = () => {
      socket.destroy();
      resolve(/^-(.*)/.exec(words)?.[1] ?? "");
    };
    socket.setTimeout(FIRST_WORDS_MS, settle);
    socket.on("error", settle);
    socket.on("close", settle);
    socket.once("data", (bytes) => {
      words = bytes.toString("latin1");
      settle();
    });
  });
}
