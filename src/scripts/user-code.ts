import { pathToFileURL } from "node:url";

/** What a file gives as its default, or why it cannot be used. */
export type LoadedCode = { readonly run: (context: never) => unknown } | { readonly cause: string };

/** Node that strips types itself says so (from 22.18 on). */
const HAS_TYPES = Boolean((process.features as { typescript?: unknown }).typescript);

/** Loads a module of the user's. Never throws. */
export async function loadCode(
  path: string,
  causeOf: (error: unknown) => string,
): Promise<LoadedCode> {
  if (/\.[cm]?ts$/.test(path) && !HAS_TYPES) {
    return {
      cause: `this Node (${process.version}) does not run TypeScript. Use Node 22.18 or later, or JavaScript`,
    };
  }
  let module: { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as typeof module;
  } catch (error) {
    return { cause: causeOf(error) };
  }
  if (typeof module.default === "function") return { run: module.default as (c: never) => unknown };
  return { cause: "it has no function as its default export. Write export default function …" };
}
