import { mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../errors.js";
import { aptCandidate, canUseApt } from "./apt.js";
import { cachePath, makeCacheDirectory } from "./checkout.js";
import { withInstallLock } from "./install-lock.js";
import { findProgram, isExecutable, mustRun } from "./programs.js";
import { type Report, reportStep, reportToStderr } from "./report.js";
import { type ServerProcess, serverReady, startServerProcess } from "./server-process.js";

export interface PrometheusPrograms {
  readonly prometheus: string;
  readonly promtool: string;
}

const DIRECTORY = cachePath("prometheus");

/** Where it keeps its samples, in the directory that it is started for. */
export const DATA = "prometheus-data";

/** The path of Prometheus when it is installed, on PATH or by `ensurePrometheus`, else null. */
export async function findPrometheus(): Promise<string | null> {
  return (await findPrograms())?.prometheus ?? null;
}

/**
 * The paths of Prometheus and promtool. Where they are missing and we are root on Debian, its package
 * is unpacked into the cache: they are self-contained, so that nothing has to be installed
 * in the system, and no service starts.
 * @throws UserError when they are missing elsewhere
 */
export async function ensurePrometheus(
  report: Report = reportToStderr,
): Promise<PrometheusPrograms> {
  const here = await findPrograms();
  if (here !== null) return here;
  if (await canUseApt()) await withInstallLock(report, () => unpackPrometheus(report));
  const unpacked = await findPrograms();
  if (unpacked !== null) return unpacked;
  throw new UserError("Found no prometheus and promtool on PATH.", {
    hint: "Install Prometheus (Debian and Ubuntu: apt-get install prometheus; macOS: brew install prometheus; else prometheus.io/download).",
  });
}

async function findPrograms(): Promise<PrometheusPrograms | null> {
  const prometheus = await findOne("prometheus");
  const promtool = await findOne("promtool");
  return prometheus === null || promtool === null ? null : { prometheus, promtool };
}

async function findOne(name: string): Promise<string | null> {
  const onPath = await findProgram(name);
  if (onPath !== null) return onPath;
  const unpacked = join(DIRECTORY, "usr", "bin", name);
  return (await isExecutable(unpacked)) ? unpacked : null;
}

async function unpackPrometheus(report: Report): Promise<void> {
  if ((await findPrograms()) !== null) return;
  await reportStep(report, `Prometheus of Debian into ${DIRECTORY}`, async () => {
    // Reads the lists of packages when there are none yet.
    await aptCandidate("prometheus");
    const scratch = await mkdtemp(join(await makeCacheDirectory(), "prometheus-"));
    try {
      await mustRun("download prometheus", "apt-get", ["download", "-q", "prometheus"], {
        cwd: scratch,
        hint: "Install Prometheus by hand: prometheus.io/download.",
      });
      const [archive] = (await readdir(scratch)).filter((name) => name.endsWith(".deb"));
      const root = join(scratch, "root");
      await mustRun("unpack prometheus", "dpkg-deb", [
        "--extract",
        join(scratch, archive ?? "prometheus.deb"),
        root,
      ]);
      await rm(DIRECTORY, { recursive: true, force: true });
      await rename(root, DIRECTORY);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

export interface PrometheusOptions {
  readonly port: number;
  /** Where its configuration is written, and its data are kept. */
  readonly directory: string;
  readonly logFile: string;
  readonly onSpawn?: (server: ServerProcess) => void;
  /** The page to scrape: "127.0.0.1:9809". */
  readonly target: string;
}

/**
 * Starts a Prometheus on 127.0.0.1 that scrapes one target every 5 s, and waits until it is ready.
 * @throws UserError with the end of its log when it does not come up
 */
export async function startPrometheusServer(
  program: string,
  options: PrometheusOptions,
): Promise<ServerProcess> {
  const configuration = join(options.directory, "prometheus.yml");
  await writeFile(configuration, configurationText(options.target));
  const address = `127.0.0.1:${options.port}`;
  const server = await startServerProcess({
    name: "Prometheus",
    program,
    args: [
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${join(options.directory, DATA)}`,
      `--web.listen-address=${address}`,
      "--log.level=warn",
    ],
    stdoutFile: options.logFile,
    stderrFile: options.logFile,
    onSpawn: options.onSpawn,
  });
  try {
    const isReady = async () =>
      (await fetch(`http://${address}/-/ready`, { signal: AbortSignal.timeout(2000) })).ok;
    await serverReady(server, isReady, 30_000);
  } catch (error) {
    await server.stop(0);
    throw error;
  }
  return server;
}

function configurationText(target: string): string {
  return `global:
  scrape_interval: 5s
  evaluation_interval: 5s
scrape_configs:
  - job_name: celery-load
    static_configs:
      - targets: ["${target}"]
`;
}
