import { type ServerProcess, serverReady, startServerProcess } from "./server-process.js";

export interface CeleryWorkerOptions {
  /** A Python interpreter that has Celery. */
  readonly python: string;
  /** The directory that holds the application's module. */
  readonly directory: string;
  /** The module that holds the application: "app" for app.py. */
  readonly application: string;
  readonly pool: "prefork" | "threads" | "gevent" | "solo";
  readonly concurrency: number;
  readonly logFile: string;
  readonly onSpawn?: (server: ServerProcess) => void;
  /** More arguments of `celery worker`. */
  readonly args?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Starts a Celery worker and waits until it is connected and takes tasks.
 * @throws UserError with the end of its log when it does not come up
 */
export async function startCeleryWorker(options: CeleryWorkerOptions): Promise<ServerProcess> {
  const worker = await startServerProcess({
    name: "The Celery worker",
    program: options.python,
    args: [
      ...["-m", "celery", "-A", options.application, "worker", "--loglevel", "INFO"],
      ...["--pool", options.pool, "--concurrency", String(options.concurrency)],
      ...(options.args ?? []),
    ],
    cwd: options.directory,
    // Without __pycache__ beside the application, and each line in the log when it is printed.
    env: { ...options.env, PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1" },
    stdoutFile: options.logFile,
    stderrFile: options.logFile,
    onSpawn: options.onSpawn,
  });
  try {
    await serverReady(worker, () => / ready\.$/m.test(worker.output()), 60_000);
  } catch (error) {
    await worker.stop(0);
    throw error;
  }
  return worker;
}
