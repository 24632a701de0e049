import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort } from "../../src/setup/ports.js";
import type { ProgramResult } from "../../src/setup/programs.js";
import { celeryLoad } from "../support/command.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { startShop } from "../support/shop.js";
import { startWorker } from "../support/worker.js";

let rabbitmq: TestRabbitmq;
let redis: TestRedis;
before(async () => {
  rabbitmq = await startRabbitmq();
  redis = await startRedis();
});
after(async () => {
  await rabbitmq[Symbol.asyncDispose]();
  await redis.stop();
});

/** A folder of a user's, and a command in it. */
async function makeProject(env: Readonly<Record<string, string | undefined>> = {}) {
  const cwd = await scratchFile("project");
  await mkdir(cwd);
  const none = { CELERY_BROKER_URL: undefined, CELERY_RESULT_BACKEND: undefined };
  return {
    cwd,
    file: join(cwd, "load.yml"),
    command: (...args: string[]) => celeryLoad(args, { cwd, env: { ...none, ...env } }),
  };
}

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
  await using _shop = await timed("the project's workers, Django installed if need be", () =>
    startShop(rabbitmq.url, redis.url(3)),
  );
  const project = await makeProject({ CELERY_BROKER_URL: rabbitmq.url });
  const { file } = project;
  const command = (step: string, ...args: string[]): Promise<ProgramResult> =>
    timed(step, () => project.command(...args));

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

  const before = await project.command("check", "load.yml");
  assert.equal(before.code, 104);
  assert.match(before.stderr, /there is no task yet\. Uncomment one/);

  await writeFile(file, uncommented(made, "resize"));
  const check = await command("check", "check", "load.yml");
  assert.equal(check.code, 0, check.stderr);

  const doctor = await command("doctor", "doctor", "load.yml");
  assert.equal(doctor.code, 0, doctor.stdout);
  assert.match(doctor.stdout, /Nothing is wrong\.\n$/);
  assert.doesNotMatch(doctor.stdout, /settings not known/);

  const limited = (rate: string) =>
    project.command(
      "doctor",
      "limited.yml",
      "--no-send",
      "--set",
      `scenarios.steady.profile=${rate}`,
    );
  await writeFile(join(project.cwd, "limited.yml"), limitedText(made));
  assert.match((await limited("2.3/s")).stdout, /Nothing is wrong\.\n$/);
  const told = (await limited("90/s")).stdout;
  assert.equal(told.match(/Each worker starts no more than 20\/s of/g)?.length, 1, told);
  assert.match(told, /orders\.tasks\.recount \(a, b, c\) .*, and the plan comes to 90\/s for each/);

  const listen = `127.0.0.1:${await freePort()}`;
  const length = `${LOAD_SECONDS}s`;
  const step = `run for ${length} (of a user's minute)`;
  const run = await command(step, "run", "load.yml", "--for", length, "--listen", listen);
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout + run.stderr, /images\.tasks\.resize/);
});

for (const [python, kind] of [
  ["debian", "redis"],
  ["current", "redis"],
  ["debian", "amqp"],
] as const) {
  test(`init of two workers with tasks and limits of their own, Celery ${python} on ${kind}`, async () => {
    const broker = kind === "redis" ? redis.url(python === "current" ? 4 : 5) : rabbitmq.url;
    const backend = kind === "redis" ? redis.url(6) : "rpc://";
    const common = { broker, backend, python };
    await using _alpha = await startWorker({
      ...{ ...common, pool: "prefork", concurrency: 1, queues: ["alpha-queue"] },
      extraArgs: ["--time-limit", "40"],
      env: { APP_NAME: "alpha" },
    });
    await using _beta = await startWorker({
      ...{ ...common, queues: ["beta"] },
      env: {
        APP_NAME: "beta",
        CELERY_CONF: JSON.stringify({
          task_routes: [{ "beta.s*": "beta" }, "no.such.function"],
          task_default_queue: "elsewhere",
          task_soft_time_limit: 5,
        }),
      },
    });
    const { file, command } = await makeProject({ CELERY_BROKER_URL: broker }); // for reading what has a password
    const out = await command("init", "--broker", broker, "--out", "-");
    assert.equal(out.code, 0, out.stderr);
    assert.ok(!existsSync(file));
    const made = out.stdout;
    assert.doesNotMatch(made, /celery\.chord|guest:guest/);
    assert.match(made, kind === "redis" ? /backend: redis:\S+\/6\n/ : /backend: rpc:\/\/\n/);
    assert.match(made, /broker: \$\{CELERY_BROKER_URL\}\n|broker: redis:\S+\n/);
    assert.match(
      block(made, "add"),
      /name: alpha\.add\n.*queue: alpha-queue # the one that .*\n.*\n.*timeout: 70s/,
    );
    assert.match(block(made, "beta_sleep"), /queue: beta # by task_routes\n.*\n.*timeout: 35s/);
    assert.match(
      block(made, "beta_add"),
      /queue: beta # the one that .* not known, as task_routes has a function/,
    );
    await writeFile(
      file,
      uncommented(made, "beta_add").replace(/^ {4}args: \[\]/m, "    args: [1, 2]"),
    );
    assert.equal((await command("check", "load.yml")).code, 0);
    const doctor = await command("doctor", "load.yml", "--json");
    assert.equal(doctor.code, 0, doctor.stdout);
  });
}

test("init never writes over a file unless it is told to, nor a password", async () => {
  await using locked = await startRedis({ args: ["--requirepass", "s3cret"] });
  const broker = `redis://:s3cret@127.0.0.1:${locked.port}/0`;
  await using _worker = await startWorker({ broker });
  const { file, command } = await makeProject();
  await writeFile(file, "mine");
  const refused = await command("init", "--broker", broker);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^load\.yml is there already, and was not touched\.\n.*--force/);
  assert.equal(await readFile(file, "utf8"), "mine");

  const forced = await command("init", "--broker", broker, "--force");
  assert.equal(forced.code, 0, forced.stderr);
  assert.match(forced.stderr, /It reads CELERY_BROKER_URL and CELERY_RESULT_BACKEND: set/);
  const made = await readFile(file, "utf8");
  assert.doesNotMatch(made + forced.stderr, /s3cret/);
  assert.match(made, /backend: \$\{CELERY_RESULT_BACKEND\}/);
  const lost = await command("init", "--broker", broker, "--out", "no/such/folder.yml");
  assert.equal(lost.code, 1);
  assert.match(lost.stderr, /^Cannot write the configuration to no\/such\/folder\.yml: /);
});

/** What is wrong, the flags, the exit code and what is said. */
const inVain: [string, () => string[], number, RegExp][] = [
  [
    "no worker",
    () => ["--broker", redis.url(9)],
    1,
    /^No worker answers on redis:\S+\/9\. Nothing was written\.\nStart a worker on this very URL/,
  ],
  [
    "no worker on RabbitMQ",
    () => ["--broker", `${rabbitmq.url}nobody`],
    1,
    /^Cannot ask the workers on amqp:\/\/guest:\*\*\*@\S+: .*\nCheck the URL/,
  ],
  [
    "no broker",
    () => ["--broker", "redis://127.0.0.1:1/0"],
    1,
    /^Cannot ask the workers on redis:\/\/127\.0\.0\.1:1\/0: .*ECONNREFUSED.*\nCheck the URL/,
  ],
  ["a URL that is none", () => ["--broker", "localhost"], 104, /^--broker: Cannot read broker/],
];
for (const [what, flags, code, says] of inVain) {
  test(`init with ${what} says so, and writes nothing`, async () => {
    const { file, command } = await makeProject();
    const result = await command("init", ...flags());
    assert.equal(result.code, code, result.stderr);
    assert.match(result.stderr, says);
    assert.equal(result.stdout, "");
    assert.ok(!existsSync(file));
  });
}

/** Three keys of a task with a rate limit, in equal parts. */
function limitedText(made: string): string {
  const task = "{ name: orders.tasks.recount, queue: default }";
  const tasks = ["a", "b", "c"].map((key) => `  ${key}: ${task}\n`).join("");
  return made
    .replace(/^tasks:\n/m, `tasks:\n${tasks}`)
    .replace("profile: 1/s", "mix: [a, b, c]\n    profile: 1/s");
}

/** The lines of one task, still comments. */
function block(text: string, key: string): string {
  const found = new RegExp(`^  # ${key}:.*\n(?:  #   .*\n)+`, "m").exec(text)?.[0];
  assert.ok(found, `${key} in\n${text}`);
  return found;
}

/** As an editor does it: `# ` off each line of one task. */
function uncommented(text: string, key: string): string {
  const lines = block(text, key);
  return text.replace(lines, lines.replaceAll(/^ {2}# /gm, "  "));
}
