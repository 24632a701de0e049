import type { Request } from "express";
import { HttpProblem } from "./problem.js";

/** A revision as a strong entity tag. */
export function entityTag(revision: number): string {
  return `"${revision}"`;
}

/** A revision that there never is: what was given is none of ours. */
const NO_REVISION = -1;

/**
 * The revision that a request is made for by `If-Match` (RFC 9110, section 13.1.1), null: any. Of several tags the
 * one that is current, if it is among them. Weak tags match nothing, as the standard wants.
 * @throws {HttpProblem} 400 for what is no list of tags
 */
export function revisionWanted(request: Request, current: number): number | null {
  const header = request.get("if-match")?.trim();
  if (header === undefined || header === "*") return null;
  if (!/^(W\/)?"[^"]*"(\s*,\s*(W\/)?"[^"]*")*$/.test(header)) {
    const message = 'must be the ETag of an answer with its quotes, such as "17"';
    throw new HttpProblem(400, `If-Match ${message}`, { errors: [{ path: "If-Match", message }] });
  }
  const tags = header.split(/\s*,\s*/);
  const revisions = tags.map((tag) => (/^"\d{1,15}"$/.test(tag) ? Number(tag.slice(1, -1)) : -1));
  return revisions.includes(current) ? current : (revisions[0] ?? NO_REVISION);
}

/**
 * The `Idempotency-Key`, null: none. A string of structured fields (RFC 8941), or the same without its quotes.
 * @throws {HttpProblem} 400 for what is none
 */
export function idempotencyKey(request: Request): string | null {
  const header = request.get("idempotency-key");
  if (header === undefined) return null;
  const [, quoted, bare] =
    /^(?:"([\x20-\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255}))$/.exec(header) ?? [];
  const key = quoted ?? bare;
  if (key !== undefined) return key;
  const message = "must be 1 to 255 characters of ASCII, such as a UUID";
  throw new HttpProblem(400, `Idempotency-Key ${message}`, {
    errors: [{ path: "Idempotency-Key", message }],
  });
}
