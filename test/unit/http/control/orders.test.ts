import assert from "node:assert/strict";
import { test } from "node:test";
import type { Order } from "../../../../src/control/order.js";
import {
  orderAnswer,
  problemAnswer,
  reloadAnswer,
  scenariosAnswer,
} from "../../../../src/http/control/answer-schemas.js";
import { ask, controlServer } from "../../../support/control-server.js";

const STEADY = "/api/v1/scenarios/steady";
const scenario = "steady";

const GOOD: readonly (readonly [string, string, unknown, Order])[] = [
  ["PATCH", STEADY, { rate: "50/s" }, rate(50, 0, null)],
  ["PATCH", STEADY, { rate: "30/m", over: "1m", ttl: "10m" }, rate(0.5, 60_000, 600_000)],
  ["PATCH", STEADY, { rate: "0/s", over: "0s", reason: "quiet" }, rate(0, 0, null)],
  ["PATCH", STEADY, { scale: 0.5 }, override({ what: "scale", factor: 0.5 })],
  [
    "PATCH",
    STEADY,
    { profile: { steps: ["5/s for 1m"] } },
    override({
      what: "profile",
      profile: { kind: "steps", stages: [{ ratePerSecond: 5, durationMs: 60_000 }], repeat: false },
    }),
  ],
  [
    "PATCH",
    STEADY,
    { profile: "7/s" },
    override({ what: "profile", profile: { kind: "constant", ratePerSecond: 7 } }),
  ],
  ["PATCH", STEADY, { mix: { a: 3, b: 1 } }, override({ what: "mix", weights: { a: 3, b: 1 } })],
  ["POST", `${STEADY}/pause`, undefined, { kind: "pause", scenario, ttlMs: null, guard: null }],
  [
    "POST",
    `${STEADY}/pause`,
    { ttl: "5m" },
    { kind: "pause", scenario, ttlMs: 300_000, guard: null },
  ],
  ["POST", `${STEADY}/start`, {}, { kind: "start", scenario }],
  ["POST", `${STEADY}/stop`, undefined, { kind: "stop", scenario }],
  ["POST", `${STEADY}/skip-stage`, {}, { kind: "skip-stage", scenario }],
  ["POST", `${STEADY}/restart`, { reason: "again" }, { kind: "restart", scenario }],
  ["POST", `${STEADY}/burst`, { count: 100 }, { kind: "burst", scenario, count: 100, overMs: 0 }],
  [
    "POST",
    `${STEADY}/burst`,
    { count: 100, over: "10s" },
    { kind: "burst", scenario, count: 100, overMs: 10_000 },
  ],
  ["POST", "/api/v1/stop-all", undefined, { kind: "stop-all", revoke: false }],
  ["POST", "/api/v1/stop-all", { revoke: true }, { kind: "stop-all", revoke: true }],
];

function rate(perSecond: number, overMs: number, ttlMs: number | null): Order {
  return { kind: "override", scenario, to: { what: "rate", perSecond }, overMs, ttlMs };
}

function override(to: Extract<Order, { kind: "override" }>["to"]): Order {
  return { kind: "override", scenario, to, overMs: 0, ttlMs: null };
}

for (const [method, path, body, order] of GOOD) {
  test(`${method} ${path} ${JSON.stringify(body)} becomes an order`, async () => {
    await using server = await controlServer();
    for (const dryRun of [true, false]) {
      const answer = await ask(server, method, `${path}?dryRun=${dryRun}`, body);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json.dryRun, dryRun ? true : undefined);
      assert.equal("isDryRun" in answer.json, false);
      const revision = dryRun ? 0 : 1;
      assert.equal(answer.json.revision, revision);
      assert.equal(answer.headers.etag, `"${revision}"`);
      assert.equal(server.steering.state.revision, revision);
      orderAnswer.parse(answer.json);
      const given = server.steering.given.at(-1)!;
      assert.deepEqual(JSON.parse(JSON.stringify(given.order)), order);
      const { reason = "" } = (body ?? {}) as { reason?: string };
      assert.deepEqual(given.by, { actor: "api", reason });
      assert.deepEqual(given.options, { isDryRun: dryRun, ifRevision: null });
    }
  });
}

test("resume, release and undo end what was ordered, and are refused where nothing was", async () => {
  await using server = await controlServer();
  const pairs = [
    [`${STEADY}/pause`, "POST", `${STEADY}/resume`, 409],
    ["/api/v1/stop-all", "POST", "/api/v1/release", 409],
    [`${STEADY}/pause`, "DELETE", "/api/v1/overrides/ID", 404],
  ] as const;
  for (const [before, method, path, status] of pairs) {
    assert.equal((await ask(server, method, path)).status, status);
    const { id } = (await ask(server, "POST", before)).json;
    const answer = await ask(server, method, path.replace("ID", id));
    assert.equal(answer.status, 200, answer.text);
  }
  const { id } = (await ask(server, "POST", `${STEADY}/pause`)).json;
  await ask(server, "DELETE", `/api/v1/overrides/${id}?reason=enough%20of%20it`);
  assert.equal(server.steering.changes.at(-1)!.reason, "enough of it");
});

test("who orders is said by a header, and nobody is a guard by it", async () => {
  await using server = await controlServer();
  for (const [said, actor] of [
    ["ctl", "ctl"],
    ["page", "page"],
    ["guard", "api"],
    ["x", "api"],
  ] as const) {
    await ask(server, "POST", `${STEADY}/stop`, undefined, { "x-celery-load-actor": said });
    assert.equal(server.steering.given.at(-1)!.by.actor, actor);
  }
});

for (const path of ["/api/v1/reload", "/-/reload"]) {
  test(`${path} answers with what has changed, or with what is wrong where`, async () => {
    await using server = await controlServer();
    const dry = await ask(server, "POST", `${path}?dryRun=true`);
    assert.deepEqual([dry.status, dry.json.dryRun], [200, true]);
    const good = await ask(server, "POST", path, { reason: "more" });
    assert.equal(good.status, 200);
    reloadAnswer.parse(good.json);
    assert.equal(good.json.changes[0].path, "scenarios.steady.profile");
    const bad = await ask(server, "POST", path);
    assert.equal(bad.status, 422);
    assert.deepEqual(
      bad.json.errors.map((each: { path: string }) => each.path),
      ["load.yml:9:14", "load.yml:12:3"],
    );
  });
}

/** Method, path, body, headers → status, and the paths of all faults. */
const REFUSED: readonly (readonly [
  string,
  string,
  unknown,
  Record<string, string>,
  number,
  readonly string[],
])[] = [
  ["PATCH", STEADY, {}, {}, 400, [""]],
  ["PATCH", STEADY, undefined, {}, 400, [""]],
  ["PATCH", STEADY, { rate: "5/s", scale: 2 }, {}, 400, [""]],
  ["PATCH", STEADY, { rate: 5 }, {}, 400, ["rate"]],
  ["PATCH", STEADY, { rate: "5/s", ovre: "1m" }, {}, 400, ["ovre"]],
  [
    "PATCH",
    STEADY,
    { rate: "-1/s", over: 5, ttl: "0s", reason: 7 },
    {},
    400,
    ["rate", "over", "ttl", "reason"],
  ],
  ["PATCH", `${STEADY}?dryrun=true`, { rate: "x" }, {}, 400, ["?dryrun", "rate"]],
  ["PATCH", `${STEADY}?dryRun=yes`, { rate: "5/s" }, {}, 400, ["?dryRun"]],
  ["PATCH", `${STEADY}?dryRun=true&dryRun=false`, { rate: "5/s" }, {}, 400, ["?dryRun"]],
  ["PATCH", STEADY, { scale: -1 }, {}, 400, ["scale"]],
  ["PATCH", STEADY, { scale: "2" }, {}, 400, ["scale"]],
  ["PATCH", STEADY, { profile: "max" }, {}, 400, ["profile"]],
  ["PATCH", STEADY, { profile: { steps: ["5/s for 1m", "5 for"] } }, {}, 400, ["profile.steps[1]"]],
  ["PATCH", STEADY, { profile: { steps: [], ramp: {} } }, {}, 400, ["profile"]],
  ["PATCH", STEADY, { mix: { a: 0, b: -1 } }, {}, 400, ["mix.a", "mix.b"]],
  ["PATCH", STEADY, { mix: { a: 1 }, over: "1m" }, {}, 400, ["over"]],
  ["PATCH", STEADY, { rate: "501/s" }, {}, 400, ["rate"]],
  ["PATCH", STEADY, { rate: "5/s", reason: "a\nb" }, {}, 400, ["reason"]],
  ["PATCH", STEADY, { rate: "5/s", reason: "x".repeat(501) }, {}, 400, ["reason"]],
  ["PATCH", STEADY, "{", {}, 400, []],
  ["PATCH", STEADY, "[]", {}, 400, [""]],
  ["PATCH", STEADY, "null", {}, 400, [""]],
  ["PATCH", STEADY, { rate: "5/s" }, { "if-match": "17" }, 400, ["If-Match"]],
  ["PATCH", STEADY, { rate: "5/s" }, { "idempotency-key": "" }, 400, ["Idempotency-Key"]],
  ["POST", `${STEADY}/stop`, { ttl: "5m" }, {}, 400, ["ttl"]],
  ["POST", `${STEADY}/burst`, { over: "1s" }, {}, 400, ["count"]],
  ["POST", `${STEADY}/burst`, { count: 0 }, {}, 400, ["count"]],
  ["POST", `${STEADY}/burst`, { count: 1.5 }, {}, 400, ["count"]],
  ["POST", "/api/v1/stop-all", { revoke: "yes" }, {}, 400, ["revoke"]],
  ["POST", "/api/v1/scenarios/%zz/stop", undefined, {}, 400, []],
  ["PATCH", "/api/v1/scenarios/unsteady", { rate: "5/s" }, {}, 404, ["scenario"]],
  ["POST", "/api/v1/scenarios/toString/stop", undefined, {}, 404, ["scenario"]],
  ["DELETE", "/api/v1/overrides/o99", undefined, {}, 404, ["id"]],
  ["POST", "/api/v1/nothing", undefined, {}, 404, []],
  ["POST", `${STEADY}/resume`, undefined, {}, 409, [""]],
  ["POST", "/api/v1/release", undefined, {}, 409, [""]],
  ["POST", `${STEADY}/pause`, undefined, { "if-match": '"3"' }, 412, ["If-Match"]],
  ["POST", `${STEADY}/pause`, undefined, { "if-match": 'W/"0"' }, 412, ["If-Match"]],
  ["POST", `${STEADY}/pause`, undefined, { "if-match": '"abc"' }, 412, ["If-Match"]],
  ["POST", `${STEADY}/pause`, { reason: "x".repeat(65 * 1024) }, {}, 413, []],
  [
    "POST",
    `${STEADY}/pause`,
    "reason=x",
    { "content-type": "application/x-www-form-urlencoded" },
    415,
    [],
  ],
  ["POST", `${STEADY}/pause`, "{}", { "content-type": "text/plain" }, 415, []],
  ["POST", `${STEADY}/pause`, "{}", { "content-encoding": "gzip" }, 415, []],
  [
    "POST",
    `${STEADY}/pause`,
    "{}",
    { "content-type": "application/json; charset=latin1" },
    415,
    [],
  ],
  ["DELETE", "/api/v1/overrides/o1", { reason: "x" }, {}, 415, []],
];
for (const [method, path, body, headers, status, paths] of REFUSED) {
  const shown = JSON.stringify(body)?.slice(0, 80);
  test(`${method} ${path} ${shown} ${JSON.stringify(headers)} is ${status}`, async () => {
    await using server = await controlServer();
    const answer = await ask(server, method, path, body, headers);
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.headers["content-type"], "application/problem+json");
    const problem = problemAnswer.parse(answer.json);
    assert.equal(problem.status, status);
    assert.deepEqual(
      problem.errors.map((each) => each.path),
      paths,
    );
    assert.deepEqual(server.steering.changes, [], "nothing is half done");
  });
}

test("a scenario that is not there is refused with those that are", async () => {
  await using server = await controlServer();
  const { json } = await ask(server, "POST", "/api/v1/scenarios/x/stop");
  assert.match(json.errors[0].message, /Known here: steady, night/);
});

test("a route refuses other methods and names its own", async () => {
  await using server = await controlServer();
  const allowed: readonly (readonly [string, string, string])[] = [
    ["GET", STEADY, "PATCH"],
    ["GET", `${STEADY}/pause`, "POST"],
    ["DELETE", `${STEADY}/pause`, "POST"],
    ["GET", "/-/reload", "POST"],
    ["GET", "/api/v1/stop-all", "POST"],
    ["HEAD", "/api/v1/stop-all", "POST"],
    ["POST", "/api/v1/overrides/o1", "DELETE"],
    ["POST", "/metrics", "GET, HEAD"],
    ["PATCH", "/api/v1/events", "GET, HEAD"],
    ["DELETE", "/api/v1/scenarios", "GET, HEAD"],
  ];
  for (const [method, path, allow] of allowed) {
    const answer = await ask(server, method, path);
    assert.equal(answer.status, 405, `${method} ${path}`);
    assert.equal(answer.headers.allow, allow, `${method} ${path}`);
  }
  assert.deepEqual(server.steering.given, []);
});

test("who asks from another site what may be sent gets no permission", async () => {
  await using server = await controlServer();
  const preflight = { origin: "http://evil.example", "access-control-request-method": "PATCH" };
  const answer = await ask(server, "OPTIONS", STEADY, undefined, preflight);
  const names = Object.keys(answer.headers).filter((name) => name.startsWith("access-control"));
  assert.deepEqual(names, []);
  assert.equal(answer.status, 403);
});

test("an order for a revision is done while it is the present one", async () => {
  await using server = await controlServer();
  const before = await ask(server, "GET", "/api/v1/scenarios");
  assert.equal(before.headers.etag, '"0"');
  const headers = { "if-match": String(before.headers.etag) };
  assert.equal((await ask(server, "POST", `${STEADY}/pause`, undefined, headers)).status, 200);
  const late = await ask(server, "POST", `${STEADY}/pause`, undefined, headers);
  assert.equal(late.status, 412);
  assert.equal(late.headers.etag, '"1"');
  for (const tags of ["*", '"0", "1"', '"1"']) {
    const answer = await ask(server, "POST", `${STEADY}/pause?dryRun=true`, undefined, {
      "if-match": tags,
    });
    assert.equal(answer.status, 200, tags);
  }
  assert.equal((await ask(server, "GET", "/api/v1/status")).headers.etag, '"1"');
});

test("a reading is never answered as unchanged: rates change without a revision", async () => {
  await using server = await controlServer();
  for (const path of ["/api/v1/scenarios", "/api/v1/status"]) {
    const answer = await ask(server, "GET", path, undefined, { "if-none-match": '"0"' });
    assert.equal(answer.status, 200);
  }
});

test("scenarios tell who holds them, and until when", async () => {
  await using server = await controlServer();
  await ask(server, "POST", `${STEADY}/pause`, { ttl: "1m", reason: "lunch" });
  await ask(server, "PATCH", STEADY, { rate: "5/s" });
  await ask(server, "POST", "/api/v1/stop-all");
  const { json } = await ask(server, "GET", "/api/v1/scenarios");
  const { killSwitch, scenarios } = scenariosAnswer.parse(json);
  assert.equal(killSwitch?.actor, "api");
  const [steady, night] = scenarios;
  assert.equal(steady?.targetRate, 20);
  assert.deepEqual(
    steady?.pauses.map(({ reason, until, guard }) => ({ reason, until, guard })),
    [{ reason: "lunch", until: "2027-01-15T08:01:00.000Z", guard: null }],
  );
  assert.deepEqual(steady?.overrides[0]?.to, { what: "rate", perSecond: 5 });
  assert.equal(steady?.overrides[0]?.until, null);
  assert.deepEqual(night?.pauses, []);
});

test("a key gives an order once", async () => {
  await using server = await controlServer();
  const headers = { "idempotency-key": '"3e5f"' };
  const give = (body: unknown, path = `${STEADY}/pause`) =>
    ask(server, "POST", path, body, headers);
  const first = await give({ ttl: "5m" });
  const again = await give({ ttl: "5m" });
  assert.equal(again.text, first.text);
  assert.equal(again.headers.etag, first.headers.etag);
  assert.equal(first.headers["idempotency-replayed"], undefined);
  assert.equal(again.headers["idempotency-replayed"], "true");
  assert.equal(server.steering.changes.length, 1);
  assert.equal((await give({ ttl: "6m" })).status, 422);
  assert.equal((await give({ ttl: "5m" }, "/api/v1/scenarios/night/pause")).status, 422);
  assert.equal(server.steering.changes.length, 1);
});

test("a body that is wrong does not use up its key, and a dry run none", async () => {
  await using server = await controlServer();
  const headers = { "idempotency-key": "k" };
  assert.equal((await ask(server, "PATCH", STEADY, { rate: "x" }, headers)).status, 400);
  assert.equal(
    (await ask(server, "PATCH", `${STEADY}?dryRun=true`, { rate: "9/s" }, headers)).status,
    200,
  );
  assert.equal((await ask(server, "PATCH", STEADY, { rate: "9/s" }, headers)).json.revision, 1);
});

test("while the first request with a key is being done, the second is told to come back", async () => {
  await using server = await controlServer();
  let go = () => {};
  server.steering.before = () => new Promise((resolve) => (go = resolve));
  const headers = { "idempotency-key": "k" };
  const first = ask(server, "POST", `${STEADY}/pause`, undefined, headers);
  while (server.steering.given.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const second = await ask(server, "POST", `${STEADY}/pause`, undefined, headers);
  assert.equal(second.status, 409);
  assert.equal(second.headers["retry-after"], "1");
  go();
  assert.equal((await first).status, 200);
  assert.equal(server.steering.changes.length, 1);
});

test("a defect is one line and no stack, and its key may be tried again", async () => {
  await using server = await controlServer();
  const headers = { "idempotency-key": "k" };
  server.steering.before = async () => {
    throw new Error("no state");
  };
  const answer = await ask(server, "POST", `${STEADY}/pause`, undefined, headers);
  assert.equal(answer.status, 500);
  assert.equal(answer.json.detail, "no state");
  assert.doesNotMatch(answer.text, /at .*\.js/);
  server.steering.before = async () => {};
  assert.equal((await ask(server, "POST", `${STEADY}/pause`, undefined, headers)).status, 200);
});
