import { readFileSync } from "node:fs";

const manifest = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { readonly version: string };

/** The package's version. */
export const version = manifest.version;

/** The commit that was built, when the build says so (`CELERY_LOAD_COMMIT`), else "unknown". */
export const commit = process.env.CELERY_LOAD_COMMIT || "unknown";
