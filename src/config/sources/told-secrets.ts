import type { Fault } from "../../errors.js";
import { quote } from "../faults/quote.js";
import type { ConfigNode } from "./tree.js";

/** The values of a configuration that came from files for secrets. */
export function secretsOf(node: ConfigNode): readonly string[] {
  if (node.kind === "list") return node.items.flatMap(secretsOf);
  if (node.kind === "map")
    return [...node.entries.values()].flatMap(({ value }) => secretsOf(value));
  return node.shown === undefined ? [] : [String(node.value)];
}

/** Shorter texts are no secrets, and stand in every sentence. */
const LEAST_LENGTH = 4;

/**
 * The fault with *** for every secret in it. What is wrong with a value is said in many places, some of
 * which quote it: here none can be forgotten.
 */
export function withoutSecrets(fault: Fault, secrets: readonly string[]): Fault {
  const message = secrets.reduce((text, secret) => {
    const quoted = text.replaceAll(quote(secret), '"***"');
    return secret.length < LEAST_LENGTH ? quoted : quoted.replaceAll(secret, "***");
  }, fault.message);
  return { ...fault, message };
}
