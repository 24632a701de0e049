import type { YAMLParseError } from "yaml";

/** What cannot be read as YAML: a sentence of ours, and where, when that is not the library's place. */
export interface YamlFault {
  readonly offset: number;
  readonly message: string;
}

/**
 * What an error of the YAML library means to somebody who wrote a configuration. Its own texts may quote
 * the file, where a secret may stand; of ours only templates do.
 */
export function explain(error: YAMLParseError, text: string): YamlFault {
  const [offset] = error.pos;
  const line = lineAt(text, offset);
  const template = bareTemplateIn(line.text);
  if (template !== undefined) {
    return { offset: line.start + template.at, message: unquotedTemplate(template.text) };
  }
  if (error.code === "MISSING_CHAR" && /closing ['"]/.test(error.message)) {
    const opening = openingQuote(text, error.message.includes('"') ? '"' : "'");
    if (opening !== undefined) return { offset: opening, message: UNCLOSED_QUOTE };
  }
  const [, indent] = /^([ \n]*)- /.exec(text.slice(offset)) ?? [];
  if (indent !== undefined && error.code !== "BAD_INDENT") {
    return { offset: offset + indent.length, message: STRAY_ITEM };
  }
  return { offset, message: sentenceFor(error, text, line.text) };
}

/** `args: [{{ uuid }}]`: without quotes YAML takes the braces for mappings. */
export function unquotedTemplate(template: string): string {
  const quoted = template.includes('"') ? `'${template}'` : `"${template}"`;
  return `Cannot read ${template} without quotes: YAML takes braces for a mapping. Write ${quoted}, with all of the value inside of the quotes.`;
}

/** A template without quotes around it, with its place in the line. */
export function bareTemplateIn(line: string): { text: string; at: number } | undefined {
  const pieces = line.matchAll(/"(?:[^"\\]|\\.)*"|'[^']*'|\s#.*|(\{\{[^{}]{1,60}\}\})/g);
  for (const { 1: text, index } of pieces) if (text !== undefined) return { text, at: index };
  return undefined;
}

const UNCLOSED_QUOTE =
  "Cannot find the closing quote of the text that starts here. Add it, or remove this one.";
const STRAY_ITEM = "Cannot read an item of a list among keys. Indent it under the key of its list.";
const NO_COLON =
  'Cannot read this line: a key needs a colon and a space after it. Write "key: value".';

const SENTENCES: Partial<Record<YAMLParseError["code"], string>> = {
  TAB_AS_INDENT:
    "Cannot read a tab as indentation: YAML indents with spaces only. Replace the tab with spaces.",
  BAD_INDENT:
    "Cannot follow the indentation: keys of one mapping start in the same column. Align this line.",
  BLOCK_AS_IMPLICIT_KEY:
    'Cannot read a second ": " on one line: text that holds one needs quotes. Put the value in quotes.',
  MULTILINE_IMPLICIT_KEY: NO_COLON,
  MISSING_CHAR:
    "Cannot find a closing quote or bracket, a comma or a colon that must stand here or before. Add it, or put a value that holds brackets or a variable in quotes.",
  BAD_SCALAR_START:
    "Cannot read a value that starts with %, @ or ` without quotes. Put the value in quotes.",
  BAD_ALIAS:
    "Cannot read a value that starts with * or & without quotes: they are for anchors and aliases. Put the value in quotes.",
  BLOCK_IN_FLOW:
    "Cannot read two keys in braces without a comma between them. Write {key: value, key: value}.",
  BAD_DQ_ESCAPE:
    "Cannot read this escape in double quotes. Write \\\\ for a backslash, or use single quotes.",
  BAD_DIRECTIVE: "Cannot read this YAML directive. Remove the line that starts with %.",
};

const SYNTAX =
  "Cannot read this as YAML. Check the quotes and the indentation here and on the line before.";

function sentenceFor(error: YAMLParseError, text: string, line: string): string {
  const [offset] = error.pos;
  const before = text.slice(0, offset);
  switch (error.code) {
    case "BAD_INDENT":
      // A list or mapping in brackets that is not closed is reported as an error of indentation.
      return SENTENCES[error.message.startsWith("Flow") ? "MISSING_CHAR" : "BAD_INDENT"]!;
    case "BLOCK_AS_IMPLICIT_KEY":
      return /:(\s|$)/.test(lineAt(text, offset).text.slice(columnOf(text, offset)))
        ? SENTENCES.BLOCK_AS_IMPLICIT_KEY!
        : "Cannot follow the indentation: the next line is indented more than this key, which has its value already. Start it in the column of the key.";
    case "MISSING_CHAR":
    case "MULTILINE_IMPLICIT_KEY":
      if (line.includes("\u00a0")) {
        return "Cannot read a no-break space as a space. Replace it with a common one.";
      }
      return /^\s*[\w.-]+(:\S.*)?$/.test(line) ? NO_COLON : SENTENCES[error.code]!;
    case "UNEXPECTED_TOKEN":
      if (/[|>]\s*$/.test(before)) {
        return "Cannot read a text behind | or >, which start a text of several lines. Put the value in quotes.";
      }
      if (/['"]\s*$/.test(before)) {
        return "Cannot read what follows the closing quote. Inside of single quotes write '' for one, or use double quotes around the value.";
      }
      return /[,\]}]/.test(text[offset] ?? "")
        ? "Cannot read this comma or bracket: there is one too many. Remove it."
        : SYNTAX;
    default:
      return SENTENCES[error.code] ?? SYNTAX;
  }
}

function lineAt(text: string, offset: number): { text: string; start: number } {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  return { text: text.slice(start, end < 0 ? text.length : end), start };
}

function columnOf(text: string, offset: number): number {
  return offset - lineAt(text, offset).start;
}

/** The last quote of the first line that has an odd number of them, comments apart. */
function openingQuote(text: string, quote: string): number | undefined {
  let start = 0;
  for (const line of text.split("\n")) {
    const code = line.replace(/(^|\s)#.*/, "").replaceAll(`\\${quote}`, "  ");
    if (code.split(quote).length % 2 === 0) return start + code.lastIndexOf(quote);
    start += line.length + 1;
  }
  return undefined;
}
