import type { Fault } from "../../errors.js";
import { decodeUtf8, isPlainFile, readFileAtMost } from "./read-file.js";
import { MAX_YAML_BYTES } from "./yaml-source.js";

/** The text of a file and who else has access to it. */
export interface FileText {
  readonly text: string;
  /** The group or everybody may read it. */
  readonly isReadableByOthers: boolean;
  readonly isWritableByAll: boolean;
}

/**
 * Reads a configuration file of at most 1 MiB, pipes included; `name` is what messages call it.
 * Never reads more than that, whatever the file is.
 */
export function readSourceFile(path: string, name: string): FileText | Fault {
  const file = readFileAtMost(path, MAX_YAML_BYTES + 1, "regular or pipe");
  if ("reason" in file) {
    const message = `Cannot read the configuration file: ${file.reason}. ${file.remedy}`;
    return { place: name, message };
  }
  const { bytes, mode } = file;
  if (bytes.length > MAX_YAML_BYTES) {
    const message =
      "Cannot read the configuration: it is larger than 1 MiB. Split it or shorten it.";
    return { place: `${name}:1:1`, message };
  }
  const text = decodeUtf8(bytes);
  if (text === undefined) {
    const message = "Cannot read the configuration: it is not UTF-8 text. Save it as UTF-8.";
    return { place: `${name}:1:1`, message };
  }
  return {
    text,
    isReadableByOthers: isPlainFile(mode) && (mode & 0o044) !== 0,
    isWritableByAll: isPlainFile(mode) && (mode & 0o002) !== 0,
  };
}
