import assert from "node:assert/strict";
import { test } from "node:test";
import { STEPPED_ASIDE } from "../../../src/connections/limit.js";
import type { Logger } from "../../../src/log.js";
import { ObserverLog } from "../../../src/news/observer-log.js";
import type { ObservePlan, ObserverNews } from "../../../src/observer/connection-observer.js";

const CAUSE = "connect ECONNREFUSED 127.0.0.1:6379";
const PARTS = ["events", "control", "queues"] as const;
const down = (cause: string): ObserverNews[] =>
  PARTS.map((part) => ({ type: "down", part, cause }));

/** What is said within some seconds of this news, as level and cause. */
function said(
  news: readonly ObserverNews[],
  { isBrokerUp = true, hasEnded = false, events = "auto" as ObservePlan["events"] },
  mock: { tick(ms: number): void },
): string[] {
  const lines: string[] = [];
  const say = (level: string) => (fields: { cause: string; parts?: readonly string[] }) =>
    lines.push([level, fields.cause, ...(fields.parts ?? [])].join(" "));
  const logger = { info: say("info"), warn: say("warn"), debug() {} } as unknown as Logger;
  const plan = { name: "main", broker: "redis://127.0.0.1:6379/0", events } as ObservePlan;
  const log = new ObserverLog(logger, plan, () => isBrokerUp);
  for (const each of news) log.write(each);
  if (hasEnded) log.runHasEnded();
  mock.tick(10_000);
  return lines;
}

test("one line for a cause, and none for what the engine has said or a run that is over", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { timers } = t.mock;
  assert.deepEqual(said(down(CAUSE), {}, timers), [`info ${CAUSE}`]);
  assert.deepEqual(said(down(CAUSE), { events: "on" }, timers), [`warn ${CAUSE}`]);
  assert.deepEqual(said(down(CAUSE), { isBrokerUp: false }, timers), []);
  assert.deepEqual(said(down(CAUSE), { hasEnded: true }, timers), []);
  const notAsked = { type: "notAsked", cause: CAUSE } as const;
  assert.deepEqual(said([...down(CAUSE), notAsked], {}, timers), [`info ${CAUSE}`]);
  assert.deepEqual(said([notAsked], { hasEnded: true }, timers), []);
  const up = PARTS.map((part): ObserverNews => ({ type: "up", part, cause: "" }));
  assert.deepEqual(said([...down(CAUSE), ...up], {}, timers), []);
});

test("one line says which parts have no place on a full server, until they had one", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { timers } = t.mock;
  const full = "ERR max number of clients reached";
  const memory = { type: "down", part: "memory", cause: full } as const;
  assert.deepEqual(said([...down(full), memory], {}, timers), [
    `warn ${full} events control queues memory`,
  ]);
  assert.deepEqual(said([...down(full), ...down(full)], {}, timers).length, 1);
  assert.deepEqual(said(down(STEPPED_ASIDE), {}, timers).length, 1);
  assert.deepEqual(said(down(full), { isBrokerUp: false }, timers), [], "the engine says it");
  assert.deepEqual(said(down(full), { hasEnded: true }, timers).length, 1, "a short run as well");
  const up = { type: "up", part: "events", cause: "" } as const;
  assert.deepEqual(said([...down(full), up], {}, timers), [`warn ${full} control queues`]);
  const lost = { type: "down", part: "memory", cause: CAUSE } as const;
  assert.deepEqual(said([lost], {}, timers), [], "the engine uses the same server");
});
