import { createHash, timingSafeEqual } from "node:crypto";
import type { Request, RequestHandler } from "express";
import { HttpProblem } from "./problem.js";

/** Lets in who carries the token (RFC 6750), and says nothing of it to who does not. */
export function onlyWithToken(token: string): RequestHandler {
  const expected = digest(token);
  return (request, _response, next) => {
    const [, given] = /^Bearer +([^ ]+) *$/i.exec(request.get("authorization") ?? "") ?? [];
    // Of digests, which are equally long: the time says nothing of the token.
    if (given !== undefined && timingSafeEqual(digest(given), expected)) next();
    else {
      const headers = { "WWW-Authenticate": 'Bearer realm="celery-load"' };
      next(new HttpProblem(401, "this needs a token", { headers }));
    }
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/**
 * Refuses what a page of another site has a browser send. Browsers name the page's origin with every request that
 * changes something (Fetch standard); programs name none. The host itself was checked before (`onlyHosts`).
 */
export const onlyOwnPages: RequestHandler = (request, _response, next) => {
  const origin = request.get("origin");
  const site = request.get("sec-fetch-site");
  const isOwn = origin === undefined || isOwnOrigin(origin, request);
  const isSameSite = site === undefined || site === "same-origin" || site === "none";
  if (isOwn && isSameSite) next();
  else next(new HttpProblem(403, "a page of another origin cannot give orders"));
};

/** With either scheme: TLS ends at a proxy. */
function isOwnOrigin(origin: string, request: Request): boolean {
  const host = request.get("host")?.toLowerCase();
  const [, named] = /^https?:\/\/([^/?#@]+)$/i.exec(origin) ?? [];
  return host !== undefined && named?.toLowerCase() === host;
}
