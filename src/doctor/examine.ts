import { randomBytes } from "node:crypto";
import { idPrefix } from "../celery/messages/task-id.js";
import { redactUrl } from "../celery/urls/redact-url.js";
import { brokerTraits, kindOf } from "../celery/urls/server-url.js";
import { isFull } from "../connections/limit.js";
import type { RemoteControl, ServerLook } from "../connections/observe-ports.js";
import { openControl, openEvents, openLook } from "../connections/open.js";
import { askWorkers } from "./ask-workers.js";
import { HeardEvents } from "./event-log.js";
import type {
  ConnectionFacts,
  NoPlace,
  QueueFacts,
  ServerFacts,
  TaskFacts,
  WorkersFacts,
} from "./facts.js";
import { faultOf } from "./open-parts.js";
import { queueFalls } from "./queue-falls.js";
import { type SendOptions, sendTasks } from "./send-tasks.js";
import { waitFor } from "./wait-for.js";
import { readWorker } from "./worker-facts.js";

export interface ExamineOptions extends SendOptions {
  /** Name of the connection. */
  readonly name: string;
}

/** Heartbeats come every 2 s; those of a busy worker may be late. */
const HEARTBEATS_MS = 3_000;

/**
 * Finds out what there is to know about the deployment behind a connection, and changes nothing there but
 * for the tasks that it sends. What cannot be found out is a fact, too, and not thrown.
 */
export async function examine(options: ExamineOptions): Promise<ConnectionFacts> {
  const log = new HeardEvents(idPrefix(randomBytes(6)));
  const { name, connection, parts } = options;
  try {
    const isServer =
      brokerTraits(connection.backend) !== null && connection.backend !== connection.broker;
    const [broker, backend] = await Promise.all([
      lookAt(options, connection.broker, connection.management),
      isServer ? lookAt(options, connection.backend, null) : null,
    ]);
    const seen: ConnectionFacts = {
      connection: name,
      options: connection.options,
      broker: broker.facts,
      backend: backendFacts(connection, broker.facts, backend),
      workers: NO_WORKERS,
      queues: [],
      queueFalls: [],
      tasks: tasksOf(options),
      starts: [],
      noPlace: noPlaceOf(backend?.noPlace ?? null),
    };
    if (broker.look === null) {
      const { starts } = await sendTasks(options, seen, null, log);
      return { ...seen, starts };
    }
    const queuesAtFirst = await lookAtQueues(broker.look, seen.tasks);
    const { workers, control } = await meetWorkers(options, log);
    const queues = await lookAtQueues(broker.look, seen.tasks);
    const found = { ...seen, workers, queues };
    const { starts, fault, madeRoom } = await sendTasks(options, found, control, log);
    const queuesNow = madeRoom === null ? await lookAtQueues(broker.look, seen.tasks) : [];
    return {
      ...found,
      queueFalls: queueFalls(queuesAtFirst, queuesNow, found),
      // Publishing and receiving is another thing than looking: another permission may be missing.
      ...(fault === null ? {} : { [fault.role]: { ...found[fault.role], fault } }),
      workers: {
        ...workers,
        withTaskEvents: [...log.withTaskEvents],
        malformedEvents: log.malformed,
      },
      starts,
      noPlace: noPlaceOf(
        backend?.noPlace ?? null,
        placeless("questions to workers", workers.controlFault),
        placeless("events of workers", workers.eventsFault),
        placeless("events of what was sent", madeRoom),
      ),
    };
  } finally {
    await parts.close();
  }
}

/** What a cause of its failure keeps from being found out, when that is a server that is full. */
function placeless(part: string, cause: string | null): NoPlace | null {
  return cause !== null && isFull(cause) ? { parts: [part], cause } : null;
}

function noPlaceOf(...each: readonly (NoPlace | null)[]): NoPlace | null {
  const all = each.filter((one) => one !== null);
  const [first] = all;
  return first === undefined
    ? null
    : { parts: all.flatMap(({ parts }) => parts), cause: first.cause };
}

const NO_WORKERS: WorkersFacts = {
  answered: [],
  silent: [],
  heardBy: null,
  sameNames: [],
  controlFault: null,
  eventsFault: null,
  withTaskEvents: [],
  malformedEvents: 0,
};

async function lookAt(
  { connection, parts }: ExamineOptions,
  url: string,
  management: string | null,
): Promise<{ facts: ServerFacts; look: ServerLook | null; noPlace: NoPlace | null }> {
  const facts = { url: redactUrl(url), ...addressOf(url) };
  try {
    const look = await parts.usable(url, (report) =>
      openLook({ url, transport: connection.options, management, report }),
    );
    // A server that does not say what it is works as well.
    const about = await look.about().catch(() => null);
    return { facts: { ...facts, fault: null, about }, look, noPlace: null };
  } catch (error) {
    const fault = faultOf(error);
    const noPlace = placeless("a look at the backend", fault.cause);
    return { facts: { ...facts, fault, about: null }, look: null, noPlace };
  }
}

function addressOf(url: string): Pick<ServerFacts, "kind" | "database" | "isTls"> {
  const kind = kindOf(url);
  const traits = brokerTraits(url)!;
  return { kind, database: traits.databaseOf(url), isTls: traits.parse(url).tls !== undefined };
}

function lookAtQueues(look: ServerLook, tasks: readonly TaskFacts[]): Promise<QueueFacts[]> {
  const names = new Set(tasks.map(({ queue }) => queue));
  return Promise.all(
    [...names].map(async (name) => {
      // An API that does not answer tells nothing of the broker itself.
      const type = await look.typeOf(name).catch(() => null);
      try {
        const depth = await look.depth(name);
        return { name, depth, isMissing: depth === null, type };
      } catch {
        return { name, depth: null, isMissing: false, type }; // not known, as a permission is missing
      }
    }),
  );
}

/** The tasks that workers are to run, each once. */
function tasksOf({ starts }: ExamineOptions): TaskFacts[] {
  const byKey = new Map(starts.flatMap(({ tasks }) => tasks.map((task) => [task.key, task])));
  return [...byKey.values()];
}

/** Asks the workers who they are, and listens for those that do not answer. */
async function meetWorkers(
  { connection, parts }: ExamineOptions,
  log: HeardEvents,
): Promise<{ workers: WorkersFacts; control: RemoteControl | null }> {
  const { broker: url, options: transport } = connection;
  const listeningSinceMs = performance.now();
  // One after the other: where there is one place only, the answers say more.
  const control = await parts
    .usable(url, (report) => openControl({ url, transport, report }))
    .catch(faultOf);
  const eventsFault = await parts
    .usable(url, (report) =>
      openEvents({ url, transport, report, received: (batch) => log.add(batch) }),
    )
    .then(() => null, faultOf);
  const common = { ...NO_WORKERS, eventsFault: eventsFault?.cause ?? null };
  if ("cause" in control) {
    return { workers: { ...common, controlFault: control.cause }, control: null };
  }
  const asked = await askWorkers(control).catch(faultOf);
  const answers = "cause" in asked ? new Map<string, never>() : asked.answers;
  const incomplete = "cause" in asked ? [] : asked.incomplete;
  const heardBy = "cause" in asked ? null : asked.heardBy;
  const isComplete = () =>
    answers.size > 0 &&
    heardBy !== null &&
    heardBy <= answers.size &&
    [...answers.keys()].every((node) => log.versions.has(node));
  if (eventsFault === null) await waitFor(isComplete, listeningSinceMs + HEARTBEATS_MS);
  return {
    workers: {
      ...common,
      heardBy,
      sameNames: "cause" in asked ? [] : asked.sameNames,
      controlFault: "cause" in asked ? asked.cause : null,
      answered: [...answers].map(([node, answer]) =>
        readWorker(node, log.versions.get(node) ?? null, answer),
      ),
      silent: [...new Set([...log.versions.keys(), ...incomplete])].filter(
        (node) => !answers.has(node),
      ),
    },
    control,
  };
}

/** What there is to say of the backend when it is no server of its own, or had no place for a look only. */
function backendFacts(
  { backend: url, broker: brokerUrl }: ExamineOptions["connection"],
  broker: ServerFacts,
  seen: { readonly facts: ServerFacts; readonly noPlace: NoPlace | null } | null,
): ServerFacts {
  if (seen === null) {
    return url === brokerUrl ? broker : { ...broker, kind: kindOf(url), url };
  }
  return seen.noPlace === null ? seen.facts : { ...seen.facts, fault: null };
}
