import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { suite, test } from "node:test";
import { parseAmqpUrl } from "../../../src/celery/urls/amqp-url.js";
import { parseRedisUrl } from "../../../src/celery/urls/redis-url.js";
import { AmqpLink } from "../../../src/connections/amqp/link.js";
import { RedisLink } from "../../../src/connections/redis/link.js";

type Answer = (socket: Socket) => void;

/** Answers what comes first, and closes. */
const answers =
  (bytes: string | Buffer): Answer =>
  (socket) =>
    socket.once("data", () => socket.end(bytes));

const SPEAKS_NOT = /^the server does not speak (Redis'|RabbitMQ's) protocol.*: it sent /;

/** What may listen on a port that was mistaken for a broker's: what it does, and how the cause begins and goes on. */
const SERVERS: Readonly<Record<string, readonly [Answer, RegExp]>> = {
  "HTTP, as the management API's port": [
    answers("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"),
    /"HTTP\/1\.1 400 Bad Request/,
  ],
  SSH: [(socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n"), /"SSH-2\.0-OpenSSH/],
  "RabbitMQ, of another version of AMQP": [answers(Buffer.from("AMQP\x03\x01\0\0")), /"AMQP/],
  MySQL: [
    (socket) => socket.write(Buffer.from("J\0\0\0\n8.0.33\0abcdefgh")),
    /"J\\u0000\\u0000\\u0000\\n8\.0\.33/,
  ],
};

/** Why a link to it goes down at first. */
async function causeOf(kind: "redis" | "amqp", answer: Answer): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    answer(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  let link: RedisLink | AmqpLink | undefined;
  try {
    return await new Promise<string>((resolve) => {
      const events = { async prepare() {}, up() {}, down: resolve };
      link =
        kind === "redis"
          ? new RedisLink({ address: parseRedisUrl(`redis://${at}/0`), name: "test", events })
          : new AmqpLink(parseAmqpUrl(`amqp://guest:guest@${at}//`), "test", events, {
              client: "direct",
            });
      link.open();
    });
  } finally {
    link?.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

suite("a server that is something else is named by what it says", { concurrency: 20 }, () => {
  for (const [what, [answer, words]] of Object.entries(SERVERS)) {
    for (const kind of ["redis", "amqp"] as const) {
      test(`${kind}:// and ${what}`, async () => {
        const cause = await causeOf(kind, answer);
        assert.match(cause, SPEAKS_NOT);
        assert.match(cause, words);
        assert.doesNotMatch(cause, /report this/);
      });
    }
  }

  test("amqp:// and TLS", async () => {
    const alert = answers(Buffer.of(0x15, 3, 3, 0, 2, 2, 0x46));
    assert.match(await causeOf("amqp", alert), /speaks TLS on this port .*write amqps:/);
  });

  test("amqp:// and a server that closes", async () => {
    const cause = await causeOf("amqp", (socket) => socket.end());
    assert.match(cause, /closed the connection without a word of RabbitMQ's protocol/);
  });
});
