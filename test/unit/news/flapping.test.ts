import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { EngineMessage } from "../../../src/engine/messages.js";
import { Flapping } from "../../../src/news/flapping.js";

/** What is told of a connection, each with the second in which it was. */
function listen(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const told: string[] = [];
  let nowMs = 0;
  const note = (what: string) => told.push(`${(nowMs / 1000).toFixed(1)} ${what}`);
  const flapping = new Flapping<null>(
    (message) => note(message.type === "down" ? `down (${message.cause})` : message.type),
    (_news, losses) => note(`${losses} more`),
  );
  const common = { connection: 0, role: "broker" } as const;
  return {
    told,
    say: (message: EngineMessage) => flapping.write(message, null),
    down: (cause = "lost") =>
      flapping.write({ ...common, type: "down", cause, isConfiguration: false }, null),
    up: () => flapping.write({ ...common, type: "up", downMs: 50 }, null),
    wait(ms: number) {
      // In steps, so that each line has its time.
      for (const endMs = nowMs + ms; nowMs < endMs; ) {
        nowMs += 100;
        t.mock.timers.tick(100);
      }
    },
  };
}

test("a connection that is lost now and then is told of each time, at once", (t) => {
  const { told, down, up, wait } = listen(t);
  for (let time = 0; time < 2; time++) {
    down();
    wait(100);
    up();
    wait(1_900);
  }
  assert.deepEqual(told, ["0.0 down (lost)", "0.1 up", "2.0 down (lost)", "2.1 up"]);
});

test("seven losses within a second are one warning, and a line about the others", (t) => {
  const { told, down, up, wait } = listen(t);
  for (let time = 0; time < 7; time++) {
    down();
    up();
    wait(100);
  }
  wait(5_000);
  assert.deepEqual(told, ["0.0 down (lost)", "0.0 up", "1.0 6 more"]);
});

test("however often it comes and goes, there is a warning a second at most, and the last word is true", (t) => {
  for (const endsUp of [true, false]) {
    const { told, down, up, wait } = listen(t);
    for (let time = 0; time < 25; time++) {
      down(`loss ${time}`);
      wait(100);
      up();
      wait(100);
    }
    if (!endsUp) down("the last");
    wait(5_000);
    const warnings = told.filter((line) => line.includes("down"));
    assert.ok(warnings.length <= 6, told.join("\n"));
    const states = told.filter((line) => !line.includes("more"));
    assert.match(states.at(-1)!, endsUp ? /up$/ : /down \(the last\)$/);
    t.mock.timers.reset();
  }
});

test("attempts that fail are no losses, and what comes after a second is told as it stands", (t) => {
  const { told, down, up, wait } = listen(t);
  down("lost");
  wait(100);
  down("refused");
  wait(100);
  down("still refused");
  wait(1_000);
  up();
  wait(2_000);
  assert.deepEqual(told, ["0.0 down (lost)", "1.0 down (still refused)", "1.2 up"]);
});

test("other news pass", (t) => {
  const { told, say } = listen(t);
  say({ type: "ready" });
  assert.deepEqual(told, ["0.0 ready"]);
});
