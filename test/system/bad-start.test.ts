import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { startDaemon } from "../support/daemon.js";
import { startRedis } from "../support/redis.js";

/** Starts what must fail and gives its exit code and all that it printed. */
async function failure(args: readonly string[], port?: number) {
  await using daemon = await startDaemon({
    args,
    isExpectedToFail: true,
    ...(port === undefined ? {} : { port }),
  });
  const { code } = await daemon.exit;
  return { code, text: daemon.stdout() + daemon.stderr() };
}

const TASK = ["--task", "tests.add"];

test("a port in use is one clear message and exit 104", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as AddressInfo;
  const { code, text } = await failure([...TASK, "--log-level", "silent"], port);
  other.close();
  assert.equal(code, 104);
  assert.match(text, new RegExp(`Cannot listen on 127\\.0\\.0\\.1:${port}: the port is in use`));
  assert.doesNotMatch(text, /\n\s+at /);
});

test("a database that the server does not have is exit 104 and no task anywhere", async () => {
  await using redis = await startRedis();
  const { code, text } = await failure([...TASK, "--broker", redis.url(99)]);
  assert.equal(code, 104);
  assert.match(
    text,
    /Cannot use the (broker|backend) of connection "main" at redis:.*DB index is out of range/,
  );
  assert.deepEqual(await redis.cli().keys("celery*"), []);
});

const flags: [string, string[], RegExp][] = [
  ["an unknown flag", [...TASK, "--rat", "5/s"], /unknown option '--rat'/],
  ["a file that is not there", ["no-such.yml"], /no-such\.yml/],
  ["a rate without unit", [...TASK, "--rate", "50"], /--rate/],
  ["a time that is none", [...TASK, "--for", "soon"], /--for/],
  ["a count of 0", [...TASK, "--count", "0"], /--count: must be a whole number from 1 on/],
  ["arguments that are no JSON", [...TASK, "--args", "[1,"], /--args/],
  ["no task", ["--rate", "5/s"], /--task/],
];
for (const [name, args, message] of flags) {
  test(`${name} is one clear message and exit 104`, async () => {
    const { code, text } = await failure(args);
    assert.equal(code, 104, text);
    assert.match(text, message);
    assert.doesNotMatch(text, /\n\s+at /);
  });
}
