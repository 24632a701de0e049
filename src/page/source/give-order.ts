import type { OrderAnswer, OrderRequest } from "../model/orders.js";
import { ask } from "./ask.js";

/** What became of an order, or of its dry run. */
export type Given =
  | { readonly isDone: true; readonly answer: OrderAnswer }
  | {
      readonly isDone: false;
      /** All of it in one line. */
      readonly detail: string;
      /** By the place in the request. */
      readonly errors: readonly { readonly path: string; readonly message: string }[];
      /** Something has changed since the dry run. */
      readonly isOutdated: boolean;
    };

/** Asks what an order would come to. Never rejects. */
export function tryOrder(request: OrderRequest): Promise<Given> {
  const mark = request.path.includes("?") ? "&" : "?";
  return send({ ...request, path: `${request.path}${mark}dryRun=true` }, {});
}

/** Gives an order, for the state of that revision and no other. Never rejects. */
export function giveOrder(request: OrderRequest, revision: number): Promise<Given> {
  return send(request, { "If-Match": `"${revision}"`, "Idempotency-Key": newKey() });
}

async function send(
  { method, path, body }: OrderRequest,
  headers: Readonly<Record<string, string>>,
): Promise<Given> {
  try {
    const response = await ask(path, {
      method,
      headers: {
        ...headers,
        "X-Celery-Load-Actor": "page",
        ...(body === null ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === null ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await response.json();
    if (response.ok) return { isDone: true, answer };
    const { detail = response.statusText, errors = [] } = answer;
    return { isDone: false, detail, errors, isOutdated: response.status === 412 };
  } catch {
    const detail = "the daemon does not answer: whether it was done can be seen in the changes";
    return { isDone: false, detail, errors: [], isOutdated: false };
  }
}

/** `randomUUID` is there on secure pages only. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
