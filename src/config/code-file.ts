import { field, ReadError } from "./fields.js";

/** A file with code of the user's. */
export interface CodeFile {
  /** As it is written: it lies beside the configuration. */
  readonly file: string;
  /** Absolute, and what is in it, once it has been looked at (`commands/code-files.ts`). */
  readonly path: string | null;
  readonly digest: string | null;
}

const ENDINGS = /\.[cm]?[jt]s$/;

/** The path of a module. */
export function codeField(description: string) {
  return field(
    { description, type: "string", pattern: ENDINGS.source, examples: ["./shopper.mjs"] },
    (value): CodeFile => {
      if (typeof value === "string" && ENDINGS.test(value)) {
        return { file: value, path: null, digest: null };
      }
      throw new ReadError("must be the path of a module", {
        remedy: "Write it like ./shopper.mjs.",
      });
    },
  );
}
