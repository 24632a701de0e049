import type { CeleryVersion } from "../../src/setup/python.js";
import { ensureModules } from "./python-modules.js";

/**
 * A directory for PYTHONPATH with msgpack, PyYAML and brotli for this Celery's Python.
 * @throws UserError when they cannot be installed
 */
export function ensureSerializers(version: CeleryVersion): Promise<string> {
  return ensureModules("serializers", "requirements.txt", version);
}
