// In a process of its own: it looks at the most memory that the process ever had.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { runCheck } from "../../../src/commands/check.js";
import { MAX_YAML_BYTES } from "../../../src/config/sources/yaml-source.js";
import { ConfigError } from "../../../src/errors.js";
import { LARGE, largest } from "../../support/large-configurations.js";

const directory = mkdtempSync(join(tmpdir(), "celery-load-scale-"));
after(() => rmSync(directory, { recursive: true }));

/**
 * Many times what it takes, on a busy machine: what grows with the square takes longer, or more memory than there is.
 * `npm run bench -- config` measures the largest ones.
 */
const LIMIT_MS = 5_000;
const MOST_MIB = 500;

describe("a configuration of an eighth of a MiB is read or refused", () => {
  for (const [index, [name, make]] of Object.entries(LARGE).entries()) {
    test(`of ${name}`, () => {
      const file = join(directory, `${index}.yml`);
      writeFileSync(file, largest(make, MAX_YAML_BYTES / 8));
      const startedMs = performance.now();
      const faults = faultsOf(file);
      const tookMs = performance.now() - startedMs;
      assert.ok(faults.length <= 101, "faults beyond the first hundred are counted");
      assert.ok(tookMs < LIMIT_MS, `${tookMs} ms`);
    });
  }

  test("and none of them needs more memory than a small container has", () => {
    const peakMiB = process.resourceUsage().maxRSS / 1024;
    assert.ok(peakMiB < MOST_MIB, `${peakMiB} MiB`);
  });
});

/** What `check` refuses, line by line. */
function faultsOf(file: string): readonly string[] {
  const streams = { stdout: { write: () => true }, stderr: { write: () => true } };
  try {
    runCheck({ files: [file], jsonSchema: false, env: {}, set: [] }, streams);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message.split("\n");
  }
}
