import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DEFAULT_TRANSPORT } from "../../src/celery/urls/transport.js";
import type { Claim } from "../../src/connections/claim-port.js";
import { openClaim } from "../../src/connections/open.js";
import {
  isStarting,
  type LeaseCandidate,
  overlaps,
  startCandidate,
  untilStarting,
} from "../support/lease.js";
import { startProxy } from "../support/proxy.js";
import { startRabbitmq, type TestRabbitmq } from "../support/rabbitmq.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { waitUntil } from "../support/wait-until.js";

const LEASE_MS = 10_000;
/** What a take-over may take. */
const TAKE_OVER_MS = LEASE_MS + 2_000;
/** The longest back-off of a connection. */
const RECONNECT_MS = 5_000;
/** A process that starts on a busy machine, and a first claim. */
const START_MS = 30_000 + TAKE_OVER_MS;

let redis: TestRedis;
let rabbitmq: TestRabbitmq;
before(async () => {
  redis = await startRedis();
  rabbitmq = await startRabbitmq();
});
after(async () => {
  await redis.stop();
  await rabbitmq[Symbol.asyncDispose]();
});

const servers = {
  redis: {
    port: () => redis.port,
    url: (port: number) => `redis://127.0.0.1:${port}/5`,
    restart: () => redis.restart(),
    claims: () => redis.cli({ db: 5 }).keys("*lease*"),
    claim: "pre:celery-load:lease:steady:1/1",
  },
  rabbitmq: {
    port: () => rabbitmq.port,
    url: (port: number) => `amqp://guest:guest@127.0.0.1:${port}//`,
    async restart() {
      await rabbitmq.kill("SIGKILL");
      await rabbitmq.restart();
    },
    claims: async () =>
      (await rabbitmq.ctl("list_queues", "name", "--silent"))
        .split("\n")
        .filter((line) => /lease/.test(line)),
    claim: "celery-load.lease.steady:1/1",
  },
} as const;

// Both at the same time, as nearly all of it is waiting.
describe("a lease", { concurrency: true }, () => {
  for (const [kind, server] of Object.entries(servers)) {
    describe(kind, { concurrency: false }, () => takesTurns(kind, server));
  }
});

test("redis: a claim taken by a request whose answer was lost is another one than the one before", async () => {
  const claim = await openedClaim(`redis://127.0.0.1:${redis.port}/6`);
  const cli = redis.cli({ db: 6 });
  try {
    assert.equal((await claim.ask()).answer, "taken");
    assert.equal((await claim.ask()).answer, "kept");
    // As the server has it when it expired and a request of ours took it, whose answer never came.
    const [key = ""] = await cli.keys("*lease*");
    const [self, times] = (await cli.get(key))!.split(/ (?=\d+$)/);
    await cli.set(key, `${self} ${Number(times) + 1}`);
    assert.equal((await claim.ask()).answer, "taken");
    assert.equal((await claim.ask()).answer, "kept");
    await cli.set(key, "elsewhere/1 another");
    assert.deepEqual(await claim.ask(), { answer: "others", holder: "elsewhere/1" });
  } finally {
    await claim.close();
  }
  assert.equal(await cli.get("celery-load:lease:steady:1/1"), "elsewhere/1 another");
});

async function openedClaim(url: string): Promise<Claim> {
  let isUp = false;
  const claim = openClaim({
    ...{ url, clientName: "celery-load:test", transport: DEFAULT_TRANSPORT },
    ...{ subject: "steady:1/1", keptMs: LEASE_MS },
    report: {
      up: () => {
        isUp = true;
      },
      down: () => {},
    },
  });
  await waitUntil(() => isUp, 10_000, "the claim's connection");
  return claim;
}

function takesTurns(kind: string, server: (typeof servers)[keyof typeof servers]): void {
  test(`${kind}: of two daemons one starts, and the other when the first is gone`, async () => {
    const url = server.url(server.port());
    await using first = await startCandidate(url, LEASE_MS);
    await untilStarting([first], START_MS);
    await using second = await standby(url);
    await sleep(LEASE_MS / 2);
    assert.deepEqual(await server.claims(), [server.claim]);
    assert.ok(isStarting(first), first.log());
    assert.deepEqual(second.holds(), []);

    first.signal("SIGKILL");
    const tookMs = await untilStarting([second], TAKE_OVER_MS);
    console.log(`${kind}: take-over ${Math.round(tookMs)} ms after SIGKILL`);
    assert.deepEqual(overlaps([first, second]), []);

    await second.stop();
    assert.deepEqual(await server.claims(), [], "who stops gives it up");
  });

  test(`${kind}: a holder that was frozen starts nothing more when it wakes up`, async () => {
    const url = server.url(server.port());
    await using first = await startCandidate(url, LEASE_MS);
    await untilStarting([first], START_MS);
    await using second = await standby(url);
    first.signal("SIGSTOP");
    const tookMs = await untilStarting([second], TAKE_OVER_MS);
    console.log(`${kind}: take-over ${Math.round(tookMs)} ms after SIGSTOP`);
    await sleep(1_000);
    first.signal("SIGCONT");
    await sleep(LEASE_MS);
    assert.ok(isStarting(second), second.log());
    assert.deepEqual(overlaps([first, second]), []);
    assert.match(first.log(), /the lease is lost/);
  });

  test(`${kind}: frozen for less than the lease time the holder goes on, or another one takes over, never both`, async () => {
    const url = server.url(server.port());
    await using first = await startCandidate(url, LEASE_MS);
    await untilStarting([first], START_MS);
    await using second = await standby(url);
    const both = [first, second];
    for (const frozenMs of [2_000, 5_000, 6_500, 8_500]) {
      const holder = await holderOf(both);
      holder.signal("SIGSTOP");
      await sleep(frozenMs);
      holder.signal("SIGCONT");
      await untilStarting(both, TAKE_OVER_MS);
      await sleep(1_000);
      assert.deepEqual(overlaps(both), [], `frozen for ${frozenMs} ms`);
    }
  });

  test(`${kind}: a holder that is cut off stops before another one starts`, async () => {
    await using proxy = await startProxy(server.port());
    await using first = await startCandidate(server.url(proxy.port), LEASE_MS);
    await untilStarting([first], START_MS);
    await using second = await standby(server.url(server.port()));
    for (const mode of ["stall", "dropReplies"] as const) {
      await proxy.mode(mode);
      const tookMs = await untilStarting([second], TAKE_OVER_MS);
      console.log(`${kind}: take-over ${Math.round(tookMs)} ms after the cut (${mode})`);
      await proxy.mode("pass");
      await sleep(LEASE_MS / 2);
      assert.deepEqual(overlaps([first, second]), [], mode);
      if (mode === "dropReplies") continue;
      // And back.
      second.signal("SIGSTOP");
      await untilStarting([first], TAKE_OVER_MS + RECONNECT_MS);
      second.signal("SIGCONT");
      await sleep(LEASE_MS / 2);
    }
  });

  test(`${kind}: a server that restarts without its data never has two holders`, async () => {
    await using proxy = await startProxy(server.port());
    // The first is behind the proxy: cut off when the server restarts, it does not hear of that.
    await using first = await startCandidate(server.url(proxy.port), LEASE_MS);
    await untilStarting([first], START_MS);
    await using second = await standby(server.url(server.port()));
    const both = [first, second];
    await proxy.mode("stall");
    await server.restart();
    const tookMs = await untilStarting([second], TAKE_OVER_MS + RECONNECT_MS);
    console.log(`${kind}: take-over ${Math.round(tookMs)} ms after the server was back`);
    await proxy.mode("pass");
    await sleep(LEASE_MS);
    assert.deepEqual(overlaps(both), []);
    await server.restart();
    await untilStarting(both, TAKE_OVER_MS + RECONNECT_MS);
    await sleep(1_000);
    assert.deepEqual(overlaps(both), []);
  });
}

/** The one that starts; a busy machine may hold it up for a moment. */
async function holderOf(both: readonly LeaseCandidate[]): Promise<LeaseCandidate> {
  await untilStarting(both, TAKE_OVER_MS);
  return both.find(isStarting) ?? holderOf(both);
}

/** One that has heard that the lease is another one's. */
async function standby(url: string): Promise<LeaseCandidate> {
  const candidate = await startCandidate(url, LEASE_MS);
  await waitUntil(
    () => /another daemon's: standing by/.test(candidate.log()),
    START_MS,
    "a standby to ask for the lease",
  );
  return candidate;
}
