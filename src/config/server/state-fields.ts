import * as z from "zod";
import { field, ReadError } from "../fields.js";
import { pathFrom } from "../sources/relative-path.js";
import { type ConfigNode, nodeAt, withValueAt } from "../sources/tree.js";

/** What of a run survives its process. */
export interface StateConfig {
  /** Absolute once the configuration is loaded; null: nothing survives. */
  readonly file: string | null;
}

const NONE = "none";

export const stateSchema = z
  .strictObject({
    file: field(
      {
        description:
          "File that keeps what was ordered and where each plan is, from the folder of the configuration; none: a restart forgets both.",
        type: "string",
        minLength: 1,
        examples: ["state.json"],
      },
      readPath,
    ).prefault(NONE),
  })
  .meta({ description: "What survives a restart." });

function readPath(value: unknown): string | null {
  if (value === NONE) return null;
  if (typeof value === "string" && value !== "") return value;
  throw new ReadError("must be the path of a file, or none", { remedy: "Write state.json." });
}

/** The tree with the absolute path of the state file: it starts from the file that names it. */
export function withAbsoluteStateFile(root: ConfigNode, cwd: string): ConfigNode {
  const path = ["state", "file"];
  const node = nodeAt(root, path);
  const isPath = node?.kind === "scalar" && typeof node.value === "string" && node.value !== "";
  if (!isPath || node.value === NONE) return root;
  const value = pathFrom(node.origin, String(node.value), cwd);
  return withValueAt(root, path, { ...node, value });
}
