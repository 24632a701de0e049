import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { MAX_YAML_BYTES } from "../../../src/config/yaml-source.js";
import { LARGE, largest } from "../../support/large-configurations.js";

const MAIN = fileURLToPath(new URL("../../../src/main.js", import.meta.url));

const directory = mkdtempSync(join(tmpdir(), "celery-load-scale-"));
after(() => rmSync(directory, { recursive: true }));

/** Many times what it takes: what grew with the square took minutes, or gigabytes. */
const LIMIT_MS = 60_000;
const HEAP_MIB = 256;

describe("a configuration of half a MiB is read or refused", { concurrency: 2 }, () => {
  for (const [index, [name, make]] of Object.entries(LARGE).entries()) {
    test(`of ${name}`, async () => {
      const file = join(directory, `${index}.yml`);
      writeFileSync(file, largest(make, MAX_YAML_BYTES / 2));
      const { code, signal, stderr } = await check(file);
      assert.ok(code === 0 || code === 104, `${code} ${signal} ${stderr.slice(-500)}`);
      assert.ok(stderr.split("\n").length <= 102, "faults beyond the first hundred are counted");
    });
  }
});

interface Ended {
  readonly code: unknown;
  readonly signal: unknown;
  readonly stderr: string;
}

function check(file: string): Promise<Ended> {
  const args = [`--max-old-space-size=${HEAP_MIB}`, MAIN, "check", file];
  const options = { timeout: LIMIT_MS, maxBuffer: Infinity };
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, _, stderr) =>
      resolve({
        code: error === null ? 0 : (error.code ?? null),
        signal: error?.signal ?? null,
        stderr,
      }),
    );
  });
}
