import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { freePort } from "../../src/setup/ports.js";
import type { ProgramResult } from "../../src/setup/programs.js";
import { celeryLoad } from "../support/command.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { startShop } from "../support/shop.js";

/** A user's minute; the suite takes less of it unless it is told to take all. */
const LOAD_SECONDS = Number(process.env.FIRST_HOUR_LOAD_SECONDS ?? 15);

/**
 * The way of somebody with a Django project of their own, on RabbitMQ with results in Redis: from nothing to a report.
 * The one thing that is edited by hand is a task that is uncommented. Prints how long each step took.
 */
test("from a Django project to a report: init, uncomment a task, check, doctor, run", async (t) => {
  const timed = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
    const startedMs = performance.now();
    const result = await work();
    t.diagnostic(`${step}: ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    return result;
  };
  await using rabbitmq = await startRabbitmq();
  await using redis = await startRedis();
  await using _shop = await timed("the project's workers, Django installed if need be", () =>
    startShop(rabbitmq.url, redis.url(3)),
  );
  const cwd = await scratchFile("project");
  await mkdir(cwd);
  const file = join(cwd, "load.yml");
  const env = { CELERY_BROKER_URL: rabbitmq.url, CELERY_RESULT_BACKEND: undefined };
  const command = (step: string, ...args: string[]): Promise<ProgramResult> =>
    timed(step, () => celeryLoad(args, { cwd, env }));

  const init = await command("init", "init");
  assert.equal(init.code, 0, init.stderr);
  assert.match(init.stderr, /^Wrote load\.yml from the answers of 2 workers\.\n/);
  const made = await readFile(file, "utf8");
  assert.doesNotMatch(made, /guest:guest/);
  assert.match(
    made,
    /# send_confirmation: # SIDE EFFECTS\? "send"\n.*\n {2}# {3}queue: mail # by task_routes/,
  );
  assert.match(made, /# resize:\n.*\n {2}# {3}queue: images # by task_routes\n/);

  const before = await celeryLoad(["check", "load.yml"], { cwd, env });
  assert.equal(before.code, 104);
  assert.match(before.stderr, /there is no task yet\. Uncomment one/);

  await writeFile(file, uncommented(made, "resize"));
  const check = await command("check", "check", "load.yml");
  assert.equal(check.code, 0, check.stderr);

  const doctor = await command("doctor", "doctor", "load.yml");
  assert.equal(doctor.code, 0, doctor.stdout);
  assert.match(doctor.stdout, /Nothing is wrong\.\n$/);
  assert.doesNotMatch(doctor.stdout, /settings not known/);

  const listen = `127.0.0.1:${await freePort()}`;
  const length = `${LOAD_SECONDS}s`;
  const step = `run for ${length} (of a user's minute)`;
  const run = await command(step, "run", "load.yml", "--for", length, "--listen", listen);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout + run.stderr, /images\.tasks\.resize/);
});

/** As an editor does it: `# ` off each line of one block. */
function uncommented(text: string, key: string): string {
  const block = new RegExp(`^  # ${key}:.*\n(?:  #   .*\n)+`, "m").exec(text)?.[0];
  assert.ok(block, text);
  return text.replace(block, block.replaceAll(/^ {2}# /gm, "  "));
}
