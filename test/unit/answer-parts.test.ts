import assert from "node:assert/strict";
import { test } from "node:test";
import { runProgram } from "../../src/setup/programs.js";

/** In a process of its own: what node:test keeps hold of is never collected. */
const SCRIPT = `
  import { once } from "node:events";
  import { createServer } from "node:http";
  import { setTimeout as sleep } from "node:timers/promises";
  import { answerParts } from ${JSON.stringify(new URL("../../src/answer-parts.js", import.meta.url))};

  setTimeout(() => process.exit(1), 30_000);
  const BODIES = {
    "never comes": (response) => response.flushHeaders(),
    "comes byte by byte": (response) => {
      const timer = setInterval(() => response.write("x"), 5);
      response.on("close", () => clearInterval(timer));
    },
    "stops in the middle": (response) => {
      response.writeHead(200, { "content-length": "100" }).write("x");
    },
  };
  for (const [what, answer] of Object.entries(BODIES)) {
    const server = createServer((_request, response) => answer(response)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const closed = once(server, "connection").then(([socket]) => once(socket, "close"));
    const patience = new AbortController();
    const response = await fetch("http://127.0.0.1:" + server.address().port, {
      redirect: "error",
      signal: patience.signal,
    });
    const read = async () => {
      for await (const _part of answerParts(response, patience.signal));
    };
    const ended = read().then(() => "whole", (error) => error.message);
    for (let i = 0; i < 30; i++) {
      await sleep(10);
      gc();
    }
    patience.abort(new Error("enough"));
    console.log(what + ": " + (await ended));
    await closed;
    server.close();
  }
  process.exit();
`;

test("a body is read until the signal, also when its request was collected", async () => {
  const flags = ["--expose-gc", "--input-type=module", "-e", SCRIPT];
  const { stdout, stderr } = await runProgram(process.execPath, flags);
  const wanted = "never comes: enough\ncomes byte by byte: enough\nstops in the middle: enough\n";
  assert.equal(stdout, wanted, stderr);
});
