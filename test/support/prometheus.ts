import "./dispose.js";
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sample } from "../../src/setup/exposition-text.js";
import { freePort } from "../../src/setup/ports.js";
import { mustRun } from "../../src/setup/programs.js";
import { DATA, ensurePrometheus, startPrometheusServer } from "../../src/setup/prometheus.js";
import { scratchFile } from "./scratch.js";
import { waitUntil } from "./wait-until.js";

/** A job as Prometheus' own configuration has it. */
export interface ScrapeJob {
  readonly job_name: string;
  readonly static_configs: readonly { readonly targets: readonly string[] }[];
  readonly metrics_path?: string;
  readonly params?: Readonly<Record<string, readonly string[]>>;
  readonly scrape_interval?: string;
  readonly scrape_timeout?: string;
  readonly metric_relabel_configs?: readonly Readonly<Record<string, string>>[];
}

/** A series of an answer. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [unixSeconds: number, value: number])[];
  /** The values of the points. */
  readonly values: readonly number[];
}

export interface TestPrometheus extends AsyncDisposable {
  readonly url: string;
  /** `data` of an answer of the API; every error and warning in it fails the test. */
  api<Data>(path: string, parameters?: Record<string, string>): Promise<Data>;
  /** An expression now. */
  now(query: string): Promise<Sample[]>;
  /** An expression at a Unix time in seconds. */
  at(query: string, time: number): Promise<Series[]>;
  /** An expression from one Unix time to another, every so many seconds. */
  range(query: string, start: number, end: number, step: number): Promise<Series[]>;
}

/**
 * Starts a Prometheus on a free port that scrapes at an interval and evaluates its rules as often.
 * @param past samples that it has already, in OpenMetrics with times
 */
export async function startPrometheus(
  jobs: readonly ScrapeJob[],
  ruleFiles: readonly string[],
  interval = "1s",
  past: string | null = null,
): Promise<TestPrometheus> {
  const { prometheus, promtool } = await ensurePrometheus();
  const directory = await scratchFile("prometheus");
  await mkdir(directory);
  if (past !== null) {
    const file = join(directory, "past.om");
    await writeFile(file, past);
    const blocks = ["tsdb", "create-blocks-from", "openmetrics", file];
    await mustRun("write Prometheus' past", promtool, [...blocks, join(directory, DATA)]);
  }
  const port = await freePort();
  const logFile = await scratchFile("prometheus.log");
  const target = `127.0.0.1:${port}`;
  const server = await startPrometheusServer(prometheus, { port, directory, logFile, target });
  const api = async <Data>(path: string, parameters: Record<string, string> = {}) => {
    const url = `http://${target}/api/v1/${path}?${new URLSearchParams(parameters)}`;
    const answer = (await (await fetch(url)).json()) as Answer<Data>;
    const faults = [answer.error ?? [], answer.warnings ?? []].flat();
    assert.deepEqual([answer.status, faults], ["success", []], JSON.stringify(parameters));
    return answer.data;
  };
  const configuration = {
    global: { scrape_interval: interval, evaluation_interval: interval },
    scrape_configs: jobs,
    rule_files: ruleFiles,
  };
  await writeFile(join(directory, "prometheus.yml"), JSON.stringify(configuration));
  server.signal("SIGHUP");
  const mark = ruleFiles[0] ?? jobs[0]?.job_name ?? "";
  const isReloaded = async () => (await api<{ yaml: string }>("status/config")).yaml.includes(mark);
  await waitUntil(isReloaded, 30_000, `Prometheus to load the jobs\n${server.output()}`);
  return {
    url: `http://${target}`,
    api,
    async now(query) {
      const { result } = await api<{ result: Vector[] }>("query", { query });
      return result.map(({ metric: { __name__: name = "", ...labels }, value }) => {
        return { name, labels, value: numberOf(value[1]) };
      });
    },
    async at(query, time) {
      const { result } = await api<{ result: Vector[] }>("query", { query, time: String(time) });
      return result.map(({ metric, value }) => seriesOf(metric, [value]));
    },
    async range(query, start, end, step) {
      const asked = { query, start: String(start), end: String(end), step: String(step) };
      const { result } = await api<{ result: Matrix[] }>("query_range", asked);
      return result.map(({ metric, values }) => seriesOf(metric, values));
    },
    async [Symbol.asyncDispose]() {
      await server.stop(0);
    },
  };
}

interface Answer<Data> {
  readonly status: string;
  readonly data: Data;
  readonly error?: string;
  readonly warnings?: readonly string[];
}

type Point = [unixSeconds: number, value: string];

interface Vector {
  readonly metric: Record<string, string>;
  readonly value: Point;
}

interface Matrix {
  readonly metric: Record<string, string>;
  readonly values: Point[];
}

function seriesOf(labels: Series["labels"], given: readonly Point[]): Series {
  const points = given.map(([time, text]) => [time, numberOf(text)] as const);
  return { labels, points, values: points.map(([, value]) => value) };
}

function numberOf(text: string): number {
  return Number(text.replace("Inf", "Infinity"));
}
