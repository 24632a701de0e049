import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type Request, type Response, Router } from "express";
import { pageFiles } from "./files.js";

/** Own files only, nothing inline, no other site: neither to load from, nor to send to, nor to be framed by. */
const POLICY = [
  "default-src 'none'",
  ...["script-src", "style-src", "img-src", "connect-src"].map((what) => `${what} 'self'`),
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** A year: another content has another name. */
const FOR_EVER = "public, max-age=31536000, immutable";

/** A file as it is sent. */
interface Served {
  readonly type: string;
  readonly plain: Buffer;
  readonly zipped: Buffer;
  readonly tag: string;
  readonly caching: string;
}

/** The live page and its files. `hasControls`: orders can be given from it. */
export function pageRoutes({ hasControls }: { readonly hasControls: boolean }): Router {
  const { html, files } = pageFiles();
  const index = html.replace('data-controls="no"', `data-controls="${hasControls ? "yes" : "no"}"`);
  const router = Router();
  const page = served("text/html; charset=utf-8", Buffer.from(index), "no-cache");
  router.get("/", (request, response) => {
    response.set("Content-Security-Policy", POLICY);
    send(request, response, page);
  });
  for (const { name, type, bytes } of files) {
    const file = served(type, bytes, FOR_EVER);
    router.get(`/page/${name}`, (request, response) => send(request, response, file));
  }
  return router;
}

/** Zipped once, at the start. */
function served(type: string, plain: Buffer, caching: string): Served {
  const tag = `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`;
  return { type, plain, zipped: gzipSync(plain, { level: 9 }), tag, caching };
}

function send(request: Request, response: Response, file: Served): void {
  response.set({ ETag: file.tag, "Cache-Control": file.caching, Vary: "Accept-Encoding" });
  if (request.get("if-none-match") === file.tag) {
    response.status(304).end();
    return;
  }
  const isZipped = request.acceptsEncodings("gzip", "identity") === "gzip";
  if (isZipped) response.set("Content-Encoding", "gzip");
  response.set("Content-Type", file.type).end(isZipped ? file.zipped : file.plain);
}
