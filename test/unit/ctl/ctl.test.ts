import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { type CtlFlags, ctlOrder, ctlStatus, ctlWatch } from "../../../src/commands/ctl.js";
import type { OrderName } from "../../../src/ctl/orders.js";
import { EventReader } from "../../../src/ctl/watch.js";
import { ConfigError, UserError } from "../../../src/errors.js";
import type { ReceivedSignal } from "../../../src/signals.js";
import { celeryLoad } from "../../support/command.js";
import { type ControlServer, controlServer } from "../../support/control-server.js";
import { scratchFile } from "../../support/scratch.js";
import { waitUntil } from "../../support/wait-until.js";

function streams(columns: number | null = 80, env: Record<string, string> = {}) {
  const out = { stdout: "", stderr: "" };
  return {
    ...{ env, isTerminal: false, stdoutColumns: () => columns, stderrColumns: () => columns },
    stdout: (text: string) => {
      out.stdout += text;
    },
    stderr: (text: string) => {
      out.stderr += text;
    },
    out,
  };
}

async function order(
  { url }: ControlServer,
  name: OrderName,
  words: readonly string[],
  flags: Partial<CtlFlags> = {},
): Promise<string> {
  const own = streams();
  assert.equal(await ctlOrder(name, words, { url, config: [], ...flags }, own), 0);
  return own.out.stdout;
}

const held = { overMs: 0, ttlMs: null };
const ORDERS: readonly (readonly [OrderName, readonly string[], Partial<CtlFlags>, object])[] = [
  [
    "set",
    ["steady", "rate=50/s"],
    {},
    { kind: "override", to: { what: "rate", perSecond: 50 }, ...held },
  ],
  [
    "set",
    ["steady", "rate=50/s"],
    { over: "1m", ttl: "10m" },
    { kind: "override", to: { what: "rate", perSecond: 50 }, overMs: 60_000, ttlMs: 600_000 },
  ],
  [
    "set",
    ["steady", "scale=2"],
    {},
    { kind: "override", to: { what: "scale", factor: 2 }, ...held },
  ],
  [
    "set",
    ["steady", "users=80"],
    { over: "1m" },
    { kind: "override", to: { what: "users", count: 80 }, ...held, overMs: 60_000 },
  ],
  [
    "set",
    ["steady", 'profile={"ramp":{"stages":[{"to":"9/s","over":"1m"}]}}'],
    {},
    {
      kind: "override",
      to: {
        what: "profile",
        profile: {
          kind: "ramp",
          fromPerSecond: 0,
          stages: [{ toPerSecond: 9, durationMs: 60_000 }],
        },
      },
      ...held,
    },
  ],
  [
    "set",
    ["steady", "mix=a:3,b"],
    {},
    { kind: "override", to: { what: "mix", weights: { a: 3, b: 1 } }, ...held },
  ],
  ["pause", ["steady"], { ttl: "5m" }, { kind: "pause", ttlMs: 300_000, guard: null }],
  ["start", ["steady"], {}, { kind: "start" }],
  ["stop", ["steady"], {}, { kind: "stop" }],
  ["skip-stage", ["steady"], {}, { kind: "skip-stage" }],
  ["restart", ["steady"], {}, { kind: "restart" }],
  ["burst", ["steady", "100"], { over: "10s" }, { kind: "burst", count: 100, overMs: 10_000 }],
  ["stop-all", [], { revoke: true }, { kind: "stop-all", revoke: true }],
];
for (const [name, words, flags, expected] of ORDERS) {
  test(`ctl ${name} ${words.join(" ")} ${JSON.stringify(flags)} is given`, async () => {
    await using server = await controlServer();
    const text = await order(server, name, words, { ...flags, reason: "a test" });
    const given = server.steering.given.at(-1)!;
    const scenario = words.length === 0 ? {} : { scenario: "steady" };
    assert.deepEqual(JSON.parse(JSON.stringify(given.order)), { ...expected, ...scenario });
    assert.deepEqual(given.by, { actor: "ctl", reason: "a test" });
    assert.match(text, /revision 1/);
    for (const line of text.split("\n")) assert.ok(line.length <= 80, line);
    const tried = await order(server, name, words, { ...flags, dryRun: true });
    assert.match(tried, /Nothing was changed/);
    assert.equal(server.steering.changes.length, 1);
    const json = JSON.parse(await order(server, name, words, { ...flags, json: true }));
    assert.equal(json.revision, 2);
  });
}

test("resume, release and undo end what was ordered", async () => {
  await using server = await controlServer();
  await order(server, "pause", ["steady"]);
  await order(server, "resume", ["steady"]);
  await order(server, "stop-all", []);
  await order(server, "release", []);
  await order(server, "set", ["steady", "rate=5/s"]);
  const [override] = server.steering.state.scenarios.steady!.overrides;
  await order(server, "undo", [override!.id], { reason: "enough & more" });
  assert.deepEqual(server.steering.state.scenarios.steady!.overrides, []);
  assert.equal(server.steering.changes.at(-1)!.reason, "enough & more");
});

test("a reload prints what has changed, or every fault with its place", async () => {
  await using server = await controlServer();
  assert.match(await order(server, "reload", []), /scenarios\.steady\.profile: 20\/s, now 50\/s/);
  await assert.rejects(order(server, "reload", []), (error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /^Refused:\nload\.yml:9:14: .*\nload\.yml:12:3: /);
    assert.equal(error.exitCode, 1);
    return true;
  });
});

test("status fits 80 columns, and says who holds what", async () => {
  await using server = await controlServer();
  await order(server, "pause", ["steady"], { ttl: "1m", reason: "lunch" });
  await order(server, "set", ["night", "mix=a:3,b:1"]);
  await order(server, "stop-all", [], { reason: "fire" });
  const own = streams();
  assert.equal(await ctlStatus({ url: server.url, config: [] }, own), 0);
  const text = own.out.stdout;
  for (const line of text.split("\n")) assert.ok(line.length <= 80, line);
  assert.match(
    text,
    /^scenario +state +stage +wanted +achieved\nsteady +paused +20\/s for 10m, 431s left +20\/s +20\/s\n/,
  );
  assert.match(text, /kill switch is latched by ctl, "fire"/);
  assert.match(text, /steady: paused by ctl, "lunch", until 2027-01-15T08:01:00\.000Z \(o1\)/);
  assert.match(text, /night: mix a:3,b:1 by ctl \(o2\)/);
  const json = streams();
  await ctlStatus({ url: server.url, config: [], json: true }, json);
  assert.equal(JSON.parse(json.out.stdout).scenarios.length, 2);
});

const BAD_WORDS: readonly (readonly [OrderName, readonly string[], Partial<CtlFlags>, RegExp])[] = [
  ["set", ["steady", "50/s"], {}, /^set: must be rate=50\/s, scale=2/],
  ["set", ["steady", "rat=50/s"], {}, /^set: must be/],
  ["set", ["steady", "scale=two"], {}, /^set: must be/],
  ["set", ["steady", "users=5/s"], {}, /^set: must be/],
  ["set", ["steady", "profile={"], {}, /^profile: must be JSON/],
  ["set", ["steady", "mix=a:b"], {}, /^mix: must be weights/],
  ["set", ["steady", "rate=5/s"], { ttl: "10" }, /^--ttl: must be a number with the unit/],
  ["burst", ["steady", "many"], {}, /^COUNT: must be a whole number/],
  ["release", [], { url: "localhost:9810" }, /^--url: must be a URL/],
  ["release", [], { url: "http://me:secret@h/" }, /^--url: must be a URL without user/],
  ["release", [], { tokenFile: "/nowhere/token" }, /^--token-file: Cannot read/],
  ["release", [], { config: ["/nowhere/load.yml"] }, /nowhere/],
];
for (const [name, words, flags, message] of BAD_WORDS) {
  test(`ctl ${name} ${words.join(" ")} ${JSON.stringify(flags)} is refused with 104`, async () => {
    const given = ctlOrder(name, words, { config: [], ...flags }, streams());
    await assert.rejects(given, (error) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.equal(error.exitCode, 104);
      assert.match(error.message, message);
      return true;
    });
  });
}

test("what the daemon refuses is told with every fault, and ends with 1", async () => {
  await using server = await controlServer();
  const refused = [
    [["steady", "rate=5"], { over: "1m" }, /^Refused:\nrate: must be .* Write 5\/s\.$/],
    [["x", "rate=5/s"], {}, /^Refused:\nscenario: .*Known here: steady, night/],
    [["steady", "rate=501/s"], {}, /limits\.maxRate/],
  ] as const;
  for (const [words, flags, message] of refused) {
    await assert.rejects(order(server, "set", words, flags), {
      name: "UserError",
      exitCode: 1,
      message,
    });
  }
});

const TOKEN = "0123456789abcdef-canary";

test("address and token come from flags, the environment or the configuration", async () => {
  await using server = await controlServer({ token: TOKEN });
  const tokenFile = await scratchFile("token");
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  const config = await scratchFile("load.yml");
  const text = `connections: {main: {broker: redis://h}}
tasks: {add: {name: app.add}}
scenarios: {steady: {profile: 20/s}}
control: {listen: "127.0.0.1:${server.port}", tokenFile: ${tokenFile}}
`;
  writeFileSync(config, text, { mode: 0o600 });
  const variables = {
    CELERY_LOAD_CONTROL_URL: server.url,
    CELERY_LOAD_CONTROL_TOKEN_FILE: tokenFile,
  };
  const ways: readonly (readonly [CtlFlags, Record<string, string>])[] = [
    [{ url: server.url, tokenFile, config: [] }, {}],
    [{ url: `${server.url}/`, config: [] }, variables],
    [{ config: [] }, variables],
    [{ config: [config] }, {}],
    [{ config: [config], url: server.url }, { CELERY_LOAD_CONTROL_URL: "http://127.0.0.1:1" }],
  ];
  for (const [flags, env] of ways) {
    assert.equal(await ctlStatus(flags, streams(80, env)), 0, JSON.stringify([flags, env]));
  }
  await assert.rejects(ctlStatus({ url: server.url, config: [] }, streams()), {
    exitCode: 1,
    message: "Refused: the daemon wants a token, and this is not it.",
  });
});

test("where nothing listens, and where something else does, that is told", async () => {
  const other = createServer((_request, response) => response.end("<html>")).listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  await assert.rejects(ctlStatus({ url, config: [] }, streams()), {
    message: /not as celery-load does/,
  });
  await new Promise((resolve) => other.close(resolve));
  await assert.rejects(ctlStatus({ url, config: [] }, streams()), (error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /^No daemon answers at http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
    assert.match(error.hint!, /control\.listen/);
    return true;
  });
});

test("watch prints each event, comes back when the connection is lost, and misses none", async () => {
  await using server = await controlServer();
  const own = streams();
  let signal = (_: ReceivedSignal) => {};
  const watching = ctlWatch({ url: server.url, config: [] }, own, (receive) => (signal = receive));
  const until = (text: string) =>
    waitUntil(() => own.out.stdout.includes(text), 10_000, `${text} to be printed`);
  // What comes before the stream is open is not missed by it.
  await waitUntil(
    () => {
      server.events.publish("state", { text: "ping", scenario: "steady" });
      return own.out.stdout.includes("ping");
    },
    10_000,
    "the stream to be open",
  );
  await order(server, "pause", ["steady"], { reason: "lunch" });
  await until("change    steady: pause steady (ctl: lunch)");
  server.dropConnections();
  server.events.publish("guard", { text: "missed meanwhile" });
  await until("missed meanwhile");
  assert.match(own.out.stderr, /^The connection is lost \(.*\): trying again\.\n$/);
  assert.doesNotMatch(own.out.stdout, /reset/);
  signal({ name: "SIGINT", meaning: "end" } as ReceivedSignal);
  assert.equal(await watching, 0);
});

test("events are read however they are cut", () => {
  const text =
    'retry: 2000\nid: a-1\n\n: still here\n\nid: a-2\nevent: change\ndata: {"text":"é: x"}\n\nid: a-3\nevent: st';
  for (let size = 1; size < 20; size++) {
    const reader = new EventReader(null);
    const pieces = text.match(new RegExp(`[^]{1,${size}}`, "g"))!;
    const events = pieces.flatMap((piece) => reader.read(piece));
    assert.deepEqual(events, [{ id: "a-2", type: "change", data: { text: "é: x" } }]);
    assert.equal(reader.lastId, "a-2");
  }
});

test("the built command gives orders, and ends with the right code", async () => {
  await using server = await controlServer();
  const env = { CELERY_LOAD_CONTROL_URL: server.url };
  const ctl = (...args: string[]) => celeryLoad(["ctl", ...args], { env });
  const set = await ctl(
    "set",
    "steady",
    "rate=50/s",
    "--over",
    "1m",
    "--reason",
    "a test",
    "--json",
  );
  assert.equal(set.code, 0, set.stderr);
  assert.equal(JSON.parse(set.stdout).scenario, "steady");
  const refused = await ctl("resume", "steady");
  assert.equal(refused.code, 1);
  assert.equal(refused.stderr, "Refused:\nit is not paused\n");
  assert.equal((await ctl("burst", "steady", "many")).code, 104);
  assert.equal((await ctl("set", "steady")).code, 104);
  assert.equal((await ctl("status")).code, 0);
});
