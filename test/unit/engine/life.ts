import assert from "node:assert/strict";
import { DEFAULT_TRANSPORT } from "../../../src/celery/urls/transport.js";
import type {
  ChordSize,
  Connection,
  PublishAnswer,
  Publisher,
  PublishOutcome,
} from "../../../src/connections/ports.js";
import { Ceiling } from "../../../src/engine/ceiling.js";
import { ExceptionRows } from "../../../src/engine/exception-rows.js";
import { compileFirstBodies } from "../../../src/engine/message-maker.js";
import type { EntryPlan, ScenarioPlan, SloPlan } from "../../../src/engine/messages.js";
import { TaskLife } from "../../../src/engine/task-life.js";
import type { UserPaceWatch } from "../../../src/engine/user-pace.js";
import {
  createLayout,
  type EntryCounter,
  FINE,
  type SloCounter,
} from "../../../src/ledger/layout.js";
import { ledgerBytes, openLedger } from "../../../src/ledger/snapshot.js";
import {
  createStageLayout,
  STAGE_COUNTERS,
  type StageCounter,
} from "../../../src/ledger/stage-rows.js";
import { LedgerView } from "../../../src/readings/ledger-view.js";
import { taskOptions } from "../celery/specs.js";

interface Request {
  readonly destination: string;
  readonly ids: readonly string[];
  /** Answers for all messages. */
  readonly done: (outcome: PublishOutcome) => void;
  readonly answer: PublishAnswer;
}

/** A broker that keeps what it gets and answers when the test says so. */
export class FakeBroker implements Connection {
  ready = true;
  readonly requests: Request[] = [];
  readonly publisher: Publisher;
  /** Chords whose size was stored. */
  readonly chords: ChordSize[] = [];
  readonly results = {
    ready: true,
    lookUp: async () => {},
    forget: async () => {},
    startChords: async (chords: readonly ChordSize[]) => {
      this.chords.push(...chords);
    },
  };

  readonly optional = { open() {}, stepAside() {} };

  constructor() {
    const broker = this;
    this.publisher = {
      get ready() {
        return broker.ready;
      },
      isBlocked: false,
      template: ({ routingKey, priority }) => ({
        destination: `${routingKey}:${priority}`,
        render: ({ id }) => id,
        sizeOf: () => 100,
      }),
      publish(destination, messages, answer) {
        const ids = messages as string[];
        const done = (outcome: PublishOutcome) => answer(0, ids.length, outcome, "OOM");
        broker.requests.push({ destination, ids, done, answer });
      },
    };
  }
  checkLiveness() {}
  async close() {}
}

export const TIMEOUT_MS = 1_000;
const SCENARIO: ScenarioPlan = {
  name: "s",
  connection: 0,
  profile: { kind: "constant", ratePerSecond: 1 },
  arrival: "even",
  choose: "exact",
  entries: [0, 1],
  weights: [1, 1],
  startAfterMs: 0,
  warmupMs: 0,
  endMs: Number.POSITIVE_INFINITY,
  untilMs: Number.POSITIVE_INFINITY,
  windows: null,
  lease: null,
  script: null,
  maxInFlight: 20,
  gracefulStopMs: 0,
};
export const entry = (name: string, priority: number): EntryPlan => ({
  ...taskOptions({ name, queue: "q", priority }),
  scenario: 0,
  connection: 0,
  timeoutMs: TIMEOUT_MS,
  errbacks: [],
  workflow: null,
  memberOf: null,
  data: null,
  userRow: null,
  payload: null,
  isScripted: false,
});

/**
 * The life of tasks with a broker and a clock in the test's hand. By default there are the tasks "a" and
 * "b", which go to different lists.
 */
export function setUp(
  maxInFlight = SCENARIO.maxInFlight,
  entries: readonly EntryPlan[] = [entry("a", 0), entry("b", 9)],
  slots = maxInFlight * entries.length + 4,
  slos: readonly SloPlan[] = [],
  pace: UserPaceWatch | null = null,
) {
  const layout = createLayout({
    entries: entries.length,
    scenarios: 1,
    connections: 1,
    bucketsMs: [100, 1000],
    phaseBucketsMs: [100],
    data: 0,
    exceptionRows: entries.length + 4,
    sloRows: slos.length,
    userRows: entries.filter(({ userRow }) => userRow !== null).length,
    slots,
  });
  const { live } = openLedger(layout, new SharedArrayBuffer(ledgerBytes(layout)));
  const time = { nowMs: 0, steppedMs: Number.NEGATIVE_INFINITY };
  const stageLayout = createStageLayout([3]);
  const stageCells = new Float64Array(stageLayout.cellCount);
  const generator = { isSaturated: false };
  const broker = new FakeBroker();
  const exceptions: string[] = [];
  const life = new TaskLife({
    layout,
    live,
    stageLayout,
    stageCells,
    clock: {
      nowMs: () => time.nowMs,
      unixMs: (ms) => ms,
      anchor: () => 0,
      steppedMs: () => time.steppedMs,
    },
    idPrefix: "00000000-0000",
    share: { index: 0, of: 1 },
    origin: "gen1@h",
    connectionPlans: [
      {
        name: "main",
        broker: "redis://h",
        backend: "redis://h",
        forget: true,
        client: "direct",
        sendTaskSentEvents: false,
        transport: DEFAULT_TRANSPORT,
        backendTransport: { global_keyprefix: "" },
      },
    ],
    scenarios: [{ ...SCENARIO, maxInFlight }],
    entries,
    slos,
    ceiling: new Ceiling({ maxInFlight: null, tasksPerDay: null }, { day: 0, starts: 0 }),
    isSaturated: () => generator.isSaturated,
    bodies: entries.map((each) =>
      compileFirstBodies(each, entries, "oid", { readLines: () => [], random: () => 0 }),
    ),
    exceptions: new ExceptionRows(entries.length, entries.length + 4, (_row, _entry, name) =>
      exceptions.push(name),
    ),
    rowsOf: () => {
      throw new Error("no data");
    },
    paceOf: () => pace,
    payloadOf: () => null,
    onUserStartEnded: () => {},
    onRefused: () => {},
    onInvalid: () => {},
    onMalformed: () => {},
  });
  life.connect([broker]);
  const view = () => new LedgerView(layout, [live]);
  const start = (index = 0, plannedMs = time.nowMs, isWarmup = false, stage = 0) => {
    life.start(index, stage, plannedMs, time.nowMs, isWarmup);
    life.flush(time.nowMs);
  };
  const resultText = (id: string, text: string) =>
    life.result(`celery-task-meta-${id}`, "celery-task-meta-".length, text);
  const result = (id: string, meta: object) => resultText(id, JSON.stringify(meta));
  const count = (name: EntryCounter, index = 0) => view().counter(index, name);
  const stageCount = (name: StageCounter, stage: number) =>
    stageCells[stageLayout.counter(stageLayout.row(0, stage), name)]!;
  const stageLatencies = (stage: number) => {
    const at = stageLayout.fineAt(stageLayout.row(0, stage));
    return stageCells.slice(at, at + FINE.size);
  };
  const sloCount = (name: SloCounter, row = 0) => view().slo(row, name);
  const assertBalanced = () => {
    for (const index of entries.keys()) {
      assert.deepEqual(view().balance(index), { planned: 0, published: 0 });
    }
    assertStagesAddUp();
  };
  /** The rows of the stages are the whole once more: each count, and each cell of the latencies. */
  const assertStagesAddUp = () => {
    const starts = [...entries.keys()].filter((index) => entries[index]!.memberOf === null);
    for (const name of STAGE_COUNTERS) {
      const total = starts.reduce((sum, index) => sum + count(name, index), 0);
      const byStage = [0, 1, 2].reduce((sum, stage) => sum + stageCount(name, stage), 0);
      assert.equal(byStage, total, name);
    }
    const latencies = new Float64Array(FINE.size);
    for (const index of starts) {
      for (const name of ["latencySucceeded", "latencyFailed"] as const) {
        for (const [cell, n] of view().fineCounts(index, name).entries()) latencies[cell]! += n;
      }
    }
    const byStage = new Float64Array(FINE.size);
    for (const stage of [0, 1, 2]) {
      for (const [cell, n] of stageLatencies(stage).entries()) byStage[cell]! += n;
    }
    assert.deepEqual(byStage, latencies);
  };
  return {
    life,
    broker,
    time,
    generator,
    view,
    start,
    result,
    resultText,
    count,
    sloCount,
    stageCount,
    stageLatencies,
    assertBalanced,
    exceptions,
  };
}

export const SUCCESS = { status: "SUCCESS", result: 1 };
