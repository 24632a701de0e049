import { createServer } from "node:net";

const LOOPBACK = "127.0.0.1";

/** `FREE_PORTS=20000-23999`: a share of its own for each of several processes that start servers side by side. */
const [FIRST_PORT, LAST_PORT] = (process.env.FREE_PORTS ?? "20000-31999")
  .split("-")
  .map(Number) as [number, number];

const handedOut = new Set<number>();

/**
 * A TCP port of 127.0.0.1 that nobody listens on, never the same twice in one process.
 *
 * It lies below the range from which kernels take the ports of outgoing connections (Linux 32768,
 * macOS and Windows 49152): none of these can take it before its server starts, and a client that
 * keeps connecting to it while the server is down cannot end up connected to itself.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1));
    if (handedOut.has(port)) continue;
    if (await isPortFree(port)) {
      handedOut.add(port);
      return port;
    }
  }
  throw new Error(`Found no free port of ${LOOPBACK} between ${FIRST_PORT} and ${LAST_PORT}`);
}

/** The first free port of 127.0.0.1 from `port` on, within the next hundred. */
export async function freePortFrom(port: number): Promise<number> {
  for (let candidate = port; candidate < port + 100 && candidate < 65_536; candidate++) {
    if (await isPortFree(candidate)) return candidate;
  }
  throw new Error(`Found no free port of ${LOOPBACK} from ${port} to ${port + 99}`);
}

function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}
