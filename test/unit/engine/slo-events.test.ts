import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { PublishOutcome } from "../../../src/connections/ports.js";
import { EVENT_OF, SloEvents } from "../../../src/engine/slo-events.js";
import { MAX_CATCH_UP_MS } from "../../../src/engine/task-life.js";
import {
  DROP_COUNTERS,
  OUTCOME_COUNTERS,
  PUBLISH_FAILURE_COUNTERS,
  type StartEnd,
} from "../../../src/ledger/balance.js";
import { InFlightTable, SLOT } from "../../../src/ledger/in-flight-table.js";
import { createLayout, SLO_COUNTERS, type SloCounter } from "../../../src/ledger/layout.js";
import { ledgerBytes, openLedger } from "../../../src/ledger/snapshot.js";
import { entry, type FakeBroker, SUCCESS, setUp, TIMEOUT_MS } from "./life.js";

const FAILURE = { status: "FAILURE", result: { exc_type: "E" } };

/** One task "a" with an SLO for its outcome (row 0) and two for its latency (rows 1 and 2). */
function setUpSlos() {
  const slos = [
    { entry: 0, latencyMs: null },
    { entry: 0, latencyMs: 500 },
    { entry: 0, latencyMs: 100 },
  ];
  const all = setUp(5, undefined, undefined, slos);
  const counts = (row: number) =>
    Object.fromEntries(
      SLO_COUNTERS.map((name) => [name, all.sloCount(name, row)]).filter(
        ([, count]) => count !== 0,
      ),
    );
  const begin = (isWarmup = false) => {
    all.start(0, all.time.nowMs, isWarmup);
    const request = all.broker.requests.at(-1)!;
    request.done("accepted");
    return request.ids[0]!;
  };
  return { ...all, counts: () => [0, 1, 2].map(counts), begin };
}

const GOOD = { events: 1 };
const BAD = { events: 1, bad: 1 };

test("a success in time is a good event; the latency at which it is too late is one above the threshold", () => {
  const { begin, result, time, counts } = setUpSlos();
  const id = begin();
  assert.deepEqual(counts(), [{}, {}, {}], "not settled yet");
  time.nowMs = 100;
  result(id, SUCCESS);
  assert.deepEqual(counts(), [GOOD, GOOD, GOOD]);
  const late = begin();
  time.nowMs += 100.5;
  result(late, SUCCESS);
  assert.deepEqual(counts(), [{ events: 2 }, { events: 2 }, { events: 2, bad: 1 }]);
});

test("an event of a latency is settled when its threshold has passed, and a late result changes nothing", () => {
  const { life, begin, result, time, counts } = setUpSlos();
  const id = begin();
  time.nowMs = 101;
  life.sweep(time.nowMs);
  assert.deepEqual(counts(), [{}, {}, BAD]);
  time.nowMs = 501;
  life.sweep(time.nowMs);
  life.sweep(time.nowMs);
  assert.deepEqual(counts(), [{}, BAD, BAD]);
  time.nowMs = 600;
  result(id, SUCCESS);
  result(id, SUCCESS);
  assert.deepEqual(counts(), [GOOD, BAD, BAD]);
});

test("a failure is bad at once, for the latency too", () => {
  const { begin, result, counts } = setUpSlos();
  result(begin(), FAILURE);
  assert.deepEqual(counts(), [BAD, BAD, BAD]);
});

test("without a result the outcome is bad at the timeout; what comes then is no event", () => {
  const { life, begin, result, time, counts } = setUpSlos();
  const id = begin();
  time.nowMs = TIMEOUT_MS;
  life.sweep(time.nowMs);
  assert.deepEqual(counts(), [BAD, BAD, BAD]);
  result(id, SUCCESS);
  assert.deepEqual(counts(), [BAD, BAD, BAD]);
});

test("a start that the system under test leaves no room for is bad; one that we drop is excluded", () => {
  const inFlight = setUpSlos();
  for (let i = 0; i < 6; i++) inFlight.start();
  assert.deepEqual(inFlight.counts(), [BAD, BAD, BAD]);
  const away = setUpSlos();
  away.broker.ready = false;
  away.start();
  assert.deepEqual(away.counts(), [BAD, BAD, BAD]);
  const late = setUpSlos();
  late.time.nowMs = MAX_CATCH_UP_MS + 1;
  late.start(0, 0);
  const excluded = { excludedSaturated: 1 };
  assert.deepEqual(late.counts(), [excluded, excluded, excluded]);
});

test("what the broker refuses is bad, what cannot be built is excluded", () => {
  for (const [outcome, expected] of [
    ["refused", BAD],
    ["unroutable", BAD],
    ["tooLarge", BAD],
    ["notWritten", BAD],
    ["invalid", { excludedInvalid: 1 }],
  ] as const) {
    const { start, broker, counts } = setUpSlos();
    start();
    broker.requests[0]!.done(outcome);
    assert.deepEqual(counts(), [expected, expected, expected], outcome);
  }
});

test("tasks of the warm-up are excluded, when they are settled", () => {
  const { life, begin, result, time, counts } = setUpSlos();
  const id = begin(true);
  assert.deepEqual(counts(), [{}, {}, {}]);
  time.nowMs = 200;
  life.sweep(time.nowMs);
  assert.deepEqual(counts(), [{}, {}, { excludedWarmup: 1 }]);
  result(id, FAILURE);
  assert.deepEqual(counts(), [{ excludedWarmup: 1 }, { excludedWarmup: 1 }, { excludedWarmup: 1 }]);
});

test("what was planned or is settled while the generator is saturated is excluded, good or bad", () => {
  const { life, begin, result, time, generator, counts } = setUpSlos();
  generator.isSaturated = true;
  const planned = begin();
  generator.isSaturated = false;
  result(planned, SUCCESS);
  const excluded = { excludedSaturated: 1 };
  assert.deepEqual(counts(), [excluded, excluded, excluded]);
  const settled = begin();
  time.nowMs = 101;
  generator.isSaturated = true;
  life.sweep(time.nowMs);
  generator.isSaturated = false;
  result(settled, SUCCESS);
  assert.deepEqual(counts(), [
    { events: 1, ...excluded },
    { events: 1, ...excluded },
    { excludedSaturated: 2 },
  ]);
});

test("what is in flight when the daemon stops is excluded, but not where its threshold has passed", () => {
  const { life, begin, time, counts } = setUpSlos();
  begin();
  time.nowMs = 101;
  life.endAll(0);
  assert.deepEqual(counts(), [{ excludedStopped: 1 }, { excludedStopped: 1 }, BAD]);
});

test("a workflow is one event of its own, its members are none", () => {
  const stage = (member: number) => [{ entry: member, isImmutable: false }];
  const entries = [
    { ...entry("flow", 0), workflow: { stages: [stage(1), stage(2)], callbacks: [] } },
    { ...entry("m1", 0), memberOf: 0 },
    { ...entry("m2", 0), memberOf: 0 },
  ];
  const all = setUp(4, entries, undefined, [
    { entry: 0, latencyMs: null },
    { entry: 0, latencyMs: 300 },
  ]);
  all.start();
  all.broker.requests[0]!.done("accepted");
  const ids = all.life.idsInFlight(0);
  all.result(ids[0]!, SUCCESS);
  assert.equal(all.sloCount("events", 0), 0);
  all.time.nowMs = 301;
  all.life.sweep(all.time.nowMs);
  all.result(ids[1]!, SUCCESS);
  assert.deepEqual([all.sloCount("events", 0), all.sloCount("bad", 0)], [1, 0]);
  assert.deepEqual([all.sloCount("events", 1), all.sloCount("bad", 1)], [1, 1]);
});

test("in any sequence of events, what is settled of an SLO is what has ended or passed its threshold", () => {
  const outcomes: PublishOutcome[] = [
    ...(["accepted", "refused", "unroutable", "unknown", "notWritten", "invalid"] as const),
  ];
  const metas = [SUCCESS, FAILURE, { status: "REVOKED", result: null }, { status: "RETRY" }];
  const step = fc.oneof(
    fc.record({ do: fc.constant("start" as const), late: fc.nat(150), isWarmup: fc.boolean() }),
    fc.record({ do: fc.constant("answer" as const), pick: fc.nat(), outcome: fc.nat(5) }),
    fc.record({ do: fc.constant("result" as const), pick: fc.nat(), meta: fc.nat(3) }),
    fc.record({ do: fc.constant("wait" as const), ms: fc.nat(400) }),
    fc.record({ do: fc.constant("connect" as const), ready: fc.boolean() }),
    fc.record({ do: fc.constant("saturate" as const), isSaturated: fc.boolean() }),
    fc.record({ do: fc.constant("end" as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      const slos = [null, 100, 300, 100].map((latencyMs) => ({ entry: 0, latencyMs }));
      const all = setUp(6, undefined, undefined, slos);
      const { life, broker, time, generator, sloCount, count, view } = all;
      const ids: string[] = [];
      const waiting = new Set<FakeBroker["requests"][number]>();
      let lastPlannedMs = 0;
      for (const event of steps) {
        const seen = broker.requests.length;
        if (event.do === "start") {
          lastPlannedMs = Math.max(lastPlannedMs, time.nowMs - event.late);
          all.start(0, lastPlannedMs, event.isWarmup);
        } else if (event.do === "answer" && waiting.size > 0) {
          const request = [...waiting][event.pick % waiting.size]!;
          waiting.delete(request);
          request.done(outcomes[event.outcome]!);
        } else if (event.do === "result" && ids.length > 0) {
          all.result(ids[event.pick % ids.length]!, metas[event.meta]!);
        } else if (event.do === "wait") {
          time.nowMs += event.ms;
          life.sweep(time.nowMs);
        } else if (event.do === "connect") broker.ready = event.ready;
        else if (event.do === "saturate") generator.isSaturated = event.isSaturated;
        else if (event.do === "end") life.endAll(0);
        for (const request of broker.requests.slice(seen)) {
          waiting.add(request);
          ids.push(...request.ids);
        }
        const open = view().publishing(0) + view().inFlight(0);
        for (const [row, { latencyMs }] of slos.entries()) {
          const excluded = SLO_COUNTERS.slice(2).reduce(
            (sum, name) => sum + sloCount(name, row),
            0,
          );
          const settled = sloCount("events", row) + excluded;
          assert.ok(sloCount("bad", row) <= sloCount("events", row));
          if (latencyMs === null) assert.equal(settled, count("planned") - open);
          else assert.ok(settled >= count("planned") - open && settled <= count("planned"));
        }
      }
      life.endAll(0);
      for (const row of slos.keys()) {
        const all = SLO_COUNTERS.filter((name) => name !== "bad");
        const settled = all.reduce((sum, name) => sum + sloCount(name, row), 0);
        assert.equal(settled, count("planned"));
      }
    }),
    { numRuns: 400 },
  );
});

test("every end of a start is one kind of event, and only succeeding is a good one", () => {
  const ends = [...DROP_COUNTERS, ...PUBLISH_FAILURE_COUNTERS, ...OUTCOME_COUNTERS];
  assert.deepEqual(Object.keys(EVENT_OF).sort(), ends.filter((name) => name !== "notRun").sort());
  const good = Object.entries(EVENT_OF).filter(([, event]) => event === "events");
  assert.deepEqual(good, [["succeeded", "events"]]);
});

/** Every start with all that is known of it, looked through from the beginning each time. */
class PlainCounting {
  readonly counts: Record<SloCounter, number>[];
  readonly #thresholds: readonly (number | null)[];
  readonly #open: {
    slot: number;
    plannedMs: number;
    exclusion: SloCounter | null;
    left: number[];
  }[] = [];

  constructor(thresholds: readonly (number | null)[]) {
    this.#thresholds = thresholds;
    this.counts = thresholds.map(
      () => Object.fromEntries(SLO_COUNTERS.map((name) => [name, 0])) as Record<SloCounter, number>,
    );
  }

  start(slot: number, plannedMs: number, exclusion: SloCounter | null): void {
    this.#open.push({ slot, plannedMs, exclusion, left: [...this.#thresholds.keys()] });
  }

  pass(untilMs: number, isSaturated: boolean): void {
    for (const each of this.#open) {
      each.left = each.left.filter((row) => {
        const threshold = this.#thresholds[row] ?? Number.POSITIVE_INFINITY;
        if (untilMs - each.plannedMs <= threshold) return true;
        this.count(row, each.exclusion ?? (isSaturated ? "excludedSaturated" : "bad"));
        return false;
      });
    }
  }

  end(slot: number, nowMs: number, event: SloCounter, isSaturated: boolean): void {
    const at = this.#open.findIndex((each) => each.slot === slot);
    const [start] = this.#open.splice(at, 1);
    for (const row of start!.left) {
      const isLate = nowMs - start!.plannedMs > (this.#thresholds[row] ?? Number.POSITIVE_INFINITY);
      const inTime = isLate && ["events", "excludedStopped"].includes(event) ? "bad" : event;
      this.count(row, start!.exclusion ?? (isSaturated ? "excludedSaturated" : inTime));
    }
  }

  count(row: number, event: SloCounter): void {
    this.counts[row]![event] += 1;
    if (event === "bad") this.counts[row]!.events += 1;
  }
}

test("in any sequence the counts are those of looking at every start anew", () => {
  const ends = Object.keys(EVENT_OF) as StartEnd[];
  const step = fc.oneof(
    fc.record({ do: fc.constant("start" as const), isWarmup: fc.boolean() }),
    fc.record({ do: fc.constant("drop" as const), end: fc.nat(ends.length - 1) }),
    fc.record({ do: fc.constant("end" as const), pick: fc.nat(), end: fc.nat(ends.length) }),
    fc.record({ do: fc.constant("wait" as const), ms: fc.nat(200), isSwept: fc.boolean() }),
    fc.record({ do: fc.constant("saturate" as const), isSaturated: fc.boolean() }),
  );
  const thresholds = fc.array(fc.option(fc.constantFrom(50, 100, 100, 250)), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(thresholds, fc.array(step, { maxLength: 150, size: "max" }), (latencies, steps) => {
      const layout = createLayout({
        entries: 1,
        scenarios: 0,
        connections: 0,
        bucketsMs: [1],
        phaseBucketsMs: [1],
        data: 0,
        exceptionRows: 1,
        sloRows: latencies.length,
        userRows: 0,
        slots: 8,
      });
      const { live } = openLedger(layout, new SharedArrayBuffer(ledgerBytes(layout)));
      const table = new InFlightTable(live, 1);
      let nowMs = 0;
      let isSaturated = false;
      const events = new SloEvents({
        cells: live.cells,
        layout,
        table,
        slos: latencies.map((latencyMs) => ({ entry: 0, latencyMs })),
        nowMs: () => nowMs,
        isSaturated: () => isSaturated,
      });
      const plain = new PlainCounting(latencies);
      const open: number[] = [];
      for (const each of steps) {
        if (each.do === "start" && table.freeCount > 0) {
          const slot = table.take(0, nowMs, nowMs, 0);
          open.push(slot);
          events.started(0, slot, each.isWarmup, nowMs);
          const exclusion = isSaturated ? "excludedSaturated" : null;
          plain.start(slot, nowMs, each.isWarmup ? "excludedWarmup" : exclusion);
        } else if (each.do === "drop") {
          const end = ends[each.end]!;
          events.dropped(0, end, false, nowMs);
          for (const row of latencies.keys()) {
            plain.count(row, isSaturated ? "excludedSaturated" : EVENT_OF[end]);
          }
        } else if (each.do === "end" && open.length > 0) {
          const [slot] = open.splice(each.pick % open.length, 1);
          const event = each.end === ends.length ? "excludedStopped" : EVENT_OF[ends[each.end]!];
          events.ended(0, slot!, event);
          table.settle(slot!, SLOT.done);
          plain.end(slot!, nowMs, event, isSaturated);
        } else if (each.do === "wait") {
          nowMs += each.ms;
          if (each.isSwept) {
            events.sweep(nowMs);
            plain.pass(nowMs, isSaturated);
          }
        } else if (each.do === "saturate") isSaturated = each.isSaturated;
        const counts = latencies.map((_, row) =>
          Object.fromEntries(SLO_COUNTERS.map((name) => [name, live.cells[layout.slo(row, name)]])),
        );
        assert.deepEqual(counts, plain.counts);
      }
    }),
    { numRuns: 500 },
  );
});
