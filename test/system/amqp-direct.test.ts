import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ConsumeMessage } from "amqplib";
import { type MessageFill, SAMPLE_FILL } from "../../src/celery/messages/message.js";
import { cutText } from "../../src/celery/results/result-text.js";
import { parseAmqpUrl } from "../../src/celery/urls/amqp-url.js";
import { DEFAULT_TRANSPORT } from "../../src/celery/urls/transport.js";
import { openAmqpBroker } from "../../src/connections/amqp/broker.js";
import { AmqpLink } from "../../src/connections/amqp/link.js";
import { openAmqpRpcResults } from "../../src/connections/amqp/rpc-results.js";
import type { Client, ConnectionEvents, PublishOutcome } from "../../src/connections/ports.js";
import { startProxy } from "../support/proxy.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { waitUntil } from "../support/wait-until.js";
import { messageSpec } from "../unit/celery/specs.js";

// What goes past amqplib (`client: direct`) against the same by amqplib, on a real RabbitMQ.
let rabbitmq: TestRabbitmq;
before(async () => {
  rabbitmq = await startRabbitmq();
});
after(() => rabbitmq[Symbol.asyncDispose]());

const CLIENTS: readonly Client[] = ["direct", "library"];
const replyTo = "replies";
const results: [id: string, text: string][] = [];
const events: ConnectionEvents = {
  up() {},
  down: (_role, cause) => assert.fail(cause),
  blocked() {},
  dataLost() {},
  repliesLost() {},
  sentEventsLost() {},
  resultsMissed() {},
  result: (channel, idAt, text) => results.push([channel.slice(idAt), text]),
};
const options = (client: Client) => ({
  url: rabbitmq.url,
  clientName: "test",
  idPrefix: "",
  replyTo,
  events,
  client,
  transport: DEFAULT_TRANSPORT,
  backendTransport: { global_keyprefix: "" },
});
const idOf = (index: number) => `${SAMPLE_FILL.id.slice(0, 24)}${String(index).padStart(12, "0")}`;
const until = (condition: () => boolean, what: string) => waitUntil(condition, 30_000, what);
const fill = (index: number, body: string): MessageFill => ({
  ...SAMPLE_FILL,
  id: idOf(index),
  body,
});

test("amqplib is built as the tap expects: a connection's confirms and messages are taken over", async () => {
  for (const isTapped of [true, false]) {
    const taken = await new Promise((resolve, reject) => {
      const link: AmqpLink = new AmqpLink(
        parseAmqpUrl(rabbitmq.url),
        "test:tap",
        {
          async prepare(model, tap) {
            const channel = await model.createConfirmChannel();
            resolve(tap?.take(model, channel, {}));
          },
          up: () => void link.close(),
          down: reject,
        },
        { client: isTapped ? "direct" : "library" },
      );
      link.open();
    });
    assert.equal(taken !== undefined, isTapped);
  }
});

test("messages of every size arrive the same, past amqplib and by it, and each has its answer", async () => {
  const bodies = [1, 100, 4_088, 4_089, 131_064, 131_065, 1_000_000].map((length, index) =>
    JSON.stringify([[index, "x".repeat(length)], {}, {}]),
  );
  const seen = new Map<Client, ConsumeMessage[]>();
  const channel = await (await rabbitmq.client()).createChannel();
  for (const client of CLIENTS) {
    const queue = `sizes-${client}`;
    await channel.assertQueue(queue);
    const got: ConsumeMessage[] = [];
    seen.set(client, got);
    await channel.consume(queue, (message) => got.push(message!), { noAck: true });
    const broker = openAmqpBroker(options(client));
    const { publisher } = broker;
    const spec = { routingKey: queue, expiresMs: 60_000, headers: { n: 70_000 } };
    const template = publisher.template(messageSpec(spec), null);
    await until(() => publisher.ready, "the connection");
    const outcomes: PublishOutcome[] = [];
    // Smallest first and twice: what is larger than all before goes alone, on another channel.
    for (const round of [0, 1]) {
      const messages = bodies.map((body, index) => template.render(fill(index + 10 * round, body)));
      publisher.publish("", messages, (from, to, outcome) => {
        for (let i = from; i < to; i++) outcomes.push(outcome);
      });
      await until(() => outcomes.length === bodies.length * (round + 1), "all answers");
    }
    assert.deepEqual(new Set(outcomes), new Set(["accepted"]));
    await until(() => got.length === 2 * bodies.length, "all messages");
    await broker.close(false);
  }
  const shown = (client: Client) =>
    seen
      .get(client)!
      .map(({ content, properties }) => ({ content: content.toString(), properties }))
      .sort((a, b) => (a.properties.correlationId < b.properties.correlationId ? -1 : 1));
  const renamed = (client: Client) =>
    JSON.parse(JSON.stringify(shown(client)).replaceAll(`sizes-${client}`, "sizes"));
  assert.deepEqual(renamed("direct"), renamed("library"));
});

for (const client of CLIENTS) {
  test(`accepted, unroutable and refused are told apart message by message, client ${client}`, async () => {
    const channel = await (await rabbitmq.client()).createChannel();
    const open = `open-${client}`;
    const full = `full-${client}`;
    await channel.assertQueue(open);
    // Takes one message and says no to all others.
    const limited = { "x-max-length": 1, "x-overflow": "reject-publish" };
    await channel.assertQueue(full, { arguments: limited });
    const broker = openAmqpBroker(options(client));
    const { publisher } = broker;
    const templates = [open, `none-${client}`, full].map((routingKey) =>
      publisher.template(messageSpec({ routingKey }), "[[], {}, {}]"),
    );
    await until(() => publisher.ready, "the connection");
    const count = 3_000;
    const outcomes: PublishOutcome[] = [];
    let answered = 0;
    const send = async (from: number, to: number) => {
      const messages = Array.from({ length: to - from }, (_, i) =>
        templates[(from + i) % 3]!.render(fill(from + i, "")),
      );
      publisher.publish("", messages, (first, end, outcome) => {
        for (let i = first; i < end; i++) {
          assert.equal(outcomes[from + i], undefined, "answered twice");
          outcomes[from + i] = outcome;
          answered++;
        }
      });
    };
    await send(0, 3);
    await until(() => answered === 3, "all answers");
    for (let from = 3; from < count; from += 300) await send(from, Math.min(from + 300, count));
    await until(() => answered === count, "all answers");
    for (let index = 3; index < count; index++) {
      const expected = (["accepted", "unroutable", "refused"] as const)[index % 3];
      assert.equal(outcomes[index], expected, `message ${index}`);
    }
    await broker.close(false);
  });

  test(`replies of every size are read, client ${client}`, async () => {
    const part = openAmqpRpcResults(options(client));
    await until(() => part.results.ready, "the connection");
    const channel = await (await rabbitmq.client()).createChannel();
    const texts = [0, 10, 131_064, 131_065, 3_000_000].map((length) => "é".repeat(length));
    results.length = 0;
    for (let round = 0; round < 200; round++) {
      for (const [index, text] of texts.slice(0, round === 0 ? 5 : 2).entries()) {
        const correlationId = idOf(round * 10 + index);
        channel.sendToQueue(replyTo, Buffer.from(text), { correlationId, headers: { a: 1 } });
      }
    }
    await until(() => results.length === 5 + 199 * 2, "all replies");
    for (const [id, text] of results) {
      // Of a large one both ends are read.
      assert.equal(text, cutText(texts[Number(id.slice(-12)) % 10]!), id);
    }
    assert.equal(new Set(results.map(([id]) => id)).size, results.length);
    await part.close(false);
  });
}

for (const client of CLIENTS) {
  test(`replies that are on their way when the connection is cut are kept, client ${client}`, async () => {
    await using proxy = await startProxy(rabbitmq.port);
    proxy.latency({ toClientMs: 20 }); // so that there always are some
    const read = new Map<string, number>();
    let repeats = 0;
    let ups = 0;
    const part = openAmqpRpcResults({
      ...options(client),
      url: `amqp://guest:guest@127.0.0.1:${proxy.port}//`,
      replyTo: `on-their-way-${client}`,
      events: {
        ...events,
        up: () => ups++,
        down() {},
        result(id, _idAt, _text, isRepeat) {
          read.set(id, (read.get(id) ?? 0) + (isRepeat ? 0 : 1));
          if (isRepeat) repeats++;
        },
      },
    });
    await until(() => part.results.ready, "the connection");
    const channel = await (await rabbitmq.client()).createChannel();
    let sent = 0;
    const sending = setInterval(() => {
      for (let i = 0; i < 20; i++) {
        const correlationId = idOf(sent++);
        channel.sendToQueue(`on-their-way-${client}`, Buffer.from("{}"), { correlationId });
      }
    }, 5);
    try {
      for (let cuts = 1; cuts <= 5; cuts++) {
        const before = read.size;
        await until(() => read.size > before + 100, "some replies");
        proxy.reset();
        await until(() => ups === cuts + 1, "the connection to be back");
      }
      clearInterval(sending);
      await until(() => read.size === sent, "all replies");
    } finally {
      clearInterval(sending);
      await part.close(false);
    }
    // Those whose acknowledgement did not arrive come again, and say so.
    assert.ok(repeats > 0);
    assert.ok([...read.values()].every((times) => times <= 1));
  });
}

test("a connection that is used past amqplib lives on for many heartbeats, busy or idle", async () => {
  const channel = await (await rabbitmq.client()).createChannel();
  await channel.assertQueue("beats");
  const broker = openAmqpBroker({ ...options("direct"), url: `${rabbitmq.url}?heartbeat=1` });
  const { publisher } = broker;
  const template = publisher.template(messageSpec({ routingKey: "beats" }), "[[], {}, {}]");
  await until(() => publisher.ready, "the connection");
  let answered = 0;
  let sent = 0;
  const send = () => {
    publisher.publish("", [template.render(fill(sent++, ""))], () => answered++);
  };
  const busy = setInterval(send, 20); // RabbitMQ sends no heartbeats while it sends anything else
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  clearInterval(busy);
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  send();
  await until(() => answered === sent, "all answers");
  await broker.close(false);
});
