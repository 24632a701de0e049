// Runs alone: it measures how long a newcomer waits.
import assert from "node:assert/strict";
import { cp, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { freePort } from "../../src/setup/ports.js";
import { startServerProcess } from "../../src/setup/server-process.js";
import { browserMissing, startBrowser } from "../support/browser.js";
import { scratchFile } from "../support/scratch.js";
import { waitUntil } from "../support/wait-until.js";

/** A slow registry is no fault of ours: the time is printed, and three minutes are what is promised. */
const PATIENCE_MS = 10 * 60_000;
/** What a clone has not. */
const MADE_HERE = new Set(["node_modules", "dist", ".cache", ".git"]);

const reason = await browserMissing();

test("from a clone, with one command, to a picture with data", {
  skip: reason ?? false,
}, async (t) => {
  const clone = await scratchFile("clone");
  await mkdir(clone);
  for (const name of (await readdir(CHECKOUT)).filter((each) => !MADE_HERE.has(each))) {
    await cp(join(CHECKOUT, name), join(clone, name), { recursive: true });
  }
  const output = await scratchFile("demo.log");
  const startedMs = performance.now();
  const demo = await startServerProcess({
    name: "The demo",
    program: "npm",
    args: ["run", "demo", "--", "--for", "10m", "--port", String(await freePort())],
    cwd: clone,
    // Nothing of what was downloaded before.
    env: { ...process.env, npm_config_cache: `${clone}.npm`, PIP_NO_CACHE_DIR: "1" },
    stdoutFile: output,
    stderrFile: output,
  });
  try {
    const address = () => /the live page +(http:\S+)/.exec(demo.output())?.[1];
    await waitUntil(
      () => address() !== undefined || demo.exit() !== null,
      PATIENCE_MS,
      "the address of the page",
    );
    assert.equal(demo.exit(), null, demo.output());
    const addressMs = performance.now() - startedMs;
    await using browser = await startBrowser();
    const { page, complaints } = await browser.open(address()!);
    await waitUntil(() => hasDrawn(page), PATIENCE_MS, "lines in the chart");
    const pictureMs = performance.now() - startedMs;
    assert.ok(Number((await page.textContent('[data-total="succeeded"]'))!.replace(/\D/g, "")) > 0);
    assert.deepEqual(complaints, []);
    await page.screenshot({ path: join(clone, "page.png") });
    t.diagnostic(
      `the page's address after ${seconds(addressMs)}, its picture with data after ${seconds(pictureMs)}; promised: 180 s`,
    );
  } finally {
    await demo.stop(20_000);
  }
});

/** Is there anything in colours in the first chart? Its grid and words are grey. */
function hasDrawn(page: Page): Promise<boolean> {
  // As text: these tests are compiled without what only a browser has.
  return page.evaluate(`(() => {
    const canvas = document.querySelector(".chart canvas");
    if (canvas === null || canvas.width === 0) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let coloured = 0;
    for (let at = 0; at < data.length; at += 4) {
      const rgb = data.subarray(at, at + 3);
      if (Math.max(...rgb) - Math.min(...rgb) > 60) coloured++;
    }
    return coloured > 100;
  })()`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(0)} s`;
}
