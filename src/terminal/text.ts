import stringWidth from "string-width";

const segmenter = new Intl.Segmenter();

/** Columns that a text takes on a terminal: two for wide characters, none for combining ones. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** Names come from others: what would move the cursor, or end the line, is shown as a question mark. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, "?");
}

/**
 * The text in at most `width` columns. What is too long loses its middle: names of tasks mean most at their
 * end, and the beginning tells them apart from others that end alike.
 */
export function shortened(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width <= 1) return "…".slice(0, Math.max(0, width));
  const characters = charactersOf(text);
  const head = taken(characters, Math.floor((width - 1) / 3));
  const tail = taken(characters.reverse(), width - 1 - widthOf(head.join("")));
  return `${head.join("")}…${tail.reverse().join("")}`;
}

/** The text in at most `width` columns; what is too long loses its end. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  return `${taken(charactersOf(text), Math.max(0, width - 1)).join("")}…`;
}

export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - widthOf(text))) + text;
}

/**
 * One line as lines of at most `width` columns, broken between words. Those that follow are indented as the first
 * one is, and by `hanging` more. Only a word that is wider than a line is broken itself.
 */
export function wrapped(line: string, width: number, hanging = 2): string[] {
  if (widthOf(line) <= width) return [line];
  const indent = /^ */.exec(line)![0].slice(0, Math.floor(width / 2));
  const further = `${indent}${" ".repeat(Math.max(0, Math.min(hanging, width / 2 - indent.length)))}`;
  const lines: string[] = [];
  let current = indent;
  let isEmpty = true;
  const breakLine = () => {
    lines.push(current);
    current = further;
    isEmpty = true;
  };
  for (const word of line.trim().split(/ +/)) {
    if (!isEmpty && widthOf(current) + 1 + widthOf(word) > width) breakLine();
    let rest = charactersOf(isEmpty ? word : ` ${word}`);
    while (widthOf(current) + widthOf(rest.join("")) > width) {
      const part = taken(rest, width - widthOf(current));
      if (part.length === 0) break; // not even one character has room
      current += part.join("");
      rest = rest.slice(part.length);
      breakLine();
    }
    current += rest.join("");
    isEmpty = false;
  }
  lines.push(current);
  return lines;
}

/** Every line of a text, wrapped. */
export function wrappedText(text: string, width: number, hanging?: number): string {
  return text
    .split("\n")
    .flatMap((line) => wrapped(line, width, hanging))
    .join("\n");
}

function charactersOf(text: string): string[] {
  return [...segmenter.segment(text)].map(({ segment }) => segment);
}

/** As many of the first characters as have room. */
function taken(characters: readonly string[], width: number): string[] {
  let used = 0;
  let count = 0;
  for (const character of characters) {
    used += widthOf(character);
    if (used > width) break;
    count++;
  }
  return characters.slice(0, count);
}
