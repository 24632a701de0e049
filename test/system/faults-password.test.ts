import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { assertAllSucceeded } from "../support/all-succeeded.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { startRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { startWorker } from "../support/worker.js";
import {
  assertAccounted,
  assertNoBurst,
  linesOf,
  logOf,
  runsAfterQuiet,
  Watch,
} from "./faults-watch.js";

const PASSWORD = "s3same/Öffne";
const OTHER = "0pen/Sésame";

function assertNoPassword(daemon: TestDaemon): void {
  const text = daemon.stdout() + daemon.stderr();
  for (const password of [PASSWORD, OTHER]) {
    assert.ok(!text.includes(password), "a password is in the output");
    assert.ok(!text.includes(encodeURIComponent(password)), "a password is in the output");
  }
}

for (const [how, userInfo] of [
  ["the wrong password", `:${encodeURIComponent(OTHER)}@`],
  ["the wrong user", `${encodeURIComponent("somebody")}:${encodeURIComponent(PASSWORD)}@`],
  ["no password", ""],
] as const) {
  test(`a start with ${how} is one clear message, which has no password, and exit 104`, async () => {
    await using redis = await startRedis({ args: ["--requirepass", PASSWORD] });
    await using daemon = await startDaemon({
      args: [
        ...["--task", "tests.add", "--args", "[1,2]", "--rate", "5/s"],
        ...["--broker", `redis://${userInfo}127.0.0.1:${redis.port}/0`],
      ],
      logLevel: "trace",
      isExpectedToFail: true,
    });
    assert.equal((await daemon.exit).code, 104);
    assertNoPassword(daemon);
    const words = linesOf(daemon.stderr()).filter((line) => !/^\{"level":[123]0/.test(line));
    assert.equal(words.length, 2, daemon.stderr());
    assert.match(
      words[0]!,
      /^Cannot use the (broker|backend) of connection "main" at redis:\S+: (WRONGPASS|NOAUTH)/,
    );
    assert.match(words[1]!, /^Check user name, password/);
    assert.equal(daemon.stdout(), "");
  });
}

/** Every way to have the password in a file; `folder` has the whole URL in `url`, the password in `password`. */
const FROM_FILES: Readonly<
  Record<string, (folder: string, port: number) => Parameters<typeof startDaemon>[0]>
> = {
  urlFile: (folder) => ({ configText: configWith(`{ urlFile: ${folder}/url }`) }),
  passwordFile: (folder, port) => ({
    configText: configWith(
      `{ url: "redis://127.0.0.1:${port}/0", passwordFile: ${folder}/password }`,
    ),
  }),
  "a variable in the file": (folder) => ({
    configText: configWith(`"\${BROKER}"`),
    env: { BROKER_FILE: `${folder}/url` },
  }),
  "a variable for the key": (folder) => ({
    configText: configWith("redis://127.0.0.1:1/0"),
    env: { CELERY_LOAD_CONNECTIONS__MAIN__BROKER_FILE: `${folder}/url` },
  }),
  "the quick form": (folder) => ({
    args: ["--task", "tests.add", "--args", "[1,2]", "--rate", "20/s"],
    env: { CELERY_BROKER_URL_FILE: `${folder}/url` },
  }),
};

function configWith(broker: string): string {
  return `connections: { main: { broker: ${broker} } }
tasks: { add: { name: tests.add, args: [1, 2] } }
scenarios: { steady: { profile: 20/s } }
`;
}

test("a password from a file logs in, a wrong one ends with 104, and neither is in any output", async () => {
  await using redis = await startRedis({ args: ["--requirepass", PASSWORD] });
  const url = (password: string) =>
    `redis://:${encodeURIComponent(password)}@127.0.0.1:${redis.port}/0`;
  await using _worker = await startWorker({ broker: url(PASSWORD) });
  const folder = await scratchFile("secrets");
  await mkdir(folder);
  for (const password of [PASSWORD, OTHER]) {
    await writeFile(join(folder, "url"), `${url(password)}\n`);
    await writeFile(join(folder, "password"), `${password}\n`);
    for (const [how, optionsOf] of Object.entries(FROM_FILES)) {
      const options = optionsOf(folder, redis.port);
      await using daemon = await startDaemon({
        ...options,
        args: [...(options.args ?? []), "--count", "5", "--json"],
        logLevel: "trace",
        isExpectedToFail: true,
      });
      const { code } = await daemon.exit;
      assertNoPassword(daemon);
      assert.equal(code, password === PASSWORD ? 0 : 104, `${how}: ${daemon.stderr()}`);
      if (code === 0) assertAllSucceeded(JSON.parse(daemon.stdout()).total, 5, how);
      else assert.match(daemon.stderr(), /at redis:\S+: WRONGPASS/, how);
    }
  }
});

test("the password changes while it runs: down, tried again, back when it fits, and in no log", async () => {
  const RATE = 100;
  await using redis = await startRedis({ args: ["--requirepass", PASSWORD] });
  const cli = redis.cli({ password: PASSWORD });
  // The worker keeps its access.
  await cli.acl("SETUSER", "worker", "on", ">works", "~*", "&*", "+@all");
  await using worker = await startWorker({
    broker: `redis://worker:works@127.0.0.1:${redis.port}/0`,
  });
  await using daemon = await startDaemon({
    configText: `
connections: { main: { broker: "redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${redis.port}/0" } }
tasks: { add: { name: tests.add, args: [1, 2], kwargs: {}, timeout: 5s } }
scenarios: { steady: { profile: ${RATE}/s } }
server: { linger: 0s }
`,
    args: ["--json"],
    logLevel: "trace",
  });
  const watch = new Watch(daemon);
  await daemon.waitFor((page) => page.sum("celery_load_task_outcomes_total") > RATE);
  await cli.config("SET", "requirepass", OTHER);
  for (const line of linesOf(String(await cli.client("LIST")))) {
    const id = / name=celery-load@/.test(line) ? /^id=(\d+)/.exec(line)?.[1] : undefined;
    if (id !== undefined) await cli.client("KILL", "ID", id);
  }
  await daemon.waitFor((page) => page.linksUp() === 0);
  const down = await daemon.waitFor(
    (page) => page.value("celery_load_tasks_dropped_total", { reason: "not_connected" }) > RATE,
  );
  assert.equal(down.linksUp(), 0);
  const { status, body } = await daemon.ready();
  assert.equal(status, 503);
  const problems = JSON.parse(body).problems as Record<string, string>[];
  assert.deepEqual(
    problems.map(({ role }) => role),
    ["broker", "backend"],
  );
  for (const { message } of problems) assert.match(message!, /^WRONGPASS/);
  assert.ok(!body.includes(PASSWORD));

  await cli.config("SET", "requirepass", PASSWORD);
  const up = await daemon.waitFor((page) => page.linksUp() === 2);
  await daemon.waitFor(
    (page) =>
      page.sum("celery_load_tasks_published_total") >
      up.sum("celery_load_tasks_published_total") + RATE,
  );
  const { code, total, pages } = await watch.stop();
  assert.equal(code, 0);
  assertNoPassword(daemon);
  assertNoBurst(pages, RATE);
  const once = logOf(daemon).filter(({ msg }) => /^not connected; trying/.test(String(msg)));
  assert.deepEqual(once.map(({ role }) => role).sort(), ["backend", "broker"]);
  assertAccounted(total, await runsAfterQuiet(cli, worker));
});
