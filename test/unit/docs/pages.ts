import { readdirSync } from "node:fs";
import { repository } from "../dashboards/classic-board.js";

/** The Markdown pages of the repository that there are, by their paths in it. */
export function markdownPages(): string[] {
  const atRoot = readdirSync(repository).filter((name) => name.endsWith(".md"));
  const inDocs = readdirSync(new URL("docs/", repository), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`);
  return [...atRoot, ...inDocs].sort();
}
