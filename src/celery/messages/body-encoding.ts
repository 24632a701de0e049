import * as zlib from "node:zlib";
import { brotliCompressSync, deflateSync } from "node:zlib";
import { parseExactJson } from "./exact-number.js";
import { msgpackBody } from "./msgpack-body.js";
import type { Compression, Serializer, TaskOptions } from "./task-options.js";
import { yamlBody } from "./yaml-body.js";

/** How the body of a task's messages is written, by kombu's rules (`kombu/serialization.py`). */
export interface BodyEncoding {
  readonly contentType: string;
  readonly contentEncoding: string;
  /** From the body's JSON text to what goes over the wire. */
  encode(json: string): Buffer;
}

/** Serialises first, then compresses (`kombu/messaging.py Producer._prepare`). */
export function bodyEncoding(spec: Pick<TaskOptions, "serializer" | "compression">): BodyEncoding {
  const { contentType, contentEncoding, serialize } = SERIALIZATION[spec.serializer];
  const compress = spec.compression === null ? null : COMPRESS[spec.compression];
  return {
    contentType,
    contentEncoding,
    encode: (json) => (compress === null ? serialize(json) : compress(serialize(json))),
  };
}

/** JSON is what arguments are made as; the others take its values. */
const SERIALIZATION: Record<
  Serializer,
  { contentType: string; contentEncoding: string; serialize: (json: string) => Buffer }
> = {
  json: {
    contentType: "application/json",
    contentEncoding: "utf-8",
    serialize: (json) => Buffer.from(json),
  },
  msgpack: {
    contentType: "application/x-msgpack",
    contentEncoding: "binary",
    serialize: (json) => msgpackBody(parseExactJson(json)),
  },
  yaml: {
    contentType: "application/x-yaml",
    contentEncoding: "utf-8",
    serialize: (json) => Buffer.from(yamlBody(parseExactJson(json))),
  },
};

/** `zlib` and `gzip` are both a zlib stream (RFC 1950), whatever their name in the message says. */
const COMPRESS: Record<Compression, (bytes: Buffer) => Buffer> = {
  zlib: (bytes) => deflateSync(bytes),
  gzip: (bytes) => deflateSync(bytes),
  brotli: (bytes) => brotliCompressSync(bytes),
  zstd: (bytes) => zstdCompress!(bytes),
};

type ZstdCompress = (bytes: Buffer) => Buffer;

/** Node has zstd since 22.15; undefined before. */
const zstdCompress = (zlib as { zstdCompressSync?: ZstdCompress }).zstdCompressSync;

export const HAS_ZSTD = zstdCompress !== undefined;
