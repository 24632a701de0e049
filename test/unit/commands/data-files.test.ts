import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { runCheck } from "../../../src/commands/check.js";
import { prepare } from "../../../src/commands/prepare.js";
import { RowReader } from "../../../src/data/row-reader.js";

const folder = mkdtempSync(join(tmpdir(), "celery-load-data-"));
after(() => rmSync(folder, { recursive: true }));

const config = (data: string, task = "args: []", more = "") => `connections:
  main: { broker: redis://127.0.0.1:6379/0 }
tasks:
  welcome:
    name: app.tasks.welcome
    data: rows
    ${task}
scenarios:
  steady: { profile: 20/s }
data:
  rows: ${data}
${more}`;

function load(text: string) {
  const file = join(folder, "load.yml");
  writeFileSync(file, text, { mode: 0o600 });
  return prepare({ files: [file], env: {}, overrides: [] });
}

function write(name: string, content: string | Buffer) {
  writeFileSync(join(folder, name), content);
}

const FAULTS: readonly (readonly [name: string, content: string | Buffer, told: string])[] = [
  ["a.csv", "", "a.csv has no rows. Put one on each line."],
  ["a.csv", "id,name\n", "a.csv has no rows. Put one on each line."],
  ["a.csv", "id,name\n1,a\n2\n", "a.csv:3 has 1 cells, and the first line names 2 columns."],
  ["a.csv", 'id,name\n1,"a\nb"\n\n2,a"b"\n', "a.csv:5 has a quote inside of a cell."],
  ["a.csv", "id,id\n1,2\n", 'a.csv:1 names "id" twice. Rename one.'],
  ["a.csv", "id,\n1,2\n", "a.csv:1 has a column without a name. Name every column."],
  [
    "a.csv",
    "id;name\n1;2\n",
    "a.csv:1 names one column. Separate columns by commas, and not by semicolons.",
  ],
  [
    "a.csv",
    Buffer.from([105, 10, 0xff, 10]),
    "a.csv:2 is no text in UTF-8. Save the file as UTF-8.",
  ],
  [
    "a.csv",
    `id\n"${"x".repeat(1024 * 1024)}`,
    "a.csv:2 is longer than 1 MiB. A quote may not be closed.",
  ],
  ["a.jsonl", '{"a": 1}\n\n{"a": \n', "a.jsonl:3 is no JSON. Write one value on each line."],
  ["a.jsonl", '{"a": 1}\n[1]\n', "a.jsonl:2 is no mapping, and the first row is one."],
  ["a.jsonl", '1\n{"a": 1}\n', "a.jsonl:2 is a mapping, and the first row is none."],
  [
    "a.jsonl",
    '{"a": "\\ud800"}\n',
    "a.jsonl:1 a text with half a surrogate pair cannot be sent as UTF-8.",
  ],
  [
    "a.ndjson",
    `{"a": 1${"0".repeat(4300)}}\n`,
    "a.ndjson:1 a whole number of more than 4300 digits cannot be read by Python.",
  ],
];

test("what is wrong in a file of rows is told with its line", () => {
  for (const [name, content, told] of FAULTS) {
    write(name, content);
    assert.throws(
      () => load(config(`{ file: ${name} }`)),
      (error: Error) => {
        assert.match(error.message, /load\.yml:11:17: /, error.message);
        assert.ok(error.message.includes(told), error.message);
        return true;
      },
    );
  }
});

test("a file of rows lies beside the configuration, and is one", () => {
  mkdirSync(join(folder, "d"), { recursive: true });
  symlinkSync("/etc/hostname", join(folder, "link"));
  for (const [file, told] of [
    ["../x.csv", "must lie in the folder of the configuration file"],
    ["/etc/hostname", "must lie in the folder of the configuration file"],
    ["link", "is a symbolic link to "],
    ["d", "cannot be read: it is a directory"],
    ["none.csv", "cannot be read: there is no such file. It is looked for at "],
  ] as const) {
    assert.throws(
      () => load(config(`{ file: ${file} }`)),
      (error: Error) => {
        assert.ok(error.message.includes(told), error.message);
        return true;
      },
    );
  }
});

test("names of columns that are not there are told where they are written", () => {
  write("c.csv", "user_id,name,zip\n17,Ann,01234\n18,Bob,12345\n");
  const told = (task: string, data = "{ file: c.csv }", more = "") => {
    try {
      load(config(data, task, more));
    } catch (error) {
      return (error as Error).message.replaceAll(folder, "").split("\n")[0];
    }
    return "nothing";
  };
  assert.match(
    told('args: ["{{ row.userid }}"]')!,
    /load\.yml:7:12: .*has no column "userid"\. Did you mean "user_id"\?/,
  );
  assert.match(told('args: ["{{ row.q }}"]')!, /There are user_id, name, zip\./);
  assert.match(
    told('args: ["{{ row }}"]')!,
    /several columns\. Write \{\{ row\.user_id \}\}, or \{\{ row \| json \}\} for all/,
  );
  assert.match(
    told("args: []", "{ file: c.csv, types: { zib: text } }")!,
    /load\.yml:11:\d+: .*has no column "zib"\. Did you mean "zip"\?/,
  );
  write("l.txt", "a\n");
  assert.match(
    told('args: ["{{ row.a }}"]', "{ file: l.txt }")!,
    /has no columns, but one value in each row\. Write \{\{ row \}\}\./,
  );
  assert.match(told("data: row")!, /twice/);
});

test("check tells how many rows there are, and what the first one makes", () => {
  write("c.csv", '\ufeffuser_id,name,zip\r\n17,"Ann ""A"", é",01234\r\n18,Bob,12345');
  const task =
    'args: ["{{ row.user_id }}", "#{{ row.user_id }}", "{{ row.zip }}"]\n    kwargs: { all: "{{ row | json }}" }';
  const file = join(folder, "load.yml");
  writeFileSync(file, config("{ file: c.csv, types: { name: text } }", task), { mode: 0o600 });
  let out = "";
  const stream = {
    write: (text: string) => {
      out += text;
      return true;
    },
  } as never;
  const options = { files: [file], jsonSchema: false, env: {}, set: [] };
  assert.equal(runCheck(options, { stdout: stream, stderr: { write: () => true } as never }), 0);
  assert.deepEqual(out.split("\n").slice(-3), [
    "# data rows: 2 rows, columns user_id, name, zip",
    '# task welcome with its first row: [17, "#17", "01234"], {"all": {"user_id": 17, "name": "Ann \\"A\\", \\u00e9", "zip": "01234"}}',
    "",
  ]);
});

test("rows are taken in their order, at random, and from a file that is not kept in memory", async () => {
  const count = 400_000;
  const lines = Array.from({ length: count }, (_, row) => `${row},${"x".repeat(40)}`);
  write("big.csv", `id,pad\n${lines.join("\n")}\n`);
  write("small.csv", `id,pad\n${lines.slice(0, 1_000).join("\n")}`);
  for (const [file, rows, isKept] of [
    ["big.csv", count, false],
    ["small.csv", 1_000, true],
  ] as const) {
    const source = load(config(`{ file: ${file} }`)).dataFiles[0]!.source;
    assert.equal(source.rowCount, rows);
    assert.equal(source.content !== null, isKept);
    const reader = new RowReader(source, () => 0, 0);
    const isThere = async (ordinal: number) => {
      for (let wait = 0; wait < 100 && !reader.has(ordinal); wait++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return reader.has(ordinal);
    };
    for (const ordinal of [0, 1, 511, 512, 5_000, rows - 1, rows, rows + 700, 3 * rows + 5]) {
      assert.ok(await isThere(ordinal));
      assert.equal(reader.take(ordinal)[0], String(ordinal % rows));
    }
    reader.close();
    const numbers = [0.5, 0, 0.999999];
    const random = new RowReader({ ...source, take: "random" }, (n) => numbers[n % 3]!, 0);
    for (let wait = 0; wait < 200 && !random.has(0); wait++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const drawn = [random.take(9), random.take(9), random.take(0)].map(([id]) => Number(id));
    assert.deepEqual(drawn, [rows / 2, 0, rows - 1]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    random.close();
  }
});
