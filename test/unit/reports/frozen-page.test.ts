import assert from "node:assert/strict";
import { test } from "node:test";
import { frozenPage } from "../../../src/reports/frozen-page.js";
import type { FrozenRun } from "../../../src/reports/live-status.js";

test("a run frozen holds its data, whatever is in it, and runs and loads nothing else", () => {
  const text = "</script><script>alert(1)</script>$& $1 <!--";
  const mark = { number: 1, at: 1, type: "config", text, details: {}, effect: null };
  const run = {
    history: { layout: 1, series: [], tiers: [], marks: [mark] },
    live: { at: 1 },
  } as unknown as FrozenRun;
  const html = frozenPage(run);
  const [, data] = /<script type="application\/json" id="run">(.*?)<\/script>/s.exec(html)!;
  assert.deepEqual(JSON.parse(data!), run);
  assert.equal(html.match(/<script/g)!.length, 2, "the data and the program");
  assert.doesNotMatch(html, /<(script|link|img)[^>]*(src|href)=/);
  assert.match(
    html,
    /content="default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+';/,
  );
});
