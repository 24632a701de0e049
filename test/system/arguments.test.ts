import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { Serializer } from "../../src/celery/messages/task-options.js";
import { startDaemon } from "../support/daemon.js";
import { PAYLOADS, type Payload } from "../support/payloads.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { ensureSerializers } from "../support/serializers.js";
import { startWorker } from "../support/worker.js";

let redis: TestRedis;
let folder: string;
before(async () => {
  redis = await startRedis();
  folder = await mkdtemp(join(tmpdir(), "celery-load-arguments-"));
});
after(async () => {
  await redis.stop();
  await rm(folder, { recursive: true });
});

let runs = 0;

/** Runs a configuration to its end, from a folder with the files that it names; returns what it reported. */
async function runToEnd(text: string, ...args: string[]): Promise<Report> {
  const file = join(folder, `${runs++}.yml`);
  await writeFile(file, text);
  await using daemon = await startDaemon({ args: [file, "--json", ...args] });
  assert.deepEqual(await daemon.exit, { code: 0, signal: null }, daemon.stderr());
  return JSON.parse(daemon.stdout()) as Report;
}

interface Report {
  readonly total: { readonly planned: number; readonly published: number };
  readonly data: Readonly<Record<string, object>>;
}

/** What tests.numbers saw of its arguments, of all tasks that have ended. */
async function seen(db: number): Promise<string[]> {
  const cli = redis.cli({ db });
  const keys = await cli.keys("celery-task-meta-*");
  const metas = keys.length === 0 ? [] : await cli.mget(keys);
  return metas.flatMap((meta) => {
    const { result } = JSON.parse(meta!) as { result: { read?: string } };
    return result.read ?? [];
  });
}

const connection = (db: number) =>
  `connections: { main: { broker: "${redis.url(db)}", forget: false, events: off } }`;

suite("arguments", { concurrency: 2 }, () => {
  for (const [db, python] of [
    [1, "current"],
    [2, "debian"],
  ] as const) {
    test(`a worker gets the value and the type that were written, Celery ${python}`, async () => {
      await writeFile(join(folder, "lines.txt"), "1234567890123456789\n");
      await using worker = await startWorker({
        broker: redis.url(db),
        python,
        env: {
          PYTHONPATH: await ensureSerializers(python),
          CELERY_CONF: JSON.stringify({ accept_content: ["json", "msgpack", "yaml"] }),
        },
      });
      const reprOf = (payload: Payload, serializer: Serializer): string | null => {
        if (serializer === "msgpack") return payload.msgpack === null ? null : payload.repr;
        if (serializer === "yaml") return payload.ofYaml === null ? null : payload.repr;
        return python === "debian" ? (payload.before53 ?? payload.repr) : payload.repr;
      };
      const cases = (["json", "msgpack", "yaml"] as const).flatMap((serializer) =>
        PAYLOADS.flatMap((payload) => {
          const repr = reprOf(payload, serializer);
          return repr === null ? [] : [{ ...payload, serializer, repr }];
        }),
      );
      const tasks = cases.map(
        ({ yaml, serializer }, number) =>
          `  t${number}: { name: tests.numbers, serializer: ${serializer}, args: [${number}, ${yaml}], kwargs: { text: "[]" } }\n`,
      );
      await runToEnd(
        `${connection(db)}
tasks:
${tasks.join("")}scenarios:
  all: { profile: 100/s, mix: [${cases.map((_, number) => `t${number}`).join(", ")}], gracefulStop: 20s }
`,
        "--count",
        String(cases.length),
      );
      const expected = cases.map(({ repr }, number) => `[${number}, ${repr}]`);
      assert.deepEqual((await seen(db)).sort(), expected.sort(), worker.log().slice(-2000));
    });
  }

  test("two threads of two segments take each row once", async () => {
    const db = 3;
    const rows = Array.from({ length: 401 }, (_, row) => `${row},name ${row}`);
    await writeFile(join(folder, "rows.csv"), `id,name\n${rows.join("\n")}\n`);
    await using worker = await startWorker({ broker: redis.url(db) });
    const text = `${connection(db)}
data: { rows: { file: rows.csv, take: once } }
tasks:
  row: { name: tests.numbers, data: rows, args: ["{{ row.id }}", "{{ row | json }}"], kwargs: { text: "[]" } }
  other: { name: tests.add, args: [1, 2] }
scenarios:
  each: { profile: 300/s, mix: { row: 2, other: 1 }, gracefulStop: 20s }
threads: 2
`;
    const reports = [
      await runToEnd(text, "--segment", "1/2"),
      await runToEnd(text, "--segment", "2/2"),
    ];
    const expected = rows.map((row) => {
      const [id, name] = row.split(",");
      return `[${id}, {'id': ${id}, 'name': '${name}'}]`;
    });
    const used = reports.map(({ data }) => (data.rows as { used: number }).used);
    const skipped = reports.map(({ data }) => (data.rows as { skipped: number }).skipped);
    assert.equal(used[0]! + used[1]! + skipped[0]! + skipped[1]!, rows.length);
    assert.ok(Math.abs(used[0]! + skipped[0]! - (used[1]! + skipped[1]!)) <= 2, String(used));
    const found = await seen(db);
    assert.equal(found.length, used[0]! + used[1]!, worker.log().slice(-2000));
    assert.equal(new Set(found).size, found.length);
    // A busy machine may be too late for some.
    assert.ok(found.length > 300 && found.every((each) => expected.includes(each)));
  });
});
