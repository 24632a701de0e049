import { stringEnd } from "../results/json-member.js";

/**
 * Reads JSON as Python writes it: with the words NaN, Infinity and -Infinity, which are not JSON and become
 * null here.
 * @throws SyntaxError as JSON.parse does
 */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const strict = withoutWords(text);
    if (strict === null) throw error;
    return JSON.parse(strict);
  }
}

/** The text with null in place of such words outside of strings; null when there are none. */
function withoutWords(text: string): string | null {
  const mark = /"|-?(?:NaN|Infinity)/g;
  const parts: string[] = [];
  let from = 0;
  for (let match = mark.exec(text); match !== null; match = mark.exec(text)) {
    if (match[0] === '"') {
      const end = stringEnd(text, match.index);
      if (end < 0) break;
      mark.lastIndex = end;
    } else {
      parts.push(text.slice(from, match.index), "null");
      from = mark.lastIndex;
    }
  }
  return parts.length === 0 ? null : parts.join("") + text.slice(from);
}
