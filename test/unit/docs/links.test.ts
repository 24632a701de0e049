import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { repository, repositoryText } from "../dashboards/classic-board.js";
import { markdownPages } from "./pages.js";

for (const page of markdownPages()) {
  test(`every relative link of ${page} leads to a file and to a heading in it`, () => {
    const broken = relativeLinks(repositoryText(page)).filter(
      (link) => !leadsSomewhere(link, page),
    );
    assert.deepEqual(broken, []);
  });
}

test("the index leads to every page of docs, and its table to every runbook", () => {
  const reached = ["docs/README.md", "docs/runbooks/README.md"].flatMap((page) =>
    relativeLinks(repositoryText(page)).map((link) => targetOf(link.split("#")[0]!, page)),
  );
  const pages = markdownPages().filter((page) => page.startsWith("docs/"));
  assert.deepEqual(
    pages.filter((page) => page !== "docs/README.md" && !reached.includes(page)),
    [],
  );
  assert.ok(relativeLinks(repositoryText("README.md")).includes("docs/README.md"));
});

test("the check of links finds a missing file and a missing heading", () => {
  const page = "docs/metrics.md";
  const links = relativeLinks(
    "[a](metrics.md#all-metrics) [b](none.md) [c](#nowhere) [d](../package.json) ![e](none.png)",
  );
  const broken = links.filter((link) => !leadsSomewhere(link, page));
  assert.deepEqual(broken, ["none.md", "#nowhere", "none.png"]);
});

test("links in code are text, and links to other sites are not followed", () => {
  assert.deepEqual(
    relativeLinks("`[a](b.md)`\n```yaml\n[c](d.md)\n```\n[e](https://f.example)"),
    [],
  );
});

function relativeLinks(markdown: string): string[] {
  return [...withoutCode(markdown).matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)]
    .map(([, link = ""]) => link)
    .filter((link) => !/^[a-z][a-z0-9+.-]*:/i.test(link));
}

function leadsSomewhere(link: string, page: string): boolean {
  const [path = "", heading] = link.split("#");
  const target = path === "" ? page : targetOf(path, page);
  if (!existsSync(new URL(target, repository))) return false;
  return heading === undefined || headingsOf(repositoryText(target)).includes(heading);
}

/** The path in the repository that a relative path on a page leads to. */
function targetOf(path: string, page: string): string {
  return new URL(path, new URL(page, "file:///")).pathname.slice(1);
}

/** The names by which GitHub lets one link to headings. */
function headingsOf(markdown: string): string[] {
  const lines = markdown.replaceAll(/^```.*?^```/gms, "");
  return [...lines.matchAll(/^#+ +(.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```.*?^```/gms, "").replaceAll(/`[^`\n]*`/g, "");
}
