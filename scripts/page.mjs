// Bundles the live page, src/page, into dist/page: part of `npm run build`.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const checkout = resolve(fileURLToPath(import.meta.url), "..", "..");
const source = join(checkout, "src", "page");
const target = join(checkout, "dist", "page");

const { outputFiles } = await build({
  entryPoints: ["page.tsx", "style/page.css", "icon.svg"].map((file) => join(source, file)),
  outdir: target,
  // The hash of its content: a browser keeps a file for ever, and another content has another name.
  entryNames: "[name]-[hash]",
  loader: { ".svg": "copy" },
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  write: false,
});
const names = outputFiles.map(({ path }) => basename(path));
const nameOf = (ending) => names.find((name) => name.endsWith(ending));
const html = await readFile(join(source, "index.html"), "utf8");

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
for (const { path, contents } of outputFiles) await writeFile(path, contents);
await writeFile(
  join(target, "index.html"),
  html.replace(/page\.(js|css)|icon\.svg/g, (name) => nameOf(name.replace(/^[a-z]+/, ""))),
);
