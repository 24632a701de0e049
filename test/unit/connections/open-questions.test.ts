import assert from "node:assert/strict";
import { test } from "node:test";
import type { ControlRequest } from "../../../src/celery/events/control-message.js";
import { OpenQuestions } from "../../../src/connections/open-questions.js";

/** Far longer than any test here takes: a question that ends did not end by its deadline. */
const LONG_MS = 60_000;

/** Questions over a transport that says `heardBy` and keeps what was sent. */
function questionsOver(heardBy: number | null) {
  const sent: ControlRequest[] = [];
  let idle = 0;
  let malformed = 0;
  const questions = new OpenQuestions({
    replyTo: { exchange: "e", routing_key: "k" },
    async send(request) {
      sent.push(request);
      return heardBy;
    },
    onMalformed: () => {
      malformed++;
    },
    onIdle: () => {
      idle++;
    },
  });
  const answer = (index: number, node: string) =>
    questions.reply({ ticket: sent[index]!.ticket, node, answer: { ok: "pong" } });
  return { questions, sent, answer, idle: () => idle, malformed: () => malformed };
}

const namesOf = ({ replies }: { replies: readonly { node: string }[] }) =>
  replies.map(({ node }) => node);

test("a question ends when everybody who heard it has answered", async () => {
  const { questions, sent, answer, idle } = questionsOver(2);
  const asked = questions.ask({ method: "ping", timeoutMs: LONG_MS });
  assert.equal(sent.length, 1);
  assert.equal(sent[0]!.destination, null);
  assert.ok(sent[0]!.expiresUnixSeconds > Date.now() / 1000);
  answer(0, "a");
  assert.equal(questions.isEmpty, false);
  answer(0, "b");
  assert.deepEqual(namesOf(await asked), ["a", "b"]);
  assert.equal(questions.isEmpty, true);
  assert.equal(idle(), 1);
});

test("a question to some workers ends when they have answered; two of one name are both told", async () => {
  const { questions, answer } = questionsOver(9);
  const asked = questions.ask({ method: "stats", destination: ["a", "b"], timeoutMs: LONG_MS });
  answer(0, "a");
  answer(0, "a");
  assert.deepEqual(namesOf(await asked), ["a", "a"]);
});

test("answers to other questions and late ones are dropped", async () => {
  const { questions, sent, answer } = questionsOver(null);
  const first = questions.ask({ method: "ping", timeoutMs: LONG_MS, expected: 1 });
  const second = questions.ask({ method: "ping", timeoutMs: LONG_MS, expected: 1 });
  questions.reply({ ticket: "stranger", node: "x", answer: null });
  questions.reply(null);
  answer(1, "b");
  answer(0, "a");
  assert.deepEqual(namesOf(await first), ["a"]);
  assert.deepEqual(namesOf(await second), ["b"]);
  assert.equal(sent.length, 2);
  answer(0, "late");
});

test("silence ends with the deadline and is no error", async () => {
  const { questions } = questionsOver(3);
  const answers = await questions.ask({ method: "ping", timeoutMs: 20 });
  assert.deepEqual(answers, { replies: [], heardBy: 3 });
});

test("a question that nobody heard ends at once", async () => {
  const { questions } = questionsOver(0);
  const answers = await questions.ask({ method: "ping", timeoutMs: LONG_MS });
  assert.deepEqual(answers, { replies: [], heardBy: 0 });
});

test("a question that wants no answer ends when it is sent, and asks nobody to answer", async () => {
  const { questions, sent } = questionsOver(9);
  const destination = ["a", "b"];
  const asked = { method: "heartbeat", destination, timeoutMs: LONG_MS, expected: 0 };
  assert.deepEqual(await questions.ask(asked), { replies: [], heardBy: 9 });
  assert.equal(sent[0]!.replyTo, null);
});

test("a question that cannot be sent, or whose connection is lost, fails", async () => {
  const questions = new OpenQuestions({
    replyTo: { exchange: "", routing_key: "" },
    send: () => Promise.reject(new Error("not connected")),
    onMalformed: () => {},
    onIdle: () => {},
  });
  await assert.rejects(questions.ask({ method: "ping", timeoutMs: LONG_MS }), /not connected/);
  const stuck = new OpenQuestions({
    replyTo: { exchange: "", routing_key: "" },
    send: () => new Promise(() => {}),
    onMalformed: () => {},
    onIdle: () => {},
  });
  await assert.rejects(stuck.ask({ method: "ping", timeoutMs: 20 }), /sending "ping".*took more/);
  const { questions: lost } = questionsOver(1);
  const asked = lost.ask({ method: "ping", timeoutMs: LONG_MS });
  lost.fail(new Error("connection lost"));
  await assert.rejects(asked, /connection lost/);
  assert.equal(lost.isEmpty, true);
});

test("at most 16 questions are open; the next one is sent when one is over", async () => {
  const { questions, sent, answer } = questionsOver(1);
  const asked = Array.from({ length: 18 }, () =>
    questions.ask({ method: "ping", timeoutMs: LONG_MS }),
  );
  assert.equal(sent.length, 16);
  answer(0, "a");
  await asked[0];
  await new Promise(setImmediate);
  assert.equal(sent.length, 17);
  for (let index = 1; index < 18; index++) {
    answer(index, "a");
    await asked[index];
    await new Promise(setImmediate);
  }
  assert.equal(questions.isEmpty, true);
});

test("an answer that cannot be read is told of and settles nothing", async () => {
  const { questions, answer, malformed } = questionsOver(1);
  const asked = questions.ask({ method: "ping", timeoutMs: LONG_MS });
  await new Promise(setImmediate);
  questions.reply(null);
  assert.equal(malformed(), 1);
  answer(0, "a");
  assert.deepEqual(namesOf(await asked), ["a"]);
});
