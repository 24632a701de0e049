import assert from "node:assert/strict";
import { test } from "node:test";
import { createApp, listen, serverUrl, stopServing } from "../../../src/http/app.js";
import { EventLog } from "../../../src/http/events.js";
import { onlyHosts } from "../../../src/http/hosts.js";
import { LiveFeed } from "../../../src/http/live-feed.js";
import { controlServer, sourceOf } from "../../support/control-server.js";
import { StandInSteering } from "../../support/steering.js";
import { waitUntil } from "../../support/wait-until.js";

async function readOnlyServer() {
  const address = { host: "127.0.0.1", port: 0 };
  const feed = new LiveFeed();
  const source = { ...sourceOf(new StandInSteering(), new EventLog()), feed };
  const server = await listen(createApp(source, onlyHosts(address, null)), address);
  return { feed, url: serverUrl(server), [Symbol.asyncDispose]: () => stopServing(server) };
}

const pathsIn = (html: string) =>
  [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);

test("the page may load and ask its own server only, and has controls where orders are taken", async () => {
  await using reading = await readOnlyServer();
  await using control = await controlServer({ token: "a-token-of-more-than-16-characters" });
  const answer = await fetch(`${reading.url}/`);
  const policy = answer.headers.get("content-security-policy")!;
  assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
  assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/);
  assert.match(await answer.text(), /data-controls="no"/);
  const steering = await fetch(`${control.url}/`);
  assert.equal(
    steering.status,
    200,
    "its files hold nothing of the run, and it asks for the token",
  );
  assert.match(await steering.text(), /data-controls="yes"/);
  for (const path of ["/api/v1/live", "/api/v1/history"]) {
    assert.equal((await fetch(`${control.url}${path}`)).status, 401, path);
  }
});

test("its files are kept for ever and zipped, and it itself is asked for again each time", async () => {
  await using server = await readOnlyServer();
  const page = await fetch(`${server.url}/`);
  assert.equal(page.headers.get("cache-control"), "no-cache");
  const tag = page.headers.get("etag")!;
  const again = await fetch(`${server.url}/`, { headers: { "if-none-match": tag } });
  assert.equal(again.status, 304);
  for (const path of pathsIn(await page.text())) {
    const file = await fetch(`${server.url}/${path}`);
    assert.equal(file.status, 200, path);
    assert.match(file.headers.get("cache-control")!, /immutable/);
    assert.equal(file.headers.get("content-encoding"), "gzip");
    assert.equal(file.headers.get("x-content-type-options"), "nosniff");
  }
  assert.equal((await fetch(`${server.url}/page/other.js`)).status, 404);
});

test("the live stream tells what comes, and nothing is made for nobody", async () => {
  await using server = await readOnlyServer();
  assert.equal(server.feed.isFollowed, false);
  server.feed.publish("sample", { at: 1 });
  const given = new AbortController();
  const response = await fetch(`${server.url}/api/v1/live`, { signal: given.signal });
  assert.match(response.headers.get("content-type")!, /^text\/event-stream/);
  server.feed.publish("status", { text: "a\nb" });
  let text = "";
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  while (!text.includes("status")) text += (await reader.read()).value;
  assert.match(text, /^retry: 2000\n\n(event: status\ndata: \{"text":"a\\nb"\}\n\n)$/);
  given.abort();
  await waitUntil(async () => !server.feed.isFollowed, 5_000, "the stream to be forgotten");
});
