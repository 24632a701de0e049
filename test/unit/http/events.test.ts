import assert from "node:assert/strict";
import { type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { promisify } from "node:util";
import express from "express";
import { createApp, listen, stopServing } from "../../../src/http/app.js";
import { limitConnections } from "../../../src/http/connections.js";
import { type EventData, EventLog, eventStream } from "../../../src/http/events.js";
import { onlyHosts } from "../../../src/http/hosts.js";
import { sourceOf } from "../../support/control-server.js";
import { StandInSteering } from "../../support/steering.js";
import { waitUntil } from "../../support/wait-until.js";

const until = (condition: () => Promise<boolean> | boolean) =>
  waitUntil(condition, 10_000, "what is sent to arrive");

interface Stream {
  readonly response: IncomingMessage;
  /** All that has come so far. */
  text(): string;
  close(): void;
}

/** A server with the routes of `server.listen`, and its events. */
async function serve() {
  const events = new EventLog();
  const address = { host: "127.0.0.1", port: 0 };
  const app = createApp(sourceOf(new StandInSteering(), events), onlyHosts(address, null));
  const server = await listen(app, address);
  const { port } = server.address() as AddressInfo;
  return { events, server, port, [Symbol.asyncDispose]: () => stopServing(server) };
}

function follow(
  port: number,
  headers: Record<string, string> = {},
  path = "/api/v1/events",
): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", () => {}); // it is closed by either side
      resolve({ response, text: () => text, close: () => sent.destroy() });
    });
    sent.on("error", reject).end();
  });
}

const change = (text: string): EventData => ({ text, scenario: "steady" });

test("a stream says what it is, and tells what happens from then on", async () => {
  await using http = await serve();
  http.events.publish("state", change("before"));
  const stream = await follow(http.port);
  assert.equal(stream.response.statusCode, 200);
  const { headers } = stream.response;
  assert.equal(headers["content-type"], "text/event-stream; charset=utf-8");
  assert.equal(headers["cache-control"], "no-cache, no-transform");
  assert.equal(headers["x-accel-buffering"], "no");
  http.events.publish("change", change("rate 50/s\nover 1m"));
  await until(() => stream.text().includes("rate 50/s"));
  assert.match(
    stream.text(),
    /^retry: 2000\nid: \w+-1\n\nid: \w+-2\nevent: change\ndata: \{.*\}\n\n$/,
  );
  const data = JSON.parse(/data: (.*)/.exec(stream.text())![1]!);
  assert.equal(data.text, "rate 50/s\nover 1m");
  assert.match(data.at, /^\d{4}-.*Z$/);
  stream.close();
});

test("who comes back gets what was missed, once", async () => {
  for (const [number, expected] of [
    [0, "abc"],
    [1, "bc"],
    [2, "c"],
    [3, ""],
  ] as const) {
    await using http = await serve();
    for (const text of ["a", "b", "c"]) http.events.publish("change", change(text));
    const life = http.events.newestId.split("-")[0];
    const stream = await follow(http.port, { "last-event-id": `${life}-${number}` });
    http.events.publish("change", change("new"));
    await until(() => stream.text().includes('"new"'));
    const seen = [...stream.text().matchAll(/"text":"(\w)"/g)].map(([, text]) => text).join("");
    assert.equal(seen, expected);
    assert.doesNotMatch(stream.text(), /reset/);
    stream.close();
  }
});

test("what is asked for behind an event that is gone, or never was, is a reset", async () => {
  await using http = await serve();
  for (let index = 1; index <= 1_200; index++) http.events.publish("stage", change(`n${index}`));
  const life = http.events.newestId.split("-")[0];
  assert.equal(http.events.after(`${life}-200`)?.match(/^id/gm)?.length, 1_000);
  for (const id of [`${life}-199`, `${life}-1201`, "other-1000", "nonsense", `${life}-1e3`, ""]) {
    assert.equal(http.events.after(id), null, id);
  }
  const stream = await follow(http.port, { "last-event-id": "other-5" });
  await until(() => stream.text().includes("\n\n"));
  assert.match(
    stream.text(),
    new RegExp(`^retry: 2000\nid: ${life}-1200\nevent: reset\ndata: \\{`),
  );
  stream.close();
});

test("what is kept is bounded in bytes, so that all of it has room on its way", () => {
  const events = new EventLog();
  for (let index = 0; index < 1_000; index++) events.publish("guard", change("x".repeat(10_000)));
  const life = events.newestId.split("-")[0];
  const kept = [...Array(1_000).keys()].map((number) => events.after(`${life}-${number}`));
  const longest = kept.find((text) => text !== null)!;
  assert.ok(longest.length > 400_000 && longest.length <= 512 * 1024, `${longest.length}`);
});

test("a reader who does not read is dropped, and nobody else notices", async () => {
  await using http = await serve();
  const slow = await follow(http.port);
  slow.response.pause();
  const quick = await follow(http.port);
  // Read nothing at all, so that what is sent stays in the buffers of the system and then in ours.
  slow.response.socket.pause();
  let sent = 0;
  for (let index = 0; index < 400; index++) {
    http.events.publish("change", change("y".repeat(50_000)));
    sent++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  http.events.publish("change", change("the last"));
  await until(() => quick.text().includes("the last"));
  assert.equal(quick.text().match(/event: change/g)?.length, sent + 1);
  const connections = () => promisify(http.server.getConnections.bind(http.server))();
  assert.equal(await connections(), 1, "it is dropped without having read");
  quick.close();
  slow.close();
});

test("the fifty-first stream is told to come back", async () => {
  await using http = await serve();
  const streams = await Promise.all(Array.from({ length: 50 }, () => follow(http.port)));
  const refused = await follow(http.port);
  assert.equal(refused.response.statusCode, 503);
  assert.equal(refused.response.headers["retry-after"], "10");
  streams[0]!.close();
  await until(async () => {
    const next = await follow(http.port);
    return next.response.statusCode === 200;
  });
});

test("a stream says now and then that it is there", async () => {
  const app = express().get("/events", eventStream(new EventLog(), 20));
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  const { port } = server.address() as AddressInfo;
  const stream = await follow(port, {}, "/events");
  await until(() => stream.text().split(": still here\n\n").length > 3);
  await stopServing(server);
});

test("HEAD opens no stream", async () => {
  await using http = await serve();
  const response = await fetch(`http://127.0.0.1:${http.port}/api/v1/events`, { method: "HEAD" });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
});

test("open streams do not hold a stop", async () => {
  const http = await serve();
  const streams = await Promise.all(Array.from({ length: 20 }, () => follow(http.port)));
  const closed = Promise.all(
    streams.map(({ response }) => new Promise((resolve) => response.on("close", resolve))),
  );
  const beginMs = performance.now();
  await stopServing(http.server);
  assert.ok(performance.now() - beginMs < 1_000);
  await closed;
});

test("a stream is a request that is being answered: new connections do not push it out", async () => {
  const events = new EventLog();
  const app = express()
    .get("/events", eventStream(events))
    .get("/", (_request, response) => {
      response.end("ok");
    });
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  limitConnections(server, { all: 3, each: 3 });
  const { port } = server.address() as AddressInfo;
  const stream = await follow(port, {}, "/events");
  for (let index = 0; index < 10; index++) {
    const answer = await follow(port, { connection: "keep-alive" }, "/");
    assert.equal(answer.response.statusCode, 200);
  }
  events.publish("change", change("still followed"));
  await until(() => stream.text().includes("still followed"));
  await stopServing(server);
});
