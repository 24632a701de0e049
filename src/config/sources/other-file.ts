import { didYouMean } from "../../did-you-mean.js";
import { remedyForKey } from "../faults/known-mistakes.js";
import { CONFIG_SHAPE } from "../schema.js";
import { hasKeys } from "../shape.js";

/** What is said of a file that is something else. Nothing of its text is shown: it may be all secrets. */
export const OTHER_FILE =
  "Cannot read the configuration: this file is another one, without a key of ours. A configuration is connections: {main: {broker: redis://127.0.0.1:6379/0}}, tasks: {add: {name: app.add}} and scenarios: {steady: {profile: 20/s}}. Check the path.";

/**
 * Is a mapping with these keys meant as a configuration, or as a part of one? True when one of them is ours, nearly
 * ours, one that many take for ours, or a user's own (`x-`); without any.
 */
export function isMeantForUs(keys: readonly string[]): boolean {
  // Kubernetes' ConfigMaps and Secrets have data, too.
  const own = keys.includes("apiVersion") ? keys.filter((key) => key !== "data") : keys;
  return keys.length === 0 || own.some(isOurs);
}

const SECTIONS = hasKeys(CONFIG_SHAPE) ? [...CONFIG_SHAPE.keys.keys()] : [];

function isOurs(key: string): boolean {
  return (
    key.startsWith("x-") ||
    didYouMean(key, SECTIONS) !== undefined ||
    remedyForKey([], key) !== undefined
  );
}
