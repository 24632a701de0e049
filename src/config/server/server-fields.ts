import { field, ReadError, readDuration, readEach } from "../fields.js";
import { DURATION_PATTERN } from "../quantities.js";

/** `host:port`, `[::1]:9809`, or `:9809` for every address. */
export function listenField(description: string) {
  return field({ description, type: "string", examples: ["127.0.0.1:9809"] }, (value) =>
    readListen(value, 9809),
  );
}

/** Names under which the pages are served, without ports, in lower case; null for those of the listener. */
export function hostsField(description: string) {
  const anyOf = [{ const: "auto" }, { type: "array", items: { type: "string", minLength: 1 } }];
  return field({ description, anyOf, examples: [["load.example.com"]] }, (value) => {
    if (value === "auto") return null;
    const remedy = "Write [load.example.com].";
    if (!Array.isArray(value))
      throw new ReadError("must be auto or a list of host names", { remedy });
    return readEach(value, (host, index) => {
      if (typeof host === "string" && /^[a-z0-9._-]+$|^[0-9a-f:]+$/i.test(host)) {
        return host.toLowerCase();
      }
      throw new ReadError("must be a host name without scheme and port", { remedy }, [index]);
    });
  });
}

/** An ascending list of durations, in milliseconds. */
export function bucketsField(description: string) {
  const items = { type: "string", pattern: DURATION_PATTERN };
  return field({ description, type: "array", items, minItems: 1, maxItems: 100 }, readBuckets);
}

/** How often starts are sent, in milliseconds, or null for each in its own time. */
export function tickField(description: string) {
  const anyOf = [{ type: "string", pattern: DURATION_PATTERN }, { const: "none" }];
  return field({ description, anyOf, examples: ["5ms"] }, (value) => {
    if (value === "none") return null;
    const tickMs = readDuration(value, true, "none");
    if (tickMs >= 1 && tickMs <= MAX_TICK_MS) return tickMs;
    throw new ReadError(`must be from 1ms to ${MAX_TICK_MS}ms`, { remedy: "Write it like 5ms." });
  });
}

/** Over how long drift is looked for, in milliseconds. */
export function driftWindowField(description: string) {
  const meta = { description, type: "string", pattern: DURATION_PATTERN, examples: ["24h"] };
  return field(meta, (value) => {
    const windowMs = readDuration(value);
    if (windowMs >= 5 * MINUTE_MS && windowMs <= 30 * 24 * 60 * MINUTE_MS) return windowMs;
    throw new ReadError("must be from 5m to 30d", { remedy: "Write it like 6h." });
  });
}

const MINUTE_MS = 60_000;

/** Starts that are 100 ms late are dropped. */
const MAX_TICK_MS = 50;

/** Which of how many equal parts, counted from 1 as in `2/4`. */
export function segmentField(description: string) {
  const pattern = "^[1-9][0-9]{0,3}/[1-9][0-9]{0,3}$";
  return field({ description, type: "string", pattern, examples: ["2/4"] }, (value) => {
    const match = /^([1-9]\d{0,3})\/([1-9]\d{0,3})$/.exec(String(value));
    const [number, of] = [Number(match?.[1]), Number(match?.[2])];
    if (typeof value === "string" && number <= of) return { index: number - 1, of };
    throw new ReadError("must be a part and how many there are, such as 2/4", {
      remedy: "Write 1/1 for the whole.",
    });
  });
}

/** `port` is the usual one, for what is advised. */
export function readListen(value: unknown, port: number): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]*)):(\d{1,9})$/.exec(String(value));
  if (typeof value !== "string" || match === null) {
    throw new ReadError(`must be host:port such as 0.0.0.0:${port}`, {
      remedy: `Write 127.0.0.1:${port} to listen on this machine only.`,
    });
  }
  const written = Number(match[3]);
  if (written > 65535) {
    const remedy = `Write 0.0.0.0:${port}.`;
    throw new ReadError("must have a port from 0 to 65535", { remedy });
  }
  return { host: match[1] ?? (match[2] || "0.0.0.0"), port: written };
}

function readBuckets(value: unknown): number[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > 100) {
    throw new ReadError("must be a list of 1 to 100 durations", {
      remedy: "Write [100ms, 1s, 10s].",
    });
  }
  const bucketsMs = readEach(value, readBucket);
  readEach(bucketsMs, (bucketMs, index) => {
    if (bucketMs > (bucketsMs[index - 1] ?? 0)) return;
    const remedy = "Sort the list in ascending order.";
    throw new ReadError("must be longer than the bucket before", { remedy }, [index]);
  });
  return bucketsMs;
}

function readBucket(item: unknown, index: number): number {
  try {
    return readDuration(item, true);
  } catch (error) {
    if (!(error instanceof ReadError)) throw error;
    throw new ReadError(error.message, error.details, [index]);
  }
}
