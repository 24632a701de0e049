import type { RequestHandler } from "express";
import { HttpProblem } from "./problem.js";

/** Orders a second that one address may give on average, and at once. */
const PER_SECOND = 50;
const AT_ONCE = 100;
/** Addresses that are remembered; one that has been silent for two seconds has all of its own again. */
const MOST_ADDRESSES = 1_000;

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Refuses orders of an address that gives too many: a bucket for each, which fills with time. */
export function limitOrders(nowMs: () => number = () => performance.now()): RequestHandler {
  /** The one that was asked last is the last. */
  const buckets = new Map<string, Bucket>();
  return (request, _response, next) => {
    const address = request.socket.remoteAddress ?? "";
    const now = nowMs();
    const { tokens, atMs } = buckets.get(address) ?? { tokens: AT_ONCE, atMs: now };
    const filled = Math.min(AT_ONCE, tokens + ((now - atMs) / 1_000) * PER_SECOND);
    buckets.delete(address);
    buckets.set(address, { tokens: filled < 1 ? filled : filled - 1, atMs: now });
    const [oldest] = buckets.keys();
    if (buckets.size > MOST_ADDRESSES) buckets.delete(oldest!);
    if (filled >= 1) next();
    else {
      const detail = `more than ${PER_SECOND} orders a second: wait a second`;
      next(new HttpProblem(429, detail, { headers: { "Retry-After": "1" } }));
    }
  };
}
