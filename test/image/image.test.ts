import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, type TestContext, test } from "node:test";
import { startCeleryWorker } from "../../src/setup/celery-worker.js";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { ensurePython } from "../../src/setup/python.js";
import { serverReady } from "../../src/setup/server-process.js";
import { missingPrograms } from "../support/debian-packages.js";
import { buildImage, checkHealth, type Image, startContainer } from "../support/image.js";
import { assertBalanced, Metrics } from "../support/metrics.js";
import { freePort } from "../support/ports.js";
import { startRabbitmq } from "../support/rabbitmq.js";
import { startRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { waitUntil } from "../support/wait-until.js";
import {
  dockerfileSettings,
  durationMs,
  mountsOf,
  PROFILES,
  serviceAt,
} from "../unit/containers/composition.js";

const COMMIT = "0123456789abcdef";

const missing = await missingPrograms({ buildah: "buildah", debootstrap: "debootstrap" });

describe("the image", { skip: missing ?? false }, () => {
  let image: Image;
  before(async () => {
    image = await buildImage({ COMMIT });
  });

  test("says what its Dockerfile says", () => {
    const { config } = image;
    const settings = dockerfileSettings();
    assert.deepEqual(config.Entrypoint, settings.entrypoint);
    assert.deepEqual(config.Cmd, settings.command);
    assert.deepEqual(Object.keys(config.ExposedPorts), [`${settings.port}/tcp`]);
    assert.equal(config.User, settings.user);
    assert.equal(config.Labels["org.opencontainers.image.revision"], COMMIT);
  });

  test("holds what the daemon needs, and nothing of its development", async () => {
    const app = await readdir(join(image.root, "app"));
    assert.deepEqual(app.sort(), [
      ...["LICENSE", "dist", "grafana", "node_modules", "package.json", "prometheus"],
    ]);
    assert.deepEqual(await readdir(join(image.root, "app", "dist")), ["src"]);
    const manifest = await readFile(join(CHECKOUT, "package.json"), "utf8");
    const { dependencies, devDependencies } = JSON.parse(manifest);
    const isThere = (name: string) => existsSync(join(image.root, "app", "node_modules", name));
    const needed = Object.keys(dependencies);
    const unneeded = Object.keys(devDependencies);
    assert.deepEqual([needed.filter((name) => !isThere(name)), unneeded.filter(isThere)], [[], []]);
  });

  for (const profile of PROFILES) {
    test(`runs as in profile ${profile}, without root's rights, until SIGTERM`, async (t) => {
      const broker = await (profile === "redis" ? startRedis() : startRabbitmq());
      await using _broker = broker;
      const service = serviceAt(profile, "daemon")!;
      const port = await freePort();
      const env = {
        ...onThisMachine(service.environment ?? {}, broker.port),
        CELERY_LOAD_SERVER__LISTEN: `127.0.0.1:${port}`,
        CELERY_LOAD_SERVER__LINGER: "1s",
      };
      const worker = await startDemoWorker(env);
      t.after(() => worker.stop());
      const { server, pid } = await startContainer(image, {
        ...(service.command === undefined ? {} : { command: service.command }),
        env,
        files: Object.fromEntries(
          mountsOf(service).map(({ source, target }) => [target, join(CHECKOUT, source)]),
        ),
      });
      t.after(() => server.stop(0));

      const page = async () =>
        new Metrics(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
      const health = `http://127.0.0.1:${port}/healthz`;
      await serverReady(server, async () => (await fetch(health)).ok, 30_000);
      assert.equal(await checkHealth(image, port), 0);
      const succeeded = (metrics: Metrics) =>
        metrics.sum("celery_load_task_outcomes_total", { outcome: "succeeded" });
      await waitUntil(async () => succeeded(await page()) > 30, 30_000, "30 tasks to succeed");
      const metrics = await page();
      assertBalanced(metrics);
      assert.equal(metrics.value("celery_load_build_info", { commit: COMMIT }), 1);
      assertUnprivileged(pid, image.config.User);
      reportMemory(t, pid);

      const askedMs = performance.now();
      process.kill(pid, "SIGTERM");
      const exit = await server.ended();
      assert.deepEqual(exit, { code: 0, signal: null }, server.output());
      const tookMs = performance.now() - askedMs;
      assert.ok(tookMs < durationMs(service.stop_grace_period ?? "0s"), `${tookMs} ms`);
      assert.match(server.output(), /every task is accounted for/);
      assert.equal(await checkHealth(image, port), 1);
    });
  }
});

/** URLs of the composition's brokers, with the host and port of the test's. */
function onThisMachine(environment: Readonly<Record<string, string>>, port: number) {
  return Object.fromEntries(
    Object.entries(environment).map(([name, url]) => [
      name,
      url.replace(/^(redis|amqp):\/\/\w+:\d+/, `$1://127.0.0.1:${port}`),
    ]),
  );
}

async function startDemoWorker(env: Readonly<Record<string, string>>) {
  return startCeleryWorker({
    python: await ensurePython("current"),
    directory: join(CHECKOUT, "demo"),
    application: "app",
    pool: "threads",
    concurrency: 4,
    logFile: await scratchFile("demo-worker.log"),
    args: ["--events"],
    env: { ...process.env, ...env },
  });
}

/** As `user`, as process 1 of its own processes, and without a way to more rights. */
function assertUnprivileged(pid: number, user: string): void {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, "m").exec(status)?.[1];
  const [uid, gid] = user.split(":");
  assert.equal(field("Uid"), Array(4).fill(uid).join("\t"));
  assert.equal(field("Gid"), Array(4).fill(gid).join("\t"));
  assert.equal(field("NSpid"), `${pid}\t1`);
  for (const set of ["CapPrm", "CapEff", "CapBnd"]) assert.match(field(set) ?? "", /^0+$/, set);
  assert.equal(field("NoNewPrivs"), "1");
}

function reportMemory(t: TestContext, pid: number): void {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  t.diagnostic(`the daemon used ${Math.round(Number(kib) / 1024)} MiB at most`);
}
