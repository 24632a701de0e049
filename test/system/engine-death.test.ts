import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import { controlOf, orderAt } from "../support/orders.js";
import { startRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";

/** Has the first thread of an engine that finds the file die, as of a defect or for want of memory. */
async function deadly(): Promise<{ nodeFlags: string[]; kill: () => void }> {
  const trigger = await scratchFile("die");
  const program = await scratchFile("deadly.mjs");
  writeFileSync(
    program,
    `import { rmSync } from "node:fs";
     import { isMainThread } from "node:worker_threads";
     if (!isMainThread) setInterval(() => {
       try { rmSync(${JSON.stringify(trigger)}); } catch { return; }
       throw new Error("of a defect");
     }, 20);`,
  );
  return { nodeFlags: ["--import", program], kill: () => writeFileSync(trigger, "") };
}

async function assertFatal(daemon: TestDaemon): Promise<void> {
  const { code } = await daemon.exit;
  assert.equal(code, 1, daemon.stderr());
  assert.match(daemon.stderr(), /fatal: Error: a thread of the engine has died.*: of a defect/);
}

describe("a thread of the engine that dies ends the daemon, loudly", { concurrency: true }, () => {
  for (const threads of [1, 2]) {
    test(`one of ${threads}`, async () => {
      await using redis = await startRedis();
      const { nodeFlags, kill } = await deadly();
      await using daemon = await startDaemon({
        nodeFlags,
        configText: configText(redis.url(), "20/s", threads),
      });
      await daemon.waitFor((page) => page.sum("celery_load_tasks_published_total") > 10);
      kill();
      await assertFatal(daemon);
    });
  }

  test("after a reload, while tasks of the plan before are awaited", async () => {
    await using redis = await startRedis();
    const { nodeFlags, kill } = await deadly();
    const file = await scratchFile("load.yml");
    writeFileSync(file, configText(redis.url(), "20/s"), { mode: 0o600 });
    await using daemon = await startDaemon({ nodeFlags, args: [file] });
    const control = await controlOf(daemon);
    await daemon.waitFor((page) => page.sum("celery_load_tasks_published_total") > 10);
    writeFileSync(file, configText(redis.url(), "30/s"), { mode: 0o600 });
    await orderAt(control, "POST", "/api/v1/reload", {});
    await daemon.waitFor((page) => page.value("celery_load_target_rate") === 30);
    kill();
    await assertFatal(daemon);
  });
});

/** Nobody runs its tasks: they stay in flight. */
function configText(broker: string, profile: string, threads = 1): string {
  return `
connections: { main: { broker: "${broker}", backend: "${broker}" } }
tasks: { add: { name: tests.add, args: [1, 2] } }
scenarios: { steady: { profile: ${profile} } }
control: { listen: "127.0.0.1:0" }
threads: ${threads}
`;
}
