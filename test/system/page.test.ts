import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { freePort } from "../../src/setup/ports.js";
import { startServerProcess } from "../../src/setup/server-process.js";
import {
  browserMissing,
  startBrowser,
  type TestBrowser,
  type TestPage,
  violations,
} from "../support/browser.js";
import { startDaemon, type TestDaemon } from "../support/daemon.js";
import type { Metrics } from "../support/metrics.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { waitUntil } from "../support/wait-until.js";
import { startWorker, type TestWorker } from "../support/worker.js";

const CONFIG = (broker: string, nightRate: string) => `
connections: { main: { broker: "${broker}", backend: "${broker}", events: on } }
tasks:
  add:    { name: tests.add, args: [1, 2] }
  charge: { name: tests.fail, args: [PaymentDeclined] }
scenarios:
  shop:
    profile: { steps: [20/s for 10m, 5/s for 10m], repeat: true }
    mix: { add: 9, charge: 1 }
    gracefulStop: 2s
  night: { profile: ${nightRate}, mix: add, gracefulStop: 2s }
slos:
  - { name: all-succeed, objective: 99%, window: 7d }
server: { linger: 0s }
`;

const reason = await browserMissing();

describe("the page", { skip: reason ?? false }, () => {
  let redis: TestRedis;
  let worker: TestWorker;
  let daemon: TestDaemon;
  let browser: TestBrowser;
  let file: string;
  let report: string;
  let controlPort: number;
  let steering: TestPage;
  let other: TestPage;
  before(async () => {
    [redis, browser] = await Promise.all([startRedis(), startBrowser()]);
    worker = await startWorker({ broker: redis.url(), extraArgs: ["--events"] });
    file = await scratchFile("load.yml");
    report = join(dirname(file), "reports", "of the run");
    await writeFile(file, CONFIG(redis.url(), "2/s"), { mode: 0o600 });
    controlPort = await freePort();
    const control = ["--control", `127.0.0.1:${controlPort}`];
    daemon = await startDaemon({ args: [file, ...control, "--report", report] });
    await daemon.waitFor((page) => page.sum("celery_load_tasks_published_total") > 20);
    steering = await browser.open(`http://127.0.0.1:${controlPort}/`, { colorScheme: "dark" });
    other = await browser.open(`http://127.0.0.1:${controlPort}/`);
    await Promise.all([steering, other].map(({ page }) => page.waitForSelector(".figure")));
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await daemon?.stop();
    await worker?.stop();
    await redis?.stop();
  });

  test("everything is ordered by keyboard alone, does what metrics and workers say, and others see it", async (t) => {
    const { page } = steering;
    const order = (button: string, typed: Readonly<Record<string, string>> = {}) =>
      orderByKeyboard(steering, button, typed);
    const target = (metrics: Metrics) =>
      metrics.sum("celery_load_target_rate", { scenario: "shop" });

    await t.test("a rate, which is seen and undone in another browser", async () => {
      const said = await order("Rate… shop", { Rate: "40/s", Reason: "more customers" });
      assert.match(said, /starts more within 1 h/);
      await daemon.waitFor((metrics) => target(metrics) === 40);
      const seen = other.page.locator(".held", { hasText: "rate 40/s by page: more customers" });
      await seen.waitFor();
      await other.page.locator(".changes tr", { hasText: "more customers" }).waitFor();
      await seen.getByRole("button", { name: /^Undo/ }).click();
      await other.page.getByRole("button", { name: "Undo it" }).click();
      await daemon.waitFor((metrics) => target(metrics) === 20);
      await page.locator(".held").waitFor({ state: "detached" });
      const metrics = await daemon.metrics();
      const orders = (kind: string) =>
        metrics.sum("celery_load_orders_total", { kind, actor: "page" });
      assert.deepEqual([orders("override"), orders("undo")], [1, 1]);
    });

    await t.test(
      "a wrong rate is refused in words, at its field, before it can be sent",
      async () => {
        await steering.tabTo("Rate… shop");
        await page.keyboard.press("Enter");
        await page.locator("dialog[open]").waitFor();
        await page.keyboard.type("fast");
        await page.getByText("It would be refused").waitFor();
        assert.equal(
          await page.getByLabel("Rate", { exact: true }).getAttribute("aria-invalid"),
          "true",
        );
        assert.ok(await page.getByRole("button", { name: "Set it" }).isDisabled());
        await page.keyboard.press("Escape");
        await page.locator("dialog").waitFor({ state: "detached" });
        const isBack = "document.activeElement.textContent === 'Rate… shop'";
        await page.waitForFunction(isBack, undefined, { timeout: 5_000 });
      },
    );

    await t.test("scale, mix, burst, skip stage and restart", async () => {
      await order("Scale… shop", { Times: "1.5" });
      await daemon.waitFor((metrics) => target(metrics) === 30);
      await order("Mix… shop", { charge: "0" });
      await order("Skip stage… shop");
      // 1.5 times the second stage's 5/s.
      await daemon.waitFor((metrics) => target(metrics) === 7.5);
      const planned = (metrics: Metrics, task: string) =>
        metrics.sum("celery_load_tasks_planned_total", { scenario: "shop", task });
      const then = await daemon.metrics();
      const ran = (await worker.recorded()).length;
      assert.match(await order("Burst… shop", { Starts: "200" }), /200 starts more/);
      const now = await daemon.waitFor(
        (metrics) => planned(metrics, "tests.add") >= planned(then, "tests.add") + 200,
      );
      assert.equal(planned(now, "tests.fail"), planned(then, "tests.fail"), "its weight is 0");
      const isRun = async () => (await worker.recorded()).length >= ran + 200;
      await waitUntil(isRun, 20_000, "the worker to run the burst");
      await order("Restart… shop");
      await daemon.waitFor((metrics) => target(metrics) === 30);
    });

    await t.test("the kill switch, and that all of it is counted as the page says", async () => {
      await order("Kill switch…", { Reason: "too much" });
      await page.getByText("nothing starts until it is released by page: too much").waitFor();
      const settled = await daemon.waitFor(
        (metrics) =>
          metrics.sum("celery_load_kill_switch") === 1 &&
          metrics.sum("celery_load_tasks_in_flight") === 0 &&
          metrics.sum("celery_load_target_rate") === 0,
      );
      const readOnly = await browser.open(`${daemon.url}/`);
      for (const { page } of [steering, other, readOnly]) await equalsMetrics(page, settled);
      assert.equal(await readOnly.page.getByRole("button", { name: /…$/ }).count(), 0);
      const refused = await fetch(`${daemon.url}/api/v1/release`, { method: "POST" });
      assert.equal(refused.status, 404, "the read-only port takes no order");
      assert.deepEqual(readOnly.complaints, []);
      await readOnly.close();
      await order("Release…");
      await daemon.waitFor((metrics) => metrics.sum("celery_load_kill_switch") === 0);
    });

    await t.test("pause and resume, stop and start, reload", async () => {
      const state = (metrics: Metrics, wanted: string) =>
        metrics.sum("celery_load_scenario_state", { scenario: "shop", state: wanted }) === 1;
      await order("Pause… shop");
      await daemon.waitFor((metrics) => state(metrics, "paused"));
      await order("Resume… shop");
      await daemon.waitFor((metrics) => state(metrics, "running"));
      await order("Stop… shop");
      await daemon.waitFor((metrics) => state(metrics, "stopped"));
      await order("Start… shop");
      await daemon.waitFor((metrics) => state(metrics, "running"));
      await writeFile(file, CONFIG(redis.url(), "3/s"));
      assert.match(await order("Reload…"), /scenarios\.night\.profile/);
      await daemon.waitFor(
        (metrics) => metrics.sum("celery_load_target_rate", { scenario: "night" }) === 3,
      );
    });

    await t.test("a chart is walked along, and its numbers are a table", async () => {
      await steering.tabTo(/^Target and achieved: /);
      await page.keyboard.press("ArrowLeft");
      await page
        .getByRole("status")
        .getByText(/^\d\d:\d\d:\d\d: achieved .*target/)
        .waitFor();
      await page.keyboard.press("+");
      await page.getByRole("button", { name: /back to now$/ }).waitFor();
      await page.keyboard.press("Escape");
      await steering.tabTo("Numbers of Target and achieved");
      await page.keyboard.press("Enter");
      const rows = page.getByRole("region", { name: "Numbers of Target and achieved" });
      await rows.locator("tbody tr").nth(10).waitFor();
      await page.keyboard.press("Enter");
      await steering.tabTo("tests.add");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Latency of tests.add" }).waitFor();
      await page.keyboard.press("Enter");
    });
  });

  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe finds nothing at three widths, in a ${colorScheme} scheme`, async () => {
      const { page, close, complaints } = await browser.open(`http://127.0.0.1:${controlPort}/`, {
        colorScheme,
      });
      await page.waitForSelector(".changes td");
      for (const width of [360, 1_280, 1_920]) {
        await page.setViewportSize({ width, height: 900 });
        assert.deepEqual(await violations(page), [], `${width} pixels`);
        const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        assert.equal(overflow, 0, `${width} pixels`);
      }
      await page.getByRole("button", { name: "Kill switch…" }).click();
      await page.locator(".sure").waitFor();
      assert.deepEqual(await violations(page), [], "a dialog");
      assert.deepEqual(complaints, []);
      await close();
    });
  }

  test("a run frozen is one file that opens from the disk and says the same", async () => {
    const { page } = other;
    const last = await daemon.metrics();
    await daemon.stop();
    await page.getByText("Connection lost.").waitFor();
    const path = join(report, "report.html");
    assert.doesNotMatch(await readFile(path, "utf8"), /(src|href)="(?!#)/);
    const frozen = await browser.open(pathToFileURL(path).href);
    await frozen.page.getByText("a run that is over").waitFor();
    const published = await totalOf(frozen.page, "published");
    assert.ok(published >= last.sum("celery_load_tasks_published_total"), `${published}`);
    assert.ok((await frozen.page.locator(".changes tbody tr").count()) > 10);
    assert.equal(await frozen.page.getByRole("button", { name: /…$/ }).count(), 0);
    assert.deepEqual(await violations(frozen.page), []);
    assert.deepEqual(frozen.complaints, []);
    assert.deepEqual(steering.complaints, []);
    assert.deepEqual(other.complaints, []);
  });

  test("a page that lost its daemon goes on with the next one, which wants a token", async () => {
    const token = await scratchFile("token");
    await writeFile(token, "a-token-of-more-than-16-characters\n", { mode: 0o600 });
    const control = ["--control", `127.0.0.1:${controlPort}`];
    daemon = await startDaemon({ args: [file, ...control, "--set", `control.tokenFile=${token}`] });
    const { page } = other;
    await page.getByText("This daemon wants a token").waitFor();
    await page.getByLabel(/^Token/).fill("a-token-of-more-than-16-characters");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.locator(".link.is-live").waitFor();
    await page.getByText("Nobody has changed anything.").waitFor();
  });
});

test("the demo shows a picture with data in it", { skip: reason ?? false }, async (t) => {
  const startedMs = performance.now();
  const demo = await startServerProcess({
    name: "The demo",
    program: process.execPath,
    args: [
      join(CHECKOUT, "dist", "src", "main.js"),
      "demo",
      ...["--port", String(await freePort())],
    ],
    stdoutFile: await scratchFile("demo.stdout"),
    stderrFile: await scratchFile("demo.stderr"),
  });
  try {
    const address = /the live page +(http:\S+)\n {2}metrics/;
    const isTold = async () => address.test(demo.output());
    await waitUntil(isTold, 120_000, "the demo to say where the page is");
    await using browser = await startBrowser();
    const { page, complaints } = await browser.open(address.exec(demo.output())![1]!);
    await page.locator(".rate .value", { hasText: /^[1-9]/ }).waitFor();
    await page.locator(".tasks tbody tr").nth(4).waitFor();
    const seconds = (performance.now() - startedMs) / 1000;
    t.diagnostic(`${seconds.toFixed(1)} s from the command to the picture`);
    assert.ok(seconds < 180);
    assert.deepEqual(complaints, []);
  } finally {
    await demo.stop(20_000);
  }
});

/** Gives an order as somebody without a mouse; returns what was said that it comes to. */
async function orderByKeyboard(
  { page, tabTo }: TestPage,
  button: string,
  typed: Readonly<Record<string, string>>,
): Promise<string> {
  // The page hears of what was done before up to a second after the metrics show it.
  await page.getByRole("button", { name: button, exact: true }).waitFor();
  await tabTo(button);
  await page.keyboard.press("Enter");
  await page.locator("dialog[open]").waitFor();
  for (const [label, text] of Object.entries(typed)) {
    await tabTo(label);
    // The Tab key selects what is there.
    await page.keyboard.type(text);
  }
  const send = page.locator("dialog button[type=submit]");
  const sure = page.locator("dialog .sure");
  // What was typed is on the screen, and then what it comes to.
  await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))");
  await page.locator("dialog .outcome[aria-busy=false]", { hasText: "What it comes to" }).waitFor();
  await page.locator("dialog button[type=submit]:enabled, dialog .sure").first().waitFor();
  const said = (await page.locator("dialog .outcome").textContent())!;
  if ((await sure.count()) > 0) {
    await tabTo(/^Yes: /);
    await page.keyboard.press("Space");
  }
  await tabTo((await send.textContent())!);
  await page.keyboard.press("Enter");
  const dialog = page.locator("dialog");
  await dialog.waitFor({ state: "detached" }).catch(async () => {
    throw new Error(`It is not done: ${await dialog.textContent()}`);
  });
  return said;
}

/** Each figure of a run that stands still is that of the metrics. */
async function equalsMetrics(page: Page, metrics: Metrics): Promise<void> {
  const wanted: Record<string, number> = {
    planned: metrics.sum("celery_load_tasks_planned_total"),
    published: metrics.sum("celery_load_tasks_published_total"),
    succeeded: metrics.sum("celery_load_task_outcomes_total", { outcome: "succeeded" }),
    failed: metrics.sum("celery_load_task_outcomes_total", { outcome: "failed" }),
  };
  const isShown = async () => (await totalOf(page, "planned")) === wanted.planned;
  await waitUntil(isShown, 5_000, "the page to show what was planned last");
  for (const [name, count] of Object.entries(wanted)) {
    assert.equal(await totalOf(page, name), count, name);
  }
  const numberIn = async (selector: string) => number(await page.locator(selector).textContent());
  assert.equal(await numberIn('[data-target="shop"]'), 0);
  assert.equal(await numberIn('[data-target="night"]'), 0);
  assert.equal(await numberIn(".flight .value"), 0);
  assert.equal(
    await numberIn('[data-exception="PaymentDeclined"]'),
    metrics.sum("celery_load_task_errors_total", { exception: "PaymentDeclined" }),
  );
  assert.equal(
    await numberIn('[data-errors="tests.fail"]'),
    metrics.sum("celery_load_task_outcomes_total", { task: "tests.fail", outcome: "failed" }),
  );
  assert.equal(await numberIn('[data-queue="celery"]'), metrics.sum("celery_load_queue_length"));
  assert.equal(
    await numberIn('[data-slo-events="all-succeed"]'),
    metrics.sum("celery_load_slo_events_total"),
  );
  assert.equal(
    await numberIn('[data-slo-bad="all-succeed"]'),
    metrics.sum("celery_load_slo_bad_events_total"),
  );
}

async function totalOf(page: Page, name: string): Promise<number> {
  return number(await page.locator(`[data-total="${name}"]`).textContent());
}

function number(text: string | null): number {
  return Number(text!.replaceAll(/[^\d.-]/g, ""));
}
