import assert from "node:assert/strict";
import type { TestDaemon } from "./daemon.js";
import { waitUntil } from "./wait-until.js";

/** Where a daemon with `control: { listen: "127.0.0.1:0" }` takes orders, by its log. */
export async function controlOf(daemon: Pick<TestDaemon, "stderr">): Promise<string> {
  const found = () => /"control":"([^"]+)"/.exec(daemon.stderr())?.[1];
  await waitUntil(() => found() !== undefined, 20_000, "orders to be taken");
  return found()!;
}

/** What the control API at `control` answers. */
export async function askFor(
  control: string,
  method: string,
  path: string,
  body?: object,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${control}${path}`, {
    method,
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

/**
 * The answer to an order that is followed.
 * @throws AssertionError with the answer when it is not
 */
export async function orderAt(
  control: string,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const { status, text } = await askFor(control, method, path, body);
  assert.equal(status, 200, `${method} ${path}: ${text}`);
  return JSON.parse(text);
}
