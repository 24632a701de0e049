// Runs beside one other: it compares times with what they should be.
import assert from "node:assert/strict";
import { test } from "node:test";
import { clockText } from "../../src/plan/clock/local-day.js";
import { offsetAt } from "../../src/plan/clock/zone.js";
import { startDaemon } from "../support/daemon.js";
import { startRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { startWorker } from "../support/worker.js";

const ZONE = "Asia/Kathmandu";
const PERIOD_SECONDS = 20;

/** Local time to the second, as a profile names it. */
function localTime(unixMs: number): string {
  const seconds = new Date(unixMs + offsetAt(ZONE, unixMs)).getUTCSeconds();
  return `${clockText(ZONE, unixMs)}:${String(seconds).padStart(2, "0")}`;
}

test("a sine, a week and windows are where the clock of their zone is, also after a restart", async () => {
  await using redis = await startRedis();
  await using worker = await startWorker({ broker: redis.url() });
  const stateFile = await scratchFile("state.json");
  const peakMs = Math.floor(Date.now() / 1000) * 1000;
  const changeMs = peakMs + 20_000;
  const opening = { fromMs: peakMs + 7_000, untilMs: peakMs + 25_000 };
  const window = [opening.fromMs, opening.untilMs].map(localTime).join("-");
  const configText = `
connections: { main: { broker: ${redis.url()} } }
tasks:
  wave: { name: tests.sleep, args: [0] }
  stairs: { name: tests.add, args: [1, 2] }
  cut: { name: tests.total, args: [[1, 2]] }
scenarios:
  sine:
    mix: wave
    profile: { sine: { mean: 30/s, amplitude: 60/s, period: ${PERIOD_SECONDS}s, peakAt: "${localTime(peakMs)} ${ZONE}" } }
  week:
    mix: stairs
    profile: { week: { zone: ${ZONE}, default: 10/s, mon-sun: { "${localTime(changeMs)}": 40/s }, steps: true } }
  windows: { mix: cut, profile: 20/s, windows: { zone: ${ZONE}, on: ["${window}"] } }
state: { file: ${stateFile} }
`;
  // Neither life begins with the wave: where it is, is the clock's word.
  const endsMs: number[] = [];
  for (const seconds of [13, 16]) {
    await using daemon = await startDaemon({
      configText,
      args: ["--for", `${seconds}s`, "--json"],
    });
    await daemon.waitFor(
      (metrics) => metrics.sum("celery_load_scenario_state", { state: "running" }) >= 2,
    );
    await daemon.exit;
    endsMs.push(Date.now());
  }

  const runs = await worker.recorded();
  const countOf = (name: string, fromMs: number, untilMs: number) =>
    runs.filter((run) => run.name === name && run.startedMs >= fromMs && run.startedMs < untilMs)
      .length;
  const waves = runs.filter(({ name }) => name === "tests.sleep").map(({ startedMs }) => startedMs);
  // Whole seconds in which one of the lives planned, the moments of their ends aside.
  let checked = 0;
  for (let ms = Math.ceil(waves[0]! / 1000) * 1000 + 1000; ms < waves.at(-1)! - 2000; ms += 1000) {
    const isBetweenLives = ms > endsMs[0]! - 4000 && ms < endsMs[0]! + 5000;
    if (isBetweenLives) continue;
    checked++;
    const wanted = areaOfSine(ms - peakMs, ms + 1000 - peakMs);
    const wave = countOf("tests.sleep", ms, ms + 1000);
    assert.ok(
      Math.abs(wave - wanted) <= 4 + 0.1 * wanted,
      `${ms - peakMs}: ${wave}, not ${wanted}`,
    );
    const isOpen = ms >= opening.fromMs && ms < opening.untilMs;
    const cut = countOf("tests.total", ms, ms + 1000);
    assert.ok(Math.abs(cut - (isOpen ? 20 : 0)) <= (isOpen ? 3 : 1), `${ms - peakMs}: ${cut}`);
    if (ms === changeMs - 1000) continue;
    const stair = ms < changeMs ? 10 : 40;
    const stairs = countOf("tests.add", ms, ms + 1000);
    assert.ok(Math.abs(stairs - stair) <= 4, `${ms - changeMs}: ${stairs}, not ${stair}`);
  }
  const outside = runs
    .filter(({ name }) => name === "tests.total")
    .map(({ startedMs }) => startedMs)
    .filter((ms) => ms < opening.fromMs || ms > opening.untilMs + 500);
  assert.deepEqual(outside, [], "nothing starts while the windows are closed");
  assert.ok(checked >= 12, `${checked} seconds were looked at`);
});

/** Starts between two times after a peak, in milliseconds. */
function areaOfSine(fromMs: number, untilMs: number): number {
  let starts = 0;
  for (let ms = fromMs; ms < untilMs; ms += 10) {
    const rate = 30 + 60 * Math.cos((2 * Math.PI * (ms + 5)) / (PERIOD_SECONDS * 1000));
    starts += Math.max(0, rate) / 100;
  }
  return starts;
}
