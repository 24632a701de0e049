import assert from "node:assert/strict";
import { test } from "node:test";
import { firstStanding, step } from "../../../src/guards/guard.js";
import type { GuardSubject } from "../../../src/guards/guard-plan.js";
import { watchBacklogSlope } from "../../../src/guards/watches/backlog-slope.js";
import { createRandom } from "../../../src/plan/random.js";
import type { LedgerView } from "../../../src/readings/ledger-view.js";

const SUBJECT: GuardSubject = {
  text: "steady",
  scenario: 0,
  connection: null,
  queue: null,
  entries: [0],
  scenarios: ["steady"],
};
/** As `backlogSlope` has it when nothing else is written. */
const RULE = { limit: 0.02, resumeBelow: 0.01, forMs: 30_000, coolDownMs: 30_000 };
const LOOK_MS = 5_000;

/** What the watch reads of a ledger, to be changed from look to look. */
class Load {
  state = "running";
  inFlight = 0;
  published = 0;
  droppedInFlight = 0;
  succeeded = 0;
  timedOut = 0;
  latencyMs = 0;
  readonly view = {
    inFlight: () => Math.max(0, Math.round(this.inFlight)),
    publishing: () => 0,
    scenarioState: () => this.state,
    counter: (_entry: number, name: string) => {
      const counters: Record<string, number> = {
        published: this.published,
        droppedInFlight: this.droppedInFlight,
        succeeded: this.succeeded,
        timedOut: this.timedOut,
      };
      return counters[name] ?? 0;
    },
    boundsMs: () => [],
    addHistogram: (_entry: number, name: string, counts: Float64Array) => {
      if (name !== "latencySucceeded") return 0;
      counts[0]! += this.succeeded;
      return this.latencyMs;
    },
  } as unknown as LedgerView;

  /** So many tasks have ended that took so long. */
  ends(count: number, latencyMs: number): void {
    this.succeeded += count;
    this.latencyMs += count * latencyMs;
  }
}

/** Follows a load; returns the second of each firing. */
function firings(seconds: number, change: (load: Load, second: number) => void): number[] {
  const load = new Load();
  const watcher = watchBacklogSlope(SUBJECT);
  let standing = firstStanding(0, false);
  const fired: number[] = [];
  for (let second = 0; second < seconds; second += LOOK_MS / 1_000) {
    change(load, second);
    const facts = { nowMs: second * 1_000, ledger: load.view, observed: [], scrapeAgeMs: 0 };
    const next = step(standing, watcher.look(facts).value, RULE, facts.nowMs);
    if (next.state === "fired" && standing.state !== "fired") fired.push(second);
    standing = next;
  }
  return fired;
}

/** Normal numbers, by Box and Muller. */
function noise(seed: number): () => number {
  const random = createRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A queue in balance: in flight wanders around its mean with a memory, and the latency with it (Little's law). */
function healthy(seed: number, rate: number, seconds: number, memory: number, spread: number) {
  const normal = noise(seed);
  const level = rate * seconds;
  let rest = 0;
  return (load: Load) => {
    rest = memory * rest + Math.sqrt(1 - memory ** 2) * normal();
    load.inFlight = Math.max(0, level * (1 + spread * rest) + Math.sqrt(level) * normal() * 0.3);
    load.published += rate * (LOOK_MS / 1_000);
    load.ends(
      rate * (LOOK_MS / 1_000),
      Math.max(1, (load.inFlight / rate) * 1_000 * (1 + 0.05 * normal())),
    );
  };
}

test("less than 1 % of 1,000 healthy hours have an alarm", () => {
  let hours = 0;
  let alarmed = 0;
  for (const rate of [2, 20, 200]) {
    for (const latencySeconds of [0.2, 2, 20]) {
      for (const memory of [0, 0.9, 0.99, 0.997]) {
        for (const spread of [0.1, 0.4]) {
          for (let seed = 0; seed < 14; seed++) {
            hours++;
            const load = healthy(seed * 7 + hours, rate, latencySeconds, memory, spread);
            if (firings(3_600, load).length > 0) alarmed++;
          }
        }
      }
    }
  }
  assert.ok(hours >= 1_000, `${hours} hours`);
  assert.ok(alarmed < hours / 100, `${alarmed} of ${hours} hours`);
});

/** A load of 20/s whose results are told by `ends`. */
function sends(load: Load, rate = 20): void {
  load.published += rate * (LOOK_MS / 1_000);
}

const STEP = LOOK_MS / 1_000;

test("workers that do not keep up are found within three minutes, and once", () => {
  for (const excess of [0.05, 0.2, 0.5]) {
    const normal = noise(1);
    const fired = firings(900, (load, second) => {
      sends(load);
      const isTooMuch = second > 300;
      if (isTooMuch) load.inFlight += 20 * excess * STEP;
      else load.inFlight = 40 + 3 * normal();
      load.ends(20 * STEP, (load.inFlight / 20) * 1_000);
    });
    assert.equal(fired.length, 1, `${excess}`);
    assert.ok(fired[0]! > 300 && fired[0]! <= 300 + 180, `${excess}: after ${fired[0]! - 300} s`);
  }
});

for (const healthySeconds of [30, 300, 3_600]) {
  test(`workers that stop after ${healthySeconds} s are found within 15 s, besides \`for\``, () => {
    const fired = firings(healthySeconds + 300, (load, second) => {
      sends(load);
      if (second > healthySeconds) load.inFlight += 20 * STEP;
      else {
        load.inFlight = 10;
        load.ends(20 * STEP, 500);
      }
    });
    assert.equal(fired.length, 1);
    const afterSeconds = fired[0]! - healthySeconds - RULE.forMs / 1_000;
    assert.ok(afterSeconds <= 15, `after ${afterSeconds} s`);
  });
}

for (const { name, change } of [
  {
    name: "a rate that climbs by itself, with tasks that last long",
    change: (load: Load, second: number) => {
      const rate = 5 + second / 5;
      sends(load, rate);
      load.inFlight = rate * 10;
      load.ends(rate * STEP, 10_000);
    },
  },
  {
    name: "the begin of a load whose tasks last five minutes",
    change: (load: Load, second: number) => {
      sends(load);
      load.inFlight = Math.min(20 * 300, 20 * second);
      if (second > 300) load.ends(20 * STEP, 300_000);
    },
  },
  {
    name: "a few tasks more than before",
    change: (load: Load, second: number) => {
      sends(load, 1);
      load.inFlight = 3 + Math.floor(second / 60);
      load.ends(STEP, load.inFlight * 1_000);
    },
  },
  {
    name: "a load whose tasks last a minute, after a pause of ten",
    change: (load: Load, second: number) => {
      load.state = second >= 200 && second < 400 ? "paused" : "running";
      if (load.state === "paused") {
        load.inFlight = Math.max(0, 1_200 - 20 * Math.max(0, second - 200));
        if (load.inFlight > 0) load.ends(20 * STEP, 60_000);
        return;
      }
      sends(load);
      const sinceSeconds = second < 200 ? second : second - 400;
      load.inFlight = Math.min(1_200, 20 * sinceSeconds);
      if (sinceSeconds > 60) load.ends(20 * STEP, 60_000);
    },
  },
  {
    name: "a scenario that is paused while its tasks wait",
    change: (load: Load) => {
      load.state = "paused";
      load.inFlight = 1_000;
    },
  },
]) {
  test(`${name}: that is no growing backlog`, () => {
    assert.deepEqual(firings(600, change), []);
  });
}
