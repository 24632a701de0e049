import "./dispose.js";
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { createRandom } from "../../src/plan/random.js";
import { readGeneration } from "../../src/state/state-file.js";
import { startDaemon, type TestDaemon } from "./daemon.js";
import { assertBalanced } from "./metrics.js";
import { askFor, controlOf } from "./orders.js";
import { startRedis } from "./redis.js";
import { scratchFile } from "./scratch.js";
import { waitUntil } from "./wait-until.js";
import { startWorker } from "./worker.js";

const STAGE_MS = 3_000;
const STAGES = [5, 10, 20, 40];
const ROUND_MS = STAGE_MS * STAGES.length;
/** By how much the plan may be off: by what a turn of a busy machine takes. */
const OFF_MS = 150;
/** Into a life, at most, when it is killed. */
const LIFE_MS = 2_000;

export interface RestartsOptions {
  /** Lives that end by kill -9. */
  readonly count: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface RestartsResult {
  readonly lives: number;
  /** Of those, killed before they answered. */
  readonly killedAtStart: number;
  /** Times that the newest generation could not be read, and the older one was used. */
  readonly olderUsed: number;
  /** The most that the plan was off, milliseconds. */
  readonly mostOffMs: number;
  /** Orders that were answered, and that hung in the air when the process died. */
  readonly orders: { readonly answered: number; readonly unanswered: number };
}

/** What was ordered, for all that was answered. */
interface Ordered {
  /** Since when the kill switch stops the plans' clocks, by `effectiveAt`; null: it is not on. */
  killedUnixMs: number | null;
  rate: number;
  isPaused: boolean;
}

interface Answer {
  readonly killSwitch: object | null;
  readonly scenarios: readonly {
    readonly name: string;
    readonly stage: { readonly number: number; readonly remainingSeconds: number } | null;
    readonly pauses: readonly object[];
    readonly overrides: readonly { readonly to: { readonly perSecond: number } }[];
  }[];
}

/**
 * A daemon under load that is scraped and steered is killed at random moments, also while it starts and while it
 * takes an order, and begun again. Each time its state is readable, its plan is where the wall clock says, and what was
 * ordered holds.
 *
 * @throws AssertionError for the first life of which that is not so
 */
export async function restartAgainAndAgain({
  count,
  seed,
  say,
}: RestartsOptions): Promise<RestartsResult> {
  const random = createRandom(seed);
  await using redis = await startRedis();
  await using _worker = await startWorker({ broker: redis.url() });
  const state = await scratchFile("state.json");
  const configText = `
connections: { main: { broker: "${redis.url()}", backend: "${redis.url()}" } }
tasks: { add: { name: tests.add, args: [1, 2] } }
scenarios:
  staged: { profile: { steps: [${STAGES.map((rate) => `${rate}/s for ${STAGE_MS}ms`).join(", ")}], repeat: true } }
  other: { profile: 5/s }
  held: { profile: 5/s }
control: { listen: "127.0.0.1:0" }
state: { file: ${state} }
`;
  const ordered: Ordered = { killedUnixMs: null, rate: 7, isPaused: false };
  /** When the plan began, as if it had never stood still. */
  let zeroUnixMs: number | null = null;
  let [killedAtStart, olderUsed, mostOffMs, answered, unanswered] = [0, 0, 0, 0, 0];

  for (let life = 0; life < count; life++) {
    if (zeroUnixMs !== null) {
      const newest = readGeneration(state);
      if (newest === null || "problem" in newest) {
        olderUsed++;
        const older = readGeneration(`${state}.old`);
        assert.ok(older !== null && "state" in older, `life ${life}: no state can be read`);
      }
      if (random() < 0.25) {
        killedAtStart++;
        await using early = await startDaemon({ configText, isExpectedToFail: true });
        await sleep(random() * LIFE_MS);
        early.signal("SIGKILL");
        await early.exit;
        continue;
      }
    }
    await using daemon = await startDaemon({ configText });
    const scraping = scrape(daemon);
    const control = await controlOf(daemon);
    await begun(daemon, ordered);
    const before = Date.now();
    const seen = await scenariosAt(control);
    const after = Date.now();
    const staged = seen.scenarios.find(({ name }) => name === "staged")!;
    const planMs = staged.stage!.number * STAGE_MS - staged.stage!.remainingSeconds * 1_000;
    if (zeroUnixMs === null) {
      zeroUnixMs = (before + after) / 2 - planMs;
      answered += await orderRate(control, ordered, 7);
    } else {
      const nowMs = ordered.killedUnixMs ?? (before + after) / 2;
      const half = ordered.killedUnixMs === null ? (after - before) / 2 : 0;
      const offMs = Math.abs(circular(nowMs - zeroUnixMs - planMs));
      mostOffMs = Math.max(mostOffMs, offMs - half);
      assert.ok(offMs - half <= OFF_MS, `life ${life}: the plan is off by ${Math.round(offMs)} ms`);
      assertOrdered(seen, ordered, `life ${life}`);
    }
    assertBalanced(await daemon.metrics());

    // What is answered holds from now on.
    const dice = random();
    if (dice < 0.3) {
      const wasKilledMs = ordered.killedUnixMs;
      const path = wasKilledMs === null ? "stop-all" : "release";
      const { effectiveAt } = await order(control, "POST", `/api/v1/${path}`, {});
      answered++;
      if (wasKilledMs === null) ordered.killedUnixMs = Date.parse(effectiveAt);
      else {
        zeroUnixMs += Date.parse(effectiveAt) - wasKilledMs;
        ordered.killedUnixMs = null;
      }
    } else if (dice < 0.6) {
      answered += await orderRate(control, ordered, 1 + Math.floor(random() * 9));
    } else if (dice < 0.8) {
      const act = ordered.isPaused ? "resume" : "pause";
      await order(control, "POST", `/api/v1/scenarios/held/${act}`, {});
      answered++;
      ordered.isPaused = !ordered.isPaused;
    }
    await sleep(random() * LIFE_MS);
    // Of what hangs in the air either may be true; the rate of `other` is set anew each time it matters.
    const hanging = random() < 0.5;
    if (hanging) {
      const inTheAir = orderRate(control, { ...ordered }, ordered.rate).catch(() => 0);
      await sleep(random() * 20);
      daemon.signal("SIGKILL");
      if ((await inTheAir) === 0) unanswered++;
    } else daemon.signal("SIGKILL");
    await daemon.exit;
    await scraping;
    if (life % 10 === 9)
      say(`${life + 1} lives; the plan is off by ${Math.round(mostOffMs)} ms at most`);
  }
  return { lives: count, killedAtStart, olderUsed, mostOffMs, orders: { answered, unanswered } };
}

/** Until what it says of its scenarios is true of now. */
async function begun(daemon: TestDaemon, { killedUnixMs }: Ordered): Promise<void> {
  const wanted = killedUnixMs === null ? "running" : "paused";
  await daemon.waitFor(
    (page) =>
      page.value("celery_load_scenario_state", { scenario: "staged", state: wanted }) === 1 &&
      (killedUnixMs !== null || page.sum("celery_load_tasks_planned_total") > 0),
    30_000,
    `staged to be ${wanted}`,
  );
}

async function scenariosAt(control: string): Promise<Answer> {
  return (await (await fetch(`${control}/api/v1/scenarios`)).json()) as Answer;
}

async function order(
  control: string,
  method: string,
  path: string,
  body: object,
): Promise<{ effectiveAt: string }> {
  const { status, text } = await askFor(control, method, path, body);
  assert.equal(status, 200, text);
  return JSON.parse(text);
}

async function orderRate(control: string, ordered: Ordered, rate: number): Promise<number> {
  await order(control, "PATCH", "/api/v1/scenarios/other", { rate: `${rate}/s`, ttl: "1h" });
  ordered.rate = rate;
  return 1;
}

function assertOrdered(seen: Answer, { killedUnixMs, rate, isPaused }: Ordered, where: string) {
  assert.equal(seen.killSwitch !== null, killedUnixMs !== null, `${where}: the kill switch`);
  const named = (wanted: string) => seen.scenarios.find(({ name }) => name === wanted)!;
  assert.equal(named("other").overrides.at(-1)?.to.perSecond, rate, `${where}: the override`);
  assert.equal(named("held").pauses.length, isPaused ? 1 : 0, `${where}: the pause`);
}

/** Ten times a second, until it is gone. */
async function scrape(daemon: TestDaemon): Promise<void> {
  let isGone = false;
  daemon.exit.then(() => {
    isGone = true;
  });
  await waitUntil(
    async () => {
      await daemon.metrics().catch(() => {});
      await sleep(100);
      return isGone;
    },
    600_000,
    "the daemon to end",
  );
}

/** To the nearest round of the profile, which repeats. */
function circular(ms: number): number {
  const rest = ((ms % ROUND_MS) + ROUND_MS) % ROUND_MS;
  return rest > ROUND_MS / 2 ? rest - ROUND_MS : rest;
}
