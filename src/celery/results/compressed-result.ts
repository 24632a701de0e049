import * as zlib from "node:zlib";
import { brotliDecompressSync, constants, inflateSync } from "node:zlib";

/** What `result_compression` puts before a value (`celery/backends/base.py compress_payload`, since Celery 5.7). */
const MAGIC = Buffer.from("\0celery-compressed\0");

interface Options {
  readonly finishFlush: number;
  readonly maxOutputLength: number;
}
type Decompress = (bytes: Buffer, options: Options) => Buffer;
/** Node has zstd since 22.15; undefined before. */
const zstdDecompress = (zlib as { zstdDecompressSync?: Decompress }).zstdDecompressSync;

/** By kombu's names (`kombu/compression.py`), of which `gzip` and `zlib` have one. */
const METHODS: ReadonlyMap<string, { decompress: Decompress; flush: number }> = new Map(
  Object.entries({
    "application/x-gzip": { decompress: inflateSync, flush: constants.Z_SYNC_FLUSH },
    "application/x-brotli": {
      decompress: brotliDecompressSync,
      flush: constants.BROTLI_OPERATION_FLUSH,
    },
    // ZSTD_e_flush
    ...(zstdDecompress && { "application/zstd": { decompress: zstdDecompress, flush: 1 } }),
  }),
);

/** Kombu's name of how a result is compressed; null when it is not. */
export function compressionOf(bytes: Buffer): string | null {
  if (bytes[0] !== 0 || !MAGIC.equals(bytes.subarray(0, MAGIC.length))) return null;
  const end = bytes.indexOf(0, MAGIC.length);
  return end < 0 ? null : bytes.toString("latin1", MAGIC.length, end);
}

/** Bytes of a result, and whether they are its beginning only. */
export interface Plain {
  readonly bytes: Buffer;
  readonly isCut: boolean;
}

/**
 * A compressed result, of which the end may be missing, up to `most` bytes of it; null when it is none, or is
 * compressed in a way that Node has not. Never throws.
 */
export function decompressed(bytes: Buffer, most: number): Plain | null {
  const type = compressionOf(bytes);
  const method = type === null ? undefined : METHODS.get(type);
  if (type === null || method === undefined) return null;
  const { decompress, flush: finishFlush } = method;
  let packed = bytes.subarray(MAGIC.length + type.length + 1);
  let isCut = false;
  while (packed.length > 0) {
    try {
      return { bytes: decompress(packed, { finishFlush, maxOutputLength: most }), isCut };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") return null;
      // Nothing of what is too large is handed out: of its first half there may be less.
      packed = packed.subarray(0, packed.length >> 1);
      isCut = true;
    }
  }
  return null;
}
