import { type IncomingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";
import { type HttpSource, listen, stopServing } from "../../src/http/app.js";
import { createControlApp } from "../../src/http/control/app.js";
import { EventLog } from "../../src/http/events.js";
import { onlyHosts } from "../../src/http/hosts.js";
import { LiveFeed } from "../../src/http/live-feed.js";
import { scenariosAnswer } from "../../src/http/scenarios.js";
import { StandInReloading, StandInSteering } from "./steering.js";

/** The control API on a port of its own, in front of a stand-in for the daemon. */
export interface ControlServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly steering: StandInSteering;
  readonly reloading: StandInReloading;
  readonly events: EventLog;
  /** As a network does that fails. */
  dropConnections(): void;
}

export async function controlServer({
  token = null,
  hosts = null,
  nowMs = () => performance.now(),
}: {
  token?: string | null;
  hosts?: readonly string[] | null;
  nowMs?: () => number;
} = {}): Promise<ControlServer> {
  const steering = new StandInSteering();
  const reloading = new StandInReloading();
  const events = new EventLog();
  steering.onChange((change) => events.publish("change", { ...change }));
  const address = { host: "127.0.0.1", port: 0 };
  const app = createControlApp(
    sourceOf(steering, events),
    { steering, reloading },
    { served: onlyHosts(address, hosts), token, nowMs },
  );
  const server = await listen(app, address);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    ...{ url, port, steering, reloading, events },
    dropConnections: () => server.closeAllConnections(),
    [Symbol.asyncDispose]: () => stopServing(server),
  };
}

/** What the pages show of a daemon with two scenarios. */
export function sourceOf(steering: StandInSteering, events: EventLog): HttpSource {
  return {
    metricsPage: async () => Buffer.from("up 1\n"),
    status: async () => ({ seconds: 1 }),
    scenarios: async () =>
      scenariosAnswer(READINGS, steering.state, MIXES, { elapsedMs: 0, unixMs: 1_800_000_000_000 }),
    revision: () => steering.state.revision,
    events,
    history: () => ({ layout: 0, series: [], tiers: [], marks: [] }),
    feed: new LiveFeed(),
    healthFault: () => null,
    readiness: () => ({ ready: true, problems: [] }),
  };
}

const MIXES = new Map([["steady", { keys: ["resize", "thumb"], weights: [3, 1] }]]);

const READINGS = {
  steady: {
    state: "running",
    stage: { number: 1, name: "20/s for 10m", kind: "hold", remainingSeconds: 431.2 },
    targetRate: 20,
    users: null,
    achievedRate: 19.97,
  },
  night: { state: "waiting", stage: null, targetRate: null, users: 50, achievedRate: null },
};

export interface ControlAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind
  readonly json: any;
}

/** Past `fetch`, which does not let a program set Host and Origin. A body that is no text is sent as JSON. */
export function ask(
  { port }: { readonly port: number },
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<ControlAnswer> {
  const bytes = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const length = bytes === undefined ? {} : { "content-length": String(Buffer.byteLength(bytes)) };
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method, path, agent: false };
    request({ ...options, headers: { ...type, ...length, ...headers } }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const isJson = /json/.test(response.headers["content-type"] ?? "");
      const json: unknown = isJson && text !== "" ? JSON.parse(text) : undefined;
      resolve({ status: response.statusCode!, headers: response.headers, text, json });
    })
      .on("error", reject)
      .end(bytes);
  });
}
