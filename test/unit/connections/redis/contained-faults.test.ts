import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { parseRedisUrl } from "../../../../src/celery/urls/redis-url.js";
import { countIn } from "../../../../src/connections/redis/contained-faults.js";
import { RedisLink } from "../../../../src/connections/redis/link.js";

for (const kind of ["ioredis' own socket", "a socket that is taken over"]) {
  test(`a second error on ${kind} is a fault of the connection and not of the process`, async () => {
    const server = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const link = new RedisLink({
      address: parseRedisUrl(`redis://127.0.0.1:${port}/0`),
      name: "test",
      events: { async prepare() {}, up() {}, down() {} },
      ...(kind.startsWith("a ") ? { takeOver: { message() {}, async wired() {} } } : {}),
    });
    try {
      link.open();
      await once(link.client, "connect");
      const { stream } = link.client;
      for (const what of ["the certificate is refused", "and the server says so"]) {
        assert.doesNotThrow(() => stream.emit("error", new Error(what)));
      }
    } finally {
      link.close();
      server.close();
    }
  });
}

test("countIn() takes whole numbers from 0 and nothing else", () => {
  assert.equal(countIn(0), 0);
  assert.equal(countIn(12), 12);
  for (const reply of ["12", null, undefined, [], [1], -1, 1.5, Number.NaN, true, {}, 2 ** 60]) {
    assert.throws(() => countIn(reply), /does not speak Redis' protocol/);
  }
});
