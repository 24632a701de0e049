import assert from "node:assert/strict";
import { test } from "node:test";
import * as zlib from "node:zlib";
import { decode } from "@msgpack/msgpack";
import fc from "fast-check";
import { parse } from "yaml";
import { beyondSerializer } from "../../../src/celery/messages/arguments.js";
import { bodyEncoding, HAS_ZSTD } from "../../../src/celery/messages/body-encoding.js";
import type { Compression, Serializer } from "../../../src/celery/messages/task-options.js";

const encoding = (serializer: Serializer, compression: Compression | null = null) =>
  bodyEncoding({ serializer, compression });

const READ: Record<Serializer, (bytes: Buffer) => unknown> = {
  json: (bytes) => JSON.parse(bytes.toString()),
  msgpack: (bytes) => decode(bytes),
  yaml: (bytes) => parse(bytes.toString(), { version: "1.1" }),
};

const json = fc.jsonValue({ depthSize: "small", maxDepth: 5, stringUnit: "binary" });

for (const [serializer, read] of Object.entries(READ) as [Serializer, (typeof READ)["json"]][]) {
  test(`every JSON value written as ${serializer} is read back as it was`, () => {
    const { encode } = encoding(serializer);
    fc.assert(
      fc.property(json, (value) => {
        const text = JSON.stringify(value);
        fc.pre(!text.includes("__proto__")); // the reader of this test refuses it, Python does not
        fc.pre(serializer !== "msgpack" || beyondSerializer("msgpack", value).length === 0);
        assert.deepEqual(read(encode(text)), JSON.parse(text));
      }),
    );
  });
}

test("content types and encodings are kombu's", () => {
  const typeOf = (serializer: Serializer) => {
    const { contentType, contentEncoding } = encoding(serializer);
    return [contentType, contentEncoding];
  };
  assert.deepEqual(typeOf("json"), ["application/json", "utf-8"]);
  assert.deepEqual(typeOf("msgpack"), ["application/x-msgpack", "binary"]);
  assert.deepEqual(typeOf("yaml"), ["application/x-yaml", "utf-8"]);
});

test("YAML is ASCII in quotes: what PyYAML refuses or reads differently cannot occur", () => {
  const { encode } = encoding("yaml");
  const yaml = (value: unknown) => encode(JSON.stringify(value)).toString();
  assert.equal(
    yaml(["\u0080\u007f\ufffe", "😀", "yes", "12:30"]),
    String.raw`["\u0080\u007f\ufffe", "\U0001f600", "yes", "12:30"]`,
  );
  assert.equal(
    yaml([1e21, 1.5e300, 1e-7, 1e20, -0.5]),
    "[1.0e+21, 1.5e+300, 1.0e-7, 100000000000000000000, -0.5]",
  );
  assert.equal(
    yaml({ "<<": null, [`k${"x".repeat(2000)}`]: true }),
    `{? "<<" : null, ? "k${"x".repeat(2000)}" : true}`,
  );
  fc.assert(fc.property(json, (value) => assert.match(yaml(value), /^[\x20-\x7e]*$/)));
});

test("zlib and gzip are a zlib stream, brotli is brotli, and the serialised body is what they hold", () => {
  const read: Record<Compression, (bytes: Buffer) => Buffer> = {
    zlib: zlib.inflateSync,
    gzip: zlib.inflateSync,
    brotli: zlib.brotliDecompressSync,
    zstd: (bytes) =>
      (zlib as unknown as { zstdDecompressSync(b: Buffer): Buffer }).zstdDecompressSync(bytes),
  };
  for (const [compression, decompress] of Object.entries(read) as [
    Compression,
    typeof zlib.inflateSync,
  ][]) {
    if (compression === "zstd" && !HAS_ZSTD) continue; // the configuration refuses it on this Node
    for (const serializer of ["json", "msgpack", "yaml"] as const) {
      const plain = encoding(serializer).encode('[[1, "ä"], {}, {}]');
      const packed = encoding(serializer, compression).encode('[[1, "ä"], {}, {}]');
      assert.deepEqual(decompress(packed), plain, `${serializer} ${compression}`);
    }
  }
});
