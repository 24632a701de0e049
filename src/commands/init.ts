import { redactUrl } from "../celery/urls/redact-url.js";
import { loadConfig } from "../config/load.js";
import type { ConnectionConfig } from "../config/schema.js";
import { quickForm } from "../config/sources/quick.js";
import { openControl } from "../connections/open.js";
import { type Asked, askWorkers } from "../doctor/ask-workers.js";
import { faultOf, OpenParts } from "../doctor/open-parts.js";
import { readWorker } from "../doctor/worker-facts.js";
import { EXIT, UserError } from "../errors.js";
import { configurationText, type InitFacts } from "../init/configuration-text.js";
import { backendText, brokerText } from "../init/servers.js";
import type { ReceivedSignal } from "../signals.js";
import { refuseIfThere, writeNewFile } from "./new-file.js";
import type { Streams } from "./streams.js";

/** The flags of `celery-load init`, as they were typed. */
export interface InitFlags {
  readonly broker?: string | undefined;
  readonly backend?: string | undefined;
  /** Where to write; `-`: standard output. */
  readonly out: string;
  /** Write over a file that is there. */
  readonly force?: boolean | undefined;
}

/**
 * `celery-load init`: asks the live workers of a broker for their tasks, queues and settings, and writes a
 * configuration to edit. `onSignal` is called with what a signal is to do. Nothing is written when no worker
 * answers.
 * @returns 0, or 105 when a signal came first
 * @throws {UserError} when there is such a file already, it cannot be written, or nobody answers
 * @throws {ConfigError} when a URL cannot be used
 */
export async function init(
  flags: InitFlags,
  streams: Streams,
  onSignal: (receive: (signal: ReceivedSignal) => void) => void,
): Promise<number> {
  const { config } = loadConfig({
    files: [],
    env: streams.env,
    // The task is a stand-in: only the connection is used.
    overrides: quickForm(
      { broker: flags.broker, backend: flags.backend, task: "task" },
      streams.env,
    ),
  });
  const connection = config.connections.main!;
  refuseIfThere(flags);

  const parts = new OpenParts();
  const stopped = new Promise<null>((resolve) =>
    onSignal(({ meaning }) => {
      if (meaning !== "nothing") resolve(null);
    }),
  );
  let asked: Asked | null;
  try {
    asked = await Promise.race([ask(connection, parts), stopped]);
  } finally {
    await parts.close();
  }
  if (asked === null) return EXIT.stoppedBySignal;

  const facts = factsOf(flags, connection, asked, streams.env);
  const text = configurationText(facts);
  writeNewFile(flags, text, "the configuration", streams.stdout);
  streams.stderr(`${nextSteps(flags, facts)}\n`);
  return EXIT.ok;
}

async function ask({ broker, options }: ConnectionConfig, parts: OpenParts): Promise<Asked> {
  const url = redactUrl(broker);
  const failed = (error: unknown): never => {
    throw new UserError(`Cannot ask the workers on ${url}: ${faultOf(error).cause}.`, {
      hint: "Check the URL (--broker, or CELERY_BROKER_URL), that the broker runs, and the account.",
    });
  };
  const control = await parts
    .usable(broker, (report) => openControl({ url: broker, transport: options, report }))
    .catch(failed);
  const asked = await askWorkers(control).catch(failed);
  if (asked.answers.size > 0) return asked;
  const heard = asked.heardBy ? `, though ${asked.heardBy} heard the question` : "";
  throw new UserError(`No worker answers on ${url}${heard}. Nothing was written.`, {
    hint: "Start a worker on this very URL, or name theirs with --broker (another database or virtual host is another world), and try again. A solo pool answers between its tasks only, and a worker with worker_enable_remote_control off never: then write the file by hand, see docs/configuration.md.",
  });
}

function factsOf(
  flags: InitFlags,
  connection: ConnectionConfig,
  asked: Asked,
  env: Streams["env"],
): InitFacts {
  const { heardBy, sameNames, answers } = asked;
  const workers = [...answers]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([node, answer]) => readWorker(node, null, answer));
  // As in the quick form: the variable of the backend belongs to the broker of the environment.
  const isBackendOfEnvironment = flags.broker === undefined && Boolean(env.CELERY_RESULT_BACKEND);
  const isBackendGiven = flags.backend !== undefined || isBackendOfEnvironment;
  return {
    broker: brokerText({
      url: connection.broker,
      isFromEnvironment: flags.broker === undefined && Boolean(env.CELERY_BROKER_URL),
    }),
    backend: backendText(
      isBackendGiven
        ? { url: connection.backend, isFromEnvironment: flags.backend === undefined }
        : null,
      workers,
    ),
    workers,
    silent: Math.max(asked.incomplete.length, (heardBy ?? 0) - answers.size - sameNames.length),
  };
}

function nextSteps({ out }: InitFlags, { broker, backend, workers, silent }: InitFacts): string {
  const file = out === "-" ? "FILE" : out;
  const count = (number: number, one: string) => `${number} ${one}${number === 1 ? "" : "s"}`;
  const missing = silent === 0 ? "" : `; ${silent} more did not answer`;
  const variables = [broker.variable, backend?.variable].filter((name) => name);
  return [
    `${out === "-" ? "Asked" : `Wrote ${out} from the answers of`} ${count(workers.length, "worker")}${missing}.`,
    ...(variables.length === 0
      ? []
      : [`It reads ${variables.join(" and ")}: set what is not set.`]),
    `Uncomment a task in it, give it its arguments, and run: celery-load doctor ${file}`,
  ].join("\n");
}
