import { isScalar, parseDocument, Scalar, visit } from "yaml";
import { widthOf } from "../../terminal/text.js";

/** No part of a value is put into less than this. */
const LEAST_ROOM = 16;

/**
 * What `printEffective` has printed, in lines of at most `width` columns, and still the same YAML: a comment that has no
 * room behind its value goes above it, and what is too long is broken as YAML allows it. Keys are never broken.
 */
export function fitYaml(text: string, width: number): string {
  if (width === Number.POSITIVE_INFINITY) return text;
  return text
    .split("\n")
    .flatMap((line) => (widthOf(line) <= width ? [line] : fitLine(line, width)))
    .join("\n");
}

function fitLine(line: string, width: number): string[] {
  const [, indent, entry, comment] = LINE.exec(line)!;
  const room = Math.max(LEAST_ROOM, width - indent!.length);
  const above = comment === undefined ? [] : pieces(comment, room - "# ".length);
  const lines = widthOf(entry!) <= room ? [entry!] : brokenEntry(entry!, room);
  return [...above.map((part) => `# ${part}`), ...lines].map((part) => `${indent}${part}`);
}

/** Indent, `key: value` or `- value`, and the comment: a number sign within quotes begins none. */
const LINE = /^( *)((?:"(?:\\.|[^"\\])*"|[^"])*?)(?: # (.*))?$/s;

function brokenEntry(entry: string, room: number): string[] {
  const document = parseDocument(entry, { intAsBigInt: true });
  visit(document, {
    // Only in double quotes can a long word be broken.
    Scalar(position, node) {
      const isLong =
        isScalar(node) && typeof node.value === "string" && node.value.length > room / 2;
      if (position !== "key" && isLong) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  const brokenAt = (lineWidth: number) =>
    document
      .toString({
        lineWidth,
        minContentWidth: 0,
        doubleQuotedMinMultiLineLength: 0,
        flowCollectionPadding: false,
      })
      .trimEnd()
      .split("\n");
  // The library does not count all of the indentation.
  for (let lineWidth = room; lineWidth > LEAST_ROOM; lineWidth -= 4) {
    const lines = brokenAt(lineWidth);
    if (lines.every((line) => widthOf(line) <= room)) return lines;
  }
  return brokenAt(LEAST_ROOM);
}

function pieces(text: string, length: number): string[] {
  return text.match(new RegExp(`.{1,${length}}`, "gsu")) ?? [];
}
