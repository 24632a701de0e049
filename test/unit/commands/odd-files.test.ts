import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../../src/main.js", import.meta.url));

const CONFIG = `connections: {main: {broker: redis://127.0.0.1:6379/0}}
tasks: {a: {name: app.a}}
scenarios: {steady: {profile: 20/s}}
`;

const root = mkdtempSync(join(tmpdir(), "celery-load-odd-"));
const folder = join(root, "conf");
mkdirSync(join(folder, "..2026"), { recursive: true });
const put = (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content);
put("load.yml", CONFIG);
put("lines.txt", "one\ntwo\n");
put("url.txt", "redis://127.0.0.1:6379/1\n");
put("latin.txt", Buffer.from([0x61, 0xe9, 0x0a]));
put("large.txt", Buffer.alloc(16 * 1024 * 1024 + 1, "x\n"));
put("full.txt", Buffer.alloc(16 * 1024 * 1024, "x\n"));
put("large.yml", `${CONFIG}#${"x".repeat(1024 * 1024)}\n`);
put("..2026/data.txt", "three\n");
writeFileSync(join(root, "outside.txt"), "redis://127.0.0.1:6379/1\n");
writeFileSync(join(root, "outside.yml"), CONFIG);
symlinkSync("../outside.txt", join(folder, "escape.txt"));
symlinkSync("..", join(folder, "parent"));
symlinkSync("../outside.yml", join(folder, "linked.yml"));
symlinkSync("lines.txt", join(folder, "inside.txt"));
symlinkSync("..2026", join(folder, "..data"));
symlinkSync("..data/data.txt", join(folder, "data.txt"));
symlinkSync("loop.txt", join(folder, "loop.txt"));
symlinkSync("nowhere", join(folder, "dangling.txt"));
for (const name of ["silent", "held", "fed"]) execFileSync("mkfifo", [join(folder, name)]);
const socket = createServer().listen(join(folder, "socket"));
const holder = spawn("sh", ["-c", 'exec sleep 60 > "$1"', "sh", join(folder, "held")]);
after(() => {
  holder.kill();
  socket.close();
  rmSync(root, { recursive: true });
});

const NO_RESULT = "Cannot read the configuration file: ";

/** What stands in the command line of a shell in the folder, and what is said of it; null: all is well. */
const CONFIGURATIONS: readonly (readonly [command: string, said: string | null])[] = [
  ["linked.yml", null],
  ["<(cat load.yml)", null],
  ["<(head -c 60 load.yml; sleep 1; tail -c +61 load.yml)", null],
  ["/dev/stdin < load.yml", null],
  ["/dev/fd/3 3< load.yml", null],
  ["fed & cat load.yml > fed; wait $!", null],
  ["silent", `silent: ${NO_RESULT}nothing came for 5 s. Check what writes to it, or name a file.`],
  ["held", `held: ${NO_RESULT}nothing came for 5 s.`],
  ["<(cat load.yml; sleep 60)", `${NO_RESULT}nothing came for 5 s.`],
  ["<(true)", "this file is empty."],
  ["<(cat large.yml)", "it is larger than 1 MiB."],
  ["<(cat /dev/zero)", "it is larger than 1 MiB."],
  ["large.yml", "large.yml:1:1: Cannot read the configuration: it is larger than 1 MiB."],
  ...["zero", "random", "null", "tty"].map(
    (name) => [`/dev/${name}`, `/dev/${name}: ${NO_RESULT}it is a device. Name a file.`] as const,
  ),
  ["/dev/stdin < /dev/zero", "it is a device."],
  ["socket", `socket: ${NO_RESULT}it is a socket. Name a file.`],
  [".", `.: ${NO_RESULT}it is a directory.`],
  ["loop.txt", "its symbolic links lead in a circle."],
  ["/proc/self/mem", `/proc/self/mem: ${NO_RESULT}the system says EIO.`],
  ["/proc/self/environ", "/proc/self/environ:1:1: Cannot read "],
];

/** The argument of `file()`, and what is said of it. */
const LINES: readonly (readonly [name: string, said: string | null])[] = [
  ["lines.txt", null],
  ["inside.txt", null],
  ["data.txt", null],
  ["..2026/data.txt", null],
  ["parent/conf/lines.txt", null],
  ["full.txt", null],
  ["../outside.txt", "must lie in the folder of the configuration file. Move it there."],
  ["/etc/passwd", "must lie in the folder of the configuration file."],
  [
    "escape.txt",
    'outside.txt", and must lie in the folder of the configuration file. Copy the file there.',
  ],
  ["parent/outside.txt", "must lie in the folder of the configuration file."],
  ["parent", "must lie in the folder of the configuration file."],
  ["silent", "cannot be read: it is a pipe. Name a file."],
  ["socket", "cannot be read: it is a socket."],
  ["..data", "cannot be read: it is a directory."],
  ["loop.txt", "cannot be read: its symbolic links lead in a circle."],
  ["dangling.txt", "cannot be read: there is no such file."],
  ["large.txt", "is larger than 16 MiB. Shorten it."],
  ["latin.txt", "is no text in UTF-8. Save it as UTF-8."],
];

/** A file for secrets may be anywhere, as Docker and Kubernetes link it. */
const SECRETS: readonly (readonly [path: string, said: string | null])[] = [
  ["url.txt", null],
  ["escape.txt", null],
  ["parent/outside.txt", null],
  ["silent", "nothing came for 5 s."],
  ["held", "nothing came for 5 s."],
  ["/dev/zero", "it is a device."],
  ["socket", "it is a socket."],
  ["large.txt", "it is larger than 64 KiB."],
];

const CERTIFICATES: readonly (readonly [path: string, said: string])[] = [
  ["silent", "it is a pipe. Name a file."],
  ["/dev/zero", "it is a device."],
  ["large.txt", "it is larger than 4 MiB."],
];

describe("a file is read or refused, and never waited for", { concurrency: 2 }, () => {
  for (const [command, said] of CONFIGURATIONS) {
    test(`as a configuration: ${command}`, () => assertSaid(command, said));
  }
  for (const [name, said] of LINES) {
    const args = JSON.stringify([`{{ file('${name}') }}`]);
    const text = CONFIG.replace("name: app.a", `name: app.a, args: ${args}`);
    test(`for lines: ${name}`, () => assertWithText(text, said));
  }
  for (const [path, said] of SECRETS) {
    const text = CONFIG.replace("redis://127.0.0.1:6379/0", `{urlFile: ${path}}`);
    test(`for a secret: ${path}`, () => assertWithText(text, said));
  }
  for (const [path, said] of CERTIFICATES) {
    const text = CONFIG.replace("redis:", "rediss:").replace("/0}", `/0, tls: {caFile: ${path}}}`);
    test(`for certificates: ${path}`, () => assertWithText(text, said));
  }
});

let count = 0;

async function assertWithText(text: string, said: string | null): Promise<void> {
  const name = `load-${count++}.yml`;
  put(name, text);
  await assertSaid(name, said);
}

async function assertSaid(command: string, said: string | null): Promise<void> {
  const { code, stderr, ms } = await check(command);
  // The deadline of a pipe, and the start of Node on a slow machine.
  assert.ok(ms < 30_000, `${ms} ms`);
  if (said === null) assert.equal(code, 0, stderr);
  else assert.deepEqual([code, stderr.includes(said)], [104, true], stderr);
}

function check(command: string): Promise<{ code: unknown; stderr: string; ms: number }> {
  const started = performance.now();
  const line = `"$0" "$1" check ${command}`;
  const child = spawn("bash", ["-c", line, process.execPath, MAIN], { cwd: folder });
  const timer = setTimeout(() => child.kill(), 60_000);
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdout.resume();
  return new Promise((resolve) => {
    // What a shell leaves behind may keep its output open for longer than it runs.
    child.on("exit", (code) => {
      clearTimeout(timer);
      setImmediate(() => resolve({ code, stderr, ms: performance.now() - started }));
    });
  });
}
