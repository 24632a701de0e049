import assert from "node:assert/strict";
import { test } from "node:test";
import type { Waiting } from "../../../../src/connections/amqp/confirm-wire.js";
import { DelayRoute } from "../../../../src/connections/amqp/delay-route.js";
import { Lane, type OpenChannel } from "../../../../src/connections/amqp/lane.js";
import type {
  ChannelClosed,
  PublishChannel,
} from "../../../../src/connections/amqp/publish-channel.js";
import type { TaskMessage } from "../../../../src/connections/amqp/publish-frames.js";
import { Trials } from "../../../../src/connections/amqp/trials.js";
import type { PublishAnswer, PublishOutcome } from "../../../../src/connections/ports.js";

const turn = () => new Promise((resolve) => setImmediate(resolve));
const closed = (words: string) =>
  new Error(`Channel closed by server: 403 (ACCESS-REFUSED) with message "${words}"`);

/** A broker whose channels answer when the test says so. */
class Broker {
  readonly channels: TestChannel[] = [];

  readonly open: OpenChannel = async (whenClosed) => {
    const channel = new TestChannel(whenClosed);
    this.channels.push(channel);
    return channel as unknown as PublishChannel;
  };
}

class TestChannel {
  readonly waiting: Waiting[] = [];
  readonly #whenClosed: ChannelClosed;
  isClosed = false;

  constructor(whenClosed: ChannelClosed) {
    this.#whenClosed = whenClosed;
  }

  put(message: TaskMessage, answer: PublishAnswer, index: number): void {
    this.waiting.push({ message, answer, index });
  }

  flush(): void {}

  close(): void {
    this.isClosed = true;
  }

  confirm(outcome: PublishOutcome = "accepted", reason = ""): void {
    const { answer, index } = this.waiting.shift()!;
    answer(index, index + 1, outcome, reason);
  }

  end(words?: string): void {
    this.#whenClosed(this.waiting.splice(0), words === undefined ? undefined : closed(words));
  }
}

/** `delayMs`: of a route on which the broker holds messages; 0: of one where it does not. */
async function open(delayMs = 0) {
  const broker = new Broker();
  const trials = new Trials(broker.open);
  await trials.open();
  const place = { exchange: "reports", routingKey: "a.b", vhost: "/", username: "load" };
  const lane = new Lane(place, () => trials.renew());
  await lane.connect(broker.open);
  const delay = { delayMs, routingKey: "a.b", keyWithoutDelay: "0.a.b" };
  const route = new DelayRoute(lane, delay);
  const way = delayMs > 0 ? route : lane;
  const answers: string[] = [];
  const publish = (bytes = 10) => {
    const content = Buffer.alloc(bytes);
    const message = { content, withoutDelay: { content, id: "at once" } } as TaskMessage;
    const answer: PublishAnswer = (_from, _to, outcome) => answers.push(outcome);
    if (way.isProven && trials.isSafe(message)) way.put(message, answer, 0);
    else trials.publish(way, message, answer, 0);
  };
  const [trial, own] = broker.channels as [TestChannel, TestChannel];
  return { broker, trials, lane, route, trial, own, answers, publish };
}

test("the first message goes alone, those behind it when it is answered", async () => {
  const { trial, own, answers, publish } = await open();
  for (let i = 0; i < 3; i++) publish();
  await turn();
  assert.deepEqual([trial.waiting.length, own.waiting.length], [1, 0]);
  trial.confirm();
  await turn();
  assert.deepEqual([trial.waiting.length, own.waiting.length], [0, 2]);
  assert.deepEqual(answers, ["accepted"]);
});

test("a refusal is the answer to those behind it, and for a while to those that follow", async (t) => {
  t.mock.method(performance, "now", () => nowMs);
  let nowMs = 0;
  const { broker, lane, trial, answers, publish } = await open();
  publish();
  publish();
  await turn();
  trial.end("ACCESS_REFUSED - access to exchange 'reports' in vhost '/' refused for user 'load'");
  await turn();
  publish();
  await turn();
  assert.deepEqual(answers, ["refused", "refused", "refused"]);
  assert.match(
    lane.refusal!.reason,
    /^ACCESS_REFUSED - .*\(exchange "reports", routing key "a\.b"\)\n.*set_permissions.*"reports"/,
  );
  nowMs = 5_001;
  publish();
  await turn();
  const again = broker.channels.at(-1)!;
  assert.equal(again.waiting.length, 1);
  again.confirm();
  await turn();
  assert.ok(lane.isProven);
  assert.equal(answers.at(-1), "accepted");
});

test("when a channel in use is closed, the last message is known not to be taken", async () => {
  const { broker, lane, trial, own, answers, publish } = await open();
  publish();
  await turn();
  trial.confirm();
  await turn();
  for (let i = 0; i < 3; i++) publish();
  own.end("NOT_FOUND - no exchange 'reports' in vhost '/'");
  assert.deepEqual(answers, ["accepted", "unknown", "unknown", "unroutable"]);
  assert.ok(!lane.isProven);
  // What a user may do is remembered for a channel: the next trial has a new one.
  assert.ok(trial.isClosed);
  assert.equal(broker.channels.length, 2);
});

test("a connection that ends leaves open what was taken, and what waited is not written", async () => {
  const { trials, lane, trial, own, answers, publish } = await open();
  publish();
  await turn();
  trial.confirm();
  await turn();
  publish();
  publish(1_000);
  publish(1_000);
  await turn();
  trials.close();
  lane.disconnect();
  trial.end();
  own.end();
  await turn();
  assert.deepEqual(answers, ["accepted", "unknown", "unknown", "notWritten"]);
});

test("a message over the limit is too large, and its way stays open", async () => {
  const { broker, lane, trial, answers, publish } = await open();
  publish();
  await turn();
  trial.confirm();
  await turn();
  publish(1_000);
  await turn();
  trial.end("PRECONDITION_FAILED - message size 1000 is larger than configured max size 500");
  await turn();
  publish(501);
  await turn();
  publish(500);
  assert.deepEqual(answers, ["accepted", "tooLarge", "tooLarge"]);
  assert.equal(lane.refusal, null);
  await turn();
  broker.channels.at(-1)?.confirm();
  await turn();
  assert.equal(answers.at(-1), "accepted");
});

const isAtOnce = ({ waiting }: TestChannel) =>
  waiting.map(({ message }) => message.id === "at once");

test("of a delayed route one message goes at once, those behind it with their delay", async () => {
  const { trial, own, answers, publish } = await open(60_000);
  for (let i = 0; i < 3; i++) publish();
  await turn();
  assert.deepEqual([isAtOnce(trial), isAtOnce(own)], [[true], []]);
  trial.confirm();
  await turn();
  assert.deepEqual([isAtOnce(trial), isAtOnce(own)], [[], [false, false]]);
  assert.deepEqual(answers, ["accepted"]);
  // A size that is new is no matter of the route.
  publish(1_000);
  await turn();
  assert.deepEqual(isAtOnce(trial), [false]);
});

const NOT_DELIVERED: readonly (readonly [PublishOutcome, RegExp])[] = [
  ["unroutable", /^no queue is bound behind the delay for "a\.b"\nStart a worker/],
  ["refused", /^message nacked behind the delay$/],
];

for (const [outcome, words] of NOT_DELIVERED) {
  test(`a delayed route whose message is ${outcome}: none is sent with a delay until one gets through`, async (t) => {
    t.mock.method(performance, "now", () => nowMs);
    let nowMs = 0;
    const { route, trial, own, answers, publish } = await open(60_000);
    publish();
    publish();
    await turn();
    trial.confirm(outcome, "message nacked");
    await turn();
    publish();
    await turn();
    assert.deepEqual(answers, [outcome, outcome, outcome]);
    assert.match(route.refusal!.reason, words);
    assert.deepEqual([trial.waiting.length, own.waiting.length], [0, 0]);
    nowMs = 5_001;
    publish();
    await turn();
    assert.deepEqual(isAtOnce(trial), [true]);
    trial.confirm();
    await turn();
    publish();
    assert.deepEqual(isAtOnce(own), [false]);
  });
}

/** How long a route is good after it was proved, by its delay. */
const PROVEN: readonly (readonly [delayMs: number, provenMs: number])[] = [
  [1_000, 5_000],
  [60_000, 60_000],
  [3_600_000, 3_600_000],
];

for (const [delayMs, provenMs] of PROVEN) {
  test(`a delay of ${delayMs / 1000} s: proved again after ${provenMs / 1000} s, and on a new connection`, async (t) => {
    t.mock.method(performance, "now", () => nowMs);
    let nowMs = 0;
    const { lane, route, trial, answers, publish } = await open(delayMs);
    publish();
    await turn();
    trial.confirm();
    await turn();
    nowMs = provenMs - 1;
    assert.ok(route.isProven);
    nowMs = provenMs;
    publish();
    await turn();
    assert.deepEqual(isAtOnce(trial), [true]);
    trial.confirm("unroutable");
    await turn();
    publish();
    await turn();
    assert.deepEqual(answers, ["accepted", "unroutable", "unroutable"]);
    nowMs += 5_001;
    publish();
    await turn();
    trial.confirm();
    await turn();
    assert.ok(route.isProven);
    route.forget();
    assert.ok(!route.isProven && lane.isProven);
  });
}

test("an exchange of delays that is missing is the route's refusal", async () => {
  const { route, trial, answers, publish } = await open(1_000);
  publish();
  publish();
  await turn();
  trial.end("NOT_FOUND - no exchange 'celery_delayed_27' in vhost '/'");
  await turn();
  assert.deepEqual(answers, ["unroutable", "unroutable"]);
  assert.match(route.refusal!.reason, /^there is no exchange/);
});
