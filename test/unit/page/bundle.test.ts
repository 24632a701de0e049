import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { CHECKOUT } from "../../../src/setup/checkout.js";

const directory = join(CHECKOUT, "dist", "page");
const files = readdirSync(directory).map((name) => ({
  name,
  bytes: readFileSync(join(directory, name)),
}));

test("the page takes at most 150 KB on the wire, all files together", (t) => {
  const zipped = files.map(({ bytes }) => gzipSync(bytes, { level: 9 }).length);
  const total = zipped.reduce((sum, each) => sum + each, 0);
  t.diagnostic(`${total} bytes in ${files.length} files`);
  assert.ok(files.length >= 4 && total <= 150_000, `${total} bytes`);
});

test("it loads own files only, each with its content's hash in its name", () => {
  const html = files.find(({ name }) => name === "index.html")!.bytes.toString();
  const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
  const own = files.filter(({ name }) => name !== "index.html").map(({ name }) => `page/${name}`);
  assert.deepEqual(loaded.sort(), own.sort());
  for (const path of own) assert.match(path, /-[A-Z0-9]{8}\.(js|css|svg)$/);
  assert.doesNotMatch(html, /<style|<script(?! defer src)|style=|\son\w+=/);
});
