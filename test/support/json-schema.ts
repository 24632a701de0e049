import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { editorSchema } from "../../src/config/editor-schema.js";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { ensurePython } from "../../src/setup/python.js";
import { ensureModules } from "./python-modules.js";

/**
 * What Python's `jsonschema` says of each value, by default as a configuration: null, or where and why it refuses it.
 * @throws Error when it cannot use the schema itself
 */
export async function schemaRefusals(
  values: readonly unknown[],
  schema: Readonly<Record<string, unknown>> = editorSchema(),
): Promise<(string | null)[]> {
  const interpreter = await ensurePython("current");
  const modules = await ensureModules("schema", "requirements-schema.txt", "current");
  const script = join(CHECKOUT, "test", "support", "validate_json.py");
  const { status, stdout, stderr } = spawnSync(interpreter, [script], {
    input: JSON.stringify({ schema, values }),
    env: { ...process.env, PYTHONPATH: modules },
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`jsonschema ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as (string | null)[];
}
