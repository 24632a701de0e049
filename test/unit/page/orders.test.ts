import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScenarioAnswer } from "../../../src/http/scenarios.js";
import {
  doubtOf,
  formForAll,
  type OrderForm,
  previewOf,
  requestOf,
  revisionTried,
  scenarioForm,
  undoForm,
} from "../../../src/page/model/orders.js";

const SHOP: ScenarioAnswer = {
  ...{
    name: "my shop",
    state: "running",
    stage: null,
    targetRate: 20,
    users: null,
    achievedRate: 19.8,
  },
  ...{
    isStopped: false,
    pauses: [],
    throttles: [],
    overrides: [],
    mix: { resize: 3, "add.all": 1 },
  },
};

function firstTyped({ fields }: OrderForm): Record<string, string> {
  return Object.fromEntries(fields.map(({ key, first }) => [key, first]));
}

const REQUESTS: readonly [OrderForm, Record<string, string>, string, unknown][] = [
  [
    scenarioForm("rate", SHOP),
    { rate: "50/s", over: "30s" },
    "PATCH api/v1/scenarios/my%20shop",
    { rate: "50/s", over: "30s", ttl: "1h", reason: "why" },
  ],
  [
    scenarioForm("scale", SHOP),
    { scale: "2", ttl: "" },
    "PATCH api/v1/scenarios/my%20shop",
    { scale: 2, over: "0s", reason: "why" },
  ],
  [
    scenarioForm("mix", SHOP),
    { "mix.resize": "1" },
    "PATCH api/v1/scenarios/my%20shop",
    { mix: { resize: 1, "add.all": 1 }, ttl: "1h", reason: "why" },
  ],
  [
    scenarioForm("pause", SHOP),
    {},
    "POST api/v1/scenarios/my%20shop/pause",
    { ttl: "1h", reason: "why" },
  ],
  [
    scenarioForm("burst", SHOP),
    { count: "7" },
    "POST api/v1/scenarios/my%20shop/burst",
    { count: 7, over: "0s", reason: "why" },
  ],
  [
    scenarioForm("skip-stage", SHOP),
    {},
    "POST api/v1/scenarios/my%20shop/skip-stage",
    { reason: "why" },
  ],
  [formForAll("stop-all"), {}, "POST api/v1/stop-all", { reason: "why" }],
  [
    formForAll("stop-all"),
    { revoke: "true" },
    "POST api/v1/stop-all",
    { revoke: true, reason: "why" },
  ],
  [undoForm("a/b", "rate", "my shop"), {}, "DELETE api/v1/overrides/a%2Fb?reason=why", null],
];
for (const [form, typed, line, body] of REQUESTS) {
  test(`${form.title} is sent as ${line} ${JSON.stringify(body)}`, () => {
    const request = requestOf(form, { ...firstTyped(form), ...typed }, "why");
    assert.equal(`${request.method} ${request.path}`, line);
    assert.deepEqual(request.body, body);
  });
}

const workers = { capacityPerSecond: 40, expectedBacklog: 6_000, drainSeconds: 90 };
const impact = { startsDifference: 1_800, overSeconds: 600, workers };
const answer = { revision: 8, id: "o1", state: "running", impact };

test("a dry run is told in words, and more than the workers can do is asked once more", () => {
  const form = scenarioForm("rate", SHOP);
  assert.deepEqual(previewOf(answer), {
    lines: [
      "It will be running.",
      "1,800 starts more within 10 min.",
      "The workers can do about 40/s.",
      "A backlog of 6,000 tasks is expected; it is worked off within 1 min 30 s.",
    ],
    isTooMuch: true,
  });
  assert.match(doubtOf(form, answer)!, /more than the workers can do/);
  const never = { ...answer, impact: { ...impact, workers: { ...workers, drainSeconds: null } } };
  assert.match(previewOf(never).lines.join(" "), /never worked off/);
  const small = { ...workers, expectedBacklog: 0, drainSeconds: 0 };
  const fine = { ...answer, impact: { ...impact, startsDifference: -5, workers: small } };
  assert.equal(doubtOf(form, fine), null);
  assert.match(previewOf(fine).lines.join(" "), /5 starts fewer.*No backlog/);
});

test("what hurts is asked once more whatever it comes to, and a reload when it changes something", () => {
  const calm = { revision: 8, impact: null };
  for (const form of [
    scenarioForm("stop", SHOP),
    scenarioForm("restart", SHOP),
    formForAll("stop-all"),
  ]) {
    assert.notEqual(doubtOf(form, calm), null, form.title);
  }
  assert.equal(doubtOf(scenarioForm("pause", SHOP), calm), null);
  const reload = formForAll("reload");
  assert.equal(doubtOf(reload, { revision: 8, changes: [] }), null);
  const changes = [{ path: "scenarios.shop.profile", text: "20/s, now 50/s" }];
  assert.equal(doubtOf(reload, { revision: 8, changes }), "1 value of the configuration change");
  assert.deepEqual(previewOf({ revision: 8, changes }).lines, [
    "scenarios.shop.profile: 20/s, now 50/s",
  ]);
  assert.equal(revisionTried(reload, { revision: 8 }), 8);
  assert.equal(revisionTried(scenarioForm("pause", SHOP), { revision: 8 }), 7);
});
