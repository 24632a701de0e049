import "./dispose.js";
import { freePort } from "../../src/setup/ports.js";
import { findProgram } from "../../src/setup/programs.js";
import { serverReady, startServerProcess } from "../../src/setup/server-process.js";
import { missingPrograms } from "./debian-packages.js";
import { Metrics } from "./metrics.js";
import { scratchFile } from "./scratch.js";

/** Why there is no Pushgateway; null: there is one, if need be installed for it. */
export function pushgatewayMissing(): Promise<string | null> {
  return missingPrograms({ "prometheus-pushgateway": "prometheus-pushgateway" });
}

export interface TestPushgateway extends AsyncDisposable {
  readonly url: string;
  /** What it was sent, as Prometheus would scrape it. */
  metrics(): Promise<Metrics>;
}

export async function startPushgateway(): Promise<TestPushgateway> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const logFile = await scratchFile("pushgateway.log");
  const server = await startServerProcess({
    name: "The Pushgateway",
    program: (await findProgram("prometheus-pushgateway"))!,
    args: [`--web.listen-address=127.0.0.1:${port}`],
    stdoutFile: logFile,
    stderrFile: logFile,
  });
  await serverReady(server, async () => (await fetch(`${url}/-/ready`)).ok, 30_000);
  return {
    url,
    metrics: async () => new Metrics(await (await fetch(`${url}/metrics`)).text()),
    [Symbol.asyncDispose]: async () => {
      await server.stop(0);
    },
  };
}
