import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { suite, test } from "node:test";
import { parseAmqpUrl } from "../../../../src/celery/urls/amqp-url.js";
import { AmqpLink } from "../../../../src/connections/amqp/link.js";
import {
  channelOpenOk,
  confirmSelectOk,
  HOSTILE,
  nestedTables,
  openOk,
  start,
  tune,
} from "../../../support/amqp-frames.js";
import { waitUntil } from "../../../support/wait-until.js";

/** What a server says, in this order, until a publisher is ready. */
const STEPS = [start(), tune(), openOk, channelOpenOk, confirmSelectOk];
const STEP_NAMES = ["welcome", "tuning", "opening", "a channel", "confirms", "in use"];

type Answer = (socket: Socket) => void;

/**
 * A server that answers as it should, but for the answer of one number, which `instead` gives. Returns why the
 * link went down at first, when it has tried to connect again; null when it was up for so long, which is more than the event
 * loop stands still while hundreds of these are made.
 */
async function meet(at: number, instead: Answer, client: "direct" | "library", upMs = 6_000) {
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    accepted.push(socket);
    socket.on("error", () => {});
    let step = 0;
    socket.on("data", (bytes) => {
      if (bytes[0] === 8) return; // a heartbeat
      // tune-ok and open come together.
      const isTuned = bytes.indexOf(Buffer.of(0, 10, 0, 31)) >= 0;
      if (isTuned && bytes.indexOf(Buffer.of(0, 10, 0, 40)) < 0) return;
      if (step === at) instead(socket);
      else if (step < STEPS.length) socket.write(STEPS[step]!);
      if (++step === STEPS.length && at === step) setTimeout(() => instead(socket), 100);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const causes: string[] = [];
  let upSinceMs = Number.POSITIVE_INFINITY;
  const { port } = server.address() as AddressInfo;
  const link: AmqpLink = new AmqpLink(
    parseAmqpUrl(`amqp://guest:guest@127.0.0.1:${port}//`),
    "test",
    {
      async prepare(model, tap) {
        const channel = await model.createConfirmChannel();
        link.watch(channel);
        tap?.take(model, channel, {});
      },
      up() {
        upSinceMs = performance.now();
      },
      down(cause) {
        upSinceMs = Number.POSITIVE_INFINITY;
        causes.push(cause);
      },
    },
    { client },
  );
  try {
    link.open();
    const isUp = () => performance.now() - upSinceMs > upMs;
    const isAgain = () => causes.length > 0 && accepted.length > 1;
    await waitUntil(() => isUp() || isAgain(), 40_000, "a new attempt");
    return isUp() ? null : causes[0]!;
  } finally {
    await link.close();
    for (const socket of accepted) socket.destroy();
    server.close();
  }
}

// Nearly all of the time is spent waiting.
suite("a server that is no RabbitMQ", { concurrency: 500 }, () => {
  for (const client of ["direct", "library"] as const) {
    for (const [at, step] of STEP_NAMES.entries()) {
      const name = `${client}, ${step}`;
      test(`${name}: the server closes the connection`, async () => {
        assert.notEqual(await meet(at, (socket) => socket.end(), client), null);
      });
      test(`${name}: the server resets the connection`, async () => {
        assert.notEqual(await meet(at, (socket) => socket.resetAndDestroy(), client), null);
      });
      test(`${name}: silence`, async () => {
        if (at === STEPS.length) return; // two heartbeats end it
        assert.match(String(await meet(at, () => {}, client)), /does not answer|took more than/);
      });
      test(`${name}: a byte now and then, and never a whole frame`, async () => {
        if (at === STEPS.length) return; // as long as it says nothing, that is all there is to say
        const dribble: Answer = (socket) => {
          const bytes = Buffer.concat([Buffer.of(1, 0, 0, 0, 1, 0, 0), Buffer.alloc(1_000)]);
          let sent = 0;
          const timer = setInterval(() => socket.write(bytes.subarray(sent, ++sent)), 500);
          socket.once("close", () => clearInterval(timer));
        };
        assert.match(String(await meet(at, dribble, client)), /took more than/);
      });
      for (const [what, bytes] of Object.entries(HOSTILE)) {
        test(`${name}: ${what}`, async () => {
          const cause = await meet(at, (socket) => socket.write(bytes), client);
          // Some make the server wait for us and us for the server; none goes unnoticed.
          assert.doesNotMatch(String(cause), /is not a function|call stack|out of range|undefined/);
        });
      }
    }
  }
});

test("whatever limits a server asks for, the connection is used within ours or given up", async () => {
  for (const client of ["direct", "library"] as const) {
    for (const [limits, isUsable] of [
      [tune(0, 0, 0), true],
      [tune(65_535, 2 ** 32 - 1, 65_535), true],
      [tune(1, 4096, 1), true],
      [tune(1, 8, 1), false],
      [tune(1, 1, 1), false],
      [start(nestedTables(100)), false],
    ] as const) {
      const cause = await meet(1, (socket) => socket.write(limits), client, 1_000);
      assert.equal(cause === null, isUsable, `${client}: ${cause}`);
    }
  }
});
