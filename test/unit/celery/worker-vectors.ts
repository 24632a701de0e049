import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CHECKOUT } from "../../../src/setup/checkout.js";

export const CELERY_VERSIONS = ["celery-5.2", "celery-5.7"] as const;
export type CeleryVersion = (typeof CELERY_VERSIONS)[number];

/** What live workers answered, by case: test/vectors/worker/README.md. */
export function workerVectors(
  version: CeleryVersion,
  file: "redis" | "redis-extended" | "rpc" | "odd-messages" | "other-channels",
): ReadonlyMap<string, readonly string[]> {
  const path = join(CHECKOUT, "test", "vectors", "worker", version, `${file}.json`);
  return new Map(Object.entries(JSON.parse(readFileSync(path, "utf8")).cases));
}
