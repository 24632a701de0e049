import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import express from "express";
import { stopServing } from "../../../../src/http/app.js";
import { listenForControl } from "../../../../src/http/control/listen.js";

test("a default port that is taken is done without, one that was chosen ends the start", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const { port } = other.address() as AddressInfo;
  const address = { host: "127.0.0.1", port };
  const taken: unknown[] = [];
  const start = (isListenChosen: boolean) =>
    listenForControl(express(), { listen: address, isListenChosen }, (each) => taken.push(each));
  assert.equal(await start(false), null);
  assert.deepEqual(taken, [address]);
  await assert.rejects(start(true), {
    exitCode: 104,
    message: `Cannot listen on 127.0.0.1:${port}: the port is in use by another process.`,
    hint: /--control or control\.listen/,
  });
  assert.equal(taken.length, 1);
  await stopServing(other);
});

test("off listens nowhere, and port 0 where the system says", async () => {
  const fail = () => assert.fail("nothing is taken");
  assert.equal(
    await listenForControl(express(), { listen: null, isListenChosen: true }, fail),
    null,
  );
  const address = { host: "127.0.0.1", port: 0 };
  const server = await listenForControl(express(), { listen: address, isListenChosen: true }, fail);
  assert.ok((server!.address() as AddressInfo).port > 0);
  await stopServing(server!);
});
