import { createHash } from "node:crypto";
import { type PageFile, pageFiles } from "../http/page/files.js";
import type { FrozenRun } from "./live-status.js";

/**
 * The page of a run that is over, as one file that opens from the disk: the same front end with its data in it. It
 * loads nothing and sends nothing, which its own policy enforces.
 */
export function frozenPage(frozen: FrozenRun): string {
  const { html, files } = pageFiles();
  const textOf = (ending: string) => fileWith(files, ending).bytes.toString();
  const [script, style] = [textOf(".js"), textOf(".css")];
  const policy = `default-src 'none'; script-src '${hashOf(script)}'; style-src '${hashOf(style)}'; base-uri 'none'; form-action 'none'`;
  // Within JSON a "<" stands in strings only, where it may be written like this; so it ends no element.
  const data = JSON.stringify(frozen).replaceAll("<", "\\u003c");
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy}" />`;
  const run = `<script type="application/json" id="run">${data}</script>`;
  // By functions: in a text to put in, "$&" and the like would mean something.
  return html
    .replace('<meta charset="utf-8" />', (charset) => `${charset}\n    ${meta}`)
    .replace(/<link rel="icon"[^>]*>\s*/, "")
    .replace(/<link rel="stylesheet"[^>]*>/, () => `<style>${style}</style>`)
    .replace(/<script defer[^>]*><\/script>\s*/, "")
    .replace("</body>", (end) => `${run}\n<script>${script}</script>\n${end}`);
}

function fileWith(files: readonly PageFile[], ending: string): PageFile {
  return files.find(({ name }) => name.endsWith(ending))!;
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
