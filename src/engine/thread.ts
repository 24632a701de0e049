import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { parentPort } from "node:worker_threads";
import { createClock, hrtimeMs } from "../clock.js";
import { isFull } from "../connections/limit.js";
import { openConnection } from "../connections/open.js";
import type { Connection, ConnectionRole } from "../connections/ports.js";
import { withDeadline } from "../deadline.js";
import { messageOf } from "../errors.js";
import { createLayout } from "../ledger/layout.js";
import { openLedger, takeSnapshot } from "../ledger/snapshot.js";
import { createStageLayout } from "../ledger/stage-rows.js";
import { takeLibraryLines } from "../library-lines.js";
import { hasRate, stagesOf } from "../plan/profile.js";
import { createRandom, seedOf } from "../plan/random.js";
import { dealOf, inBlocks, shareOf, within } from "../plan/share.js";
import { ExceptionRows } from "./exception-rows.js";
import { compileFirstBodies } from "./message-maker.js";
import type { EngineMessage, EngineStart, MainMessage } from "./messages.js";
import { Pacer } from "./pacer.js";
import { Saturation } from "./saturation.js";
import { ScenarioRun } from "./scenario-run.js";
import { TaskLife } from "./task-life.js";

/**
 * Entry of a worker thread of the engine: builds the parts, then lets the pacer run. The plan's clock
 * starts, for all threads at once, when every connection is up, or after START_GRACE_MS without (then starts are
 * dropped with their reason, as at any other time).
 */
const START_GRACE_MS = 10_000;
/** Timeouts and states are looked at this often. */
const SWEEP_MS = 100;
/** A timer that comes this much too late says that this thread was held up, not the others. */
const LATE_MS = 1_000;

/** Results removed in one go: fewer would not keep up with 100,000 a second, more would hold the backend up. */
const FORGET_AT_ONCE = 2_000;
/** How long each step of the leave-taking may last. */
const LEAVE_MS = 1_500;

const port = parentPort!;
// What follows up to the listener below runs before the next message is handed out.
const start = await new Promise<EngineStart>((resolve) => port.once("message", resolve));
const { plan, memory, stageMemory, thread, idPrefix: prefix } = start;
const share = within(plan.segment, thread);
const scenarios = plan.scenarios.map((scenario) => ({
  ...scenario,
  maxInFlight: shareOf(scenario.maxInFlight, share),
}));
const clock = createClock();
const layout = createLayout(plan.dimensions);
const ledger = openLedger(layout, memory);
const cells = ledger.live.cells;
const say = (message: EngineMessage) => port.postMessage(message);
takeLibraryLines((line) => say({ type: "library", line }));

/** Recognisable, as the broker may keep it for a while after we were killed. */
const replyTo = `celery-load.${randomUUID()}`;
const random = createRandom(seedOf(`arguments${share.index || ""}`, plan.seed));
const saturation = new Saturation(cells, layout);
const life = new TaskLife({
  layout,
  live: ledger.live,
  stageLayout: createStageLayout(plan.scenarios.map(({ profile }) => stagesOf(profile).length)),
  stageCells: new Float64Array(stageMemory),
  clock,
  idPrefix: prefix,
  share,
  origin: `gen${process.pid}@${hostname()}`,
  connectionPlans: plan.connections,
  scenarios,
  entries: plan.entries,
  slos: plan.slos,
  isSaturated: (nowMs) => saturation.isSaturated(nowMs),
  bodies: plan.entries.map((entry) =>
    compileFirstBodies(entry, plan.entries, replyTo, {
      readLines: (name) => plan.templateLines[name] ?? [],
      random,
    }),
  ),
  exceptions: new ExceptionRows(
    plan.entries.length,
    plan.dimensions.exceptionRows,
    (row, entry, name) => say({ type: "exception", row, entry, name }),
    thread,
  ),
  onRefused: (entry, outcome, reason) => say({ type: "refused", entry, outcome, reason }),
  onInvalid: (entry, reason) => say({ type: "invalid", entry, reason }),
  onMalformed: (entry, cause) => say({ type: "malformed", entry, cause }),
});

const countLimit = shareOf(plan.countLimit ?? Number.POSITIVE_INFINITY, share);
const budget = { limit: countLimit, left: countLimit };
const runs = scenarios.map(
  (scenario, index) =>
    new ScenarioRun({
      index,
      plan: scenario,
      layout,
      cells,
      clock,
      life,
      budget,
      seed: plan.seed,
      // A limit on the number is shared out one by one, and is to be reached by all threads at the same time.
      deal:
        plan.countLimit === null
          ? dealOf(plan.segment, thread, plan.scenarios[index]!.maxInFlight)
          : inBlocks(plan.segment, thread, 1),
      onState: (state) => say({ type: "scenario", scenario: index, state }),
      onStage: (stage) => say({ type: "stage", scenario: index, stage }),
    }),
);
const pacer = new Pacer(clock, life, runs, plan.tickMs);
/** Connections whose results may have been missed and not been looked up yet. */
const missed = new Set<number>();
/** Connections whose results are being removed. */
const forgetting = new Map<number, Promise<void>>();
const hasClosedLoop = plan.scenarios.some(({ profile }) => !hasRate(profile));
const connections = plan.connections.map((_, index) => connect(index));
life.connect(connections);
connections.forEach(({ optional }, index) => {
  if (hasWorkflows(index)) optional.open();
});

let isReady = false;
let hasEnded = false;
const openedMs = clock.nowMs();
let lastSweepMs = openedMs;
let nextSecondMs = openedMs + 1_000;
const sweeper = setInterval(sweep, SWEEP_MS);
port.on("message", onMessage);

function onMessage(message: MainMessage): void {
  const nowMs = clock.nowMs();
  switch (message.type) {
    case "openOptional":
      openOptional();
      break;
    case "begin":
      begin(nowMs - (hrtimeMs() - message.hrtimeMs));
      break;
    case "snapshot":
      for (const run of runs) run.refresh(nowMs);
      takeSnapshot(ledger, message.isScrape ? layout.fineAt : layout.cellCount);
      if (message.isScrape) cells[layout.engine("dispatchLagMaxSeconds")] = 0;
      say({ type: "snapshot", id: message.id });
      break;
    case "taskReports":
      life.reported(message.connection, message.reports);
      if (hasClosedLoop) pacer.turnSoon();
      break;
    case "clockReadings":
      life.readClocks(message.connection, message.readings);
      break;
    case "stop":
      for (const run of runs) run.stop(nowMs);
      endIfStopped();
      break;
    case "abort":
      for (const run of runs) run.abort(nowMs);
      endIfStopped();
      break;
  }
}

function lookIfReady(nowMs: number): void {
  if (isReady || hasEnded) return;
  isReady =
    nowMs - openedMs >= START_GRACE_MS ||
    connections.every(({ publisher, results }) => publisher.ready && results.ready);
  if (isReady) say({ type: "ready" });
}

/** Where there are workflows, what stores the sizes of their chords has been opened with all else. */
function openOptional(): void {
  if (hasEnded) return;
  connections.forEach(({ optional }, index) => {
    if (!hasWorkflows(index)) optional.open();
  });
}

function begin(zeroMs: number): void {
  if (hasEnded) return;
  cells[layout.engine("saturatedSeconds")] = 0; // to start is busy work, too
  for (const run of runs) run.begin(zeroMs);
  pacer.turn();
}

function sweep(): void {
  const nowMs = clock.nowMs();
  const isLate = nowMs - lastSweepMs > SWEEP_MS + LATE_MS;
  saturation.turned(nowMs);
  lookIfReady(nowMs);
  // Timers run before sockets are read, and after a pause of our own results may be waiting there: a
  // deadline has passed when it had passed at the last sweep, since which they have been read.
  life.sweep(lastSweepMs);
  lastSweepMs = nowMs;
  for (const run of runs) run.refresh(nowMs);
  if (nowMs >= nextSecondMs) {
    nextSecondMs = nowMs + 1_000;
    everySecond(isLate);
  }
  endIfStopped();
}

function everySecond(isLate: boolean): void {
  const stepMs = clock.anchor();
  if (stepMs !== 0) say({ type: "clockStep", stepMs });
  for (const connection of connections) connection.checkLiveness(isLate);
  saturation.check();
  cells[layout.engine("lastTurnSeconds")] = process.hrtime()[0];
  connections.forEach((_, connection) => {
    tellClocks(connection);
  });
  for (const connection of missed) void lookUp(connection);
  for (const index of connections.keys()) forget(index).catch(reportForget(index));
}

function endIfStopped(): void {
  if (hasEnded || runs.some(({ state }) => state !== "stopped")) return;
  hasEnded = true;
  pacer.stop();
  clearInterval(sweeper);
  void leave();
}

/** Cleans up after itself, but does not wait for a server that stands still. */
async function leave(): Promise<void> {
  await Promise.all(
    connections.map(async (connection, index) => {
      // Twice, as the first may be one that has begun before the last tasks ended.
      const removed = forget(index).then(() => forget(index));
      await withDeadline(removed, LEAVE_MS, "removing results").catch(reportForget(index));
      await withDeadline(connection.close(life.isOwed(index)), LEAVE_MS, "closing").catch(() => {
        // The process ends next, and the sockets with it.
      });
    }),
  );
  say({ type: "ended" });
}

function connect(index: number): Connection {
  const seen = new Set<ConnectionRole>();
  return openConnection({
    ...plan.connections[index]!,
    idPrefix: prefix,
    replyTo,
    events: {
      up(role, downMs) {
        cells[layout.connection(index, `${role}Up`)] = 1;
        const wasUp = seen.has(role);
        seen.add(role);
        if (wasUp) cells[layout.connection(index, `${role}Reconnects`)]! += 1;
        say({ type: "up", connection: index, role, downMs });
        lookIfReady(clock.nowMs());
      },
      down(role, cause, isConfiguration) {
        cells[layout.connection(index, `${role}Up`)] = 0;
        // Whichever connection is on the same server: each place counts.
        if (isFull(cause)) for (const { optional } of connections) optional.stepAside();
        say({ type: "down", connection: index, role, cause, isConfiguration });
      },
      dataLost(evidence) {
        const inFlight = life.idsInFlight(index).length;
        if (inFlight === 0) return;
        cells[layout.connection(index, evidence)]! += 1;
        say({ type: "dataLost", connection: index, evidence, inFlight });
      },
      blocked(isBlocked) {
        cells[layout.connection(index, "brokerBlocked")] = isBlocked ? 1 : 0;
        say({ type: "blocked", connection: index, isBlocked });
      },
      repliesLost() {
        cells[layout.connection(index, "replyQueueDeleted")]! += 1;
        say({ type: "repliesLost", connection: index });
      },
      sentEventsLost: (cause) => say({ type: "sentEventsLost", connection: index, cause }),
      resultsMissed() {
        if (life.idsInFlight(index).length > 0) missed.add(index);
      },
      result(channel, idAt, text, isRepeat) {
        life.result(channel, idAt, text, isRepeat);
        if (hasClosedLoop) pacer.turnSoon();
      },
      ...(expectsAnswers(index) ? {} : { success }),
    },
  });
}

function success(slot: number, seq: number, doneUnixMs: number): void {
  life.success(slot, seq, doneUnixMs);
  if (hasClosedLoop) pacer.turnSoon();
}

function hasWorkflows(connection: number): boolean {
  return plan.entries.some((entry) => entry.connection === connection && entry.workflow !== null);
}

/** Then the texts of its results must be seen. */
function expectsAnswers(connection: number): boolean {
  return plan.entries.some(
    (entry) => entry.connection === connection && entry.expect !== undefined,
  );
}

function tellClocks(connection: number): void {
  const clocks = [...life.workerClocks(connection)].map(([worker, clock]) => ({
    worker,
    ...clock,
  }));
  if (clocks.length > 0) say({ type: "workerClocks", connection, clocks });
}

async function lookUp(connection: number): Promise<void> {
  missed.delete(connection);
  const ids = life.idsInFlight(connection);
  let count = 0;
  try {
    await connections[connection]!.results.lookUp(ids, (id, text) => {
      if (life.recovered(id, text)) count++;
    });
  } catch (error) {
    missed.add(connection);
    say({ type: "lookUpFailed", connection, cause: messageOf(error) });
  }
  if (count > 0) say({ type: "recovered", connection, count });
}

/** Removes the results of the tasks that have ended, some at a time. */
function forget(connection: number): Promise<void> {
  const running = forgetting.get(connection);
  if (running !== undefined) return running;
  const removed = forgetAll(connection).finally(() => forgetting.delete(connection));
  forgetting.set(connection, removed);
  return removed;
}

async function forgetAll(connection: number): Promise<void> {
  for (;;) {
    const ended = life.takeEnded(connection, FORGET_AT_ONCE);
    if (ended === null) return;
    await connections[connection]!.results.forget(ended.ids, ended.chords);
    if (ended.ids.length < FORGET_AT_ONCE) return; // what has ended meanwhile waits for company
  }
}

/** A failure costs nothing but memory of the backend: the results expire by themselves. */
function reportForget(connection: number): (error: unknown) => void {
  return (error) => say({ type: "forgetFailed", connection, cause: messageOf(error) });
}
