/** A fenced block of code in a Markdown page. */
export interface CodeBlock {
  /** The word behind the fence, "" without one. */
  readonly language: string;
  readonly text: string;
  /** Line of the page that the text begins in, from 1 on. */
  readonly line: number;
}

/** The fenced blocks of a page, in its order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(/^( *)```(\S*)[^\n]*\n(.*?)^\1```$/gms)].map((match) => {
    const [, indent = "", language = "", text = ""] = match;
    const line = markdown.slice(0, match.index).split("\n").length + 1;
    return { language, text: text.replaceAll(new RegExp(`^${indent}`, "gm"), ""), line };
  });
}

/** The texts between backticks of a page, outside of its blocks. A span may go on in the next line. */
export function codeSpans(markdown: string): string[] {
  const prose = markdown.replaceAll(/^( *)```.*?^\1```$/gms, "");
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, span = ""]) =>
    span.replaceAll(/\s*\n\s*/g, " "),
  );
}
