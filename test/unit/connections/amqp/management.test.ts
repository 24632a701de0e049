import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { suite, test } from "node:test";
import { unackedByManagement } from "../../../../src/connections/amqp/management.js";

/** What is known of a queue when the API answers like that. */
async function ask(answer: (response: ServerResponse) => void): Promise<number | null> {
  const server = createServer((_request, response) => {
    response.on("error", () => {});
    answer(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    return await unackedByManagement(`http://guest:canary@127.0.0.1:${port}`, "/", "queue");
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

suite("what RabbitMQ's management API may answer", { concurrency: true }, () => {
  for (const [body, known] of [
    ['{"messages_unacknowledged": 6}', 6],
    ['{"messages_unacknowledged": 0, "name": "queue"}', 0],
    ["[]", null],
    ["{}", null],
    ...["-1", '"6"', "1e400", "1.5", "null", "[6]", "{}", "true", "9007199254740993"].map(
      (value) => [`{"messages_unacknowledged": ${value}}`, null] as const,
    ),
  ] as const) {
    test(`${body}: ${known}`, async () => {
      assert.equal(await ask((response) => response.end(body)), known);
    });
  }

  const nonsense: Record<string, (response: ServerResponse) => void> = {
    "a page": (response) => response.end("<html>"),
    nothing: (response) => response.end(),
    "a number": (response) => response.end("6"),
    "a list": (response) => response.end("[1]"),
    "megabytes of objects": (response) => response.end(`[${"{},".repeat(1_000_000)}{}]`),
    "an object that is cut off": (response) => {
      response.writeHead(200, { "content-length": "100" }).write('{"messages_');
      setTimeout(() => response.destroy(), 50);
    },
    "bytes without an end": (response) => {
      const timer = setInterval(() => response.write("x".repeat(100_000)), 1);
      response.on("close", () => clearInterval(timer));
    },
    "one byte now and then": (response) => {
      const timer = setInterval(() => response.write(" "), 100);
      response.on("close", () => clearInterval(timer));
    },
    "another status": (response) => response.writeHead(500).end(),
    "another address": (response) => response.writeHead(302, { location: "/" }).end(),
    silence: () => {},
  };
  for (const [what, answer] of Object.entries(nonsense)) {
    test(`${what}: a fault that says so, in time and without the password`, async () => {
      const beganMs = performance.now();
      await assert.rejects(ask(answer), (error: Error) => {
        assert.match(error.message, /^RabbitMQ's management API at http:\/\/127\.0\.0\.1:\d+ /);
        assert.doesNotMatch(error.message, /canary/);
        return true;
      });
      assert.ok(performance.now() - beganMs < 10_000);
    });
  }
});
