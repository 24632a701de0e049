import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { CHECKOUT } from "../../src/setup/checkout.js";

/** `celery-load ctl` with these arguments, for the daemon whose control API is at `url`. */
export async function ctl(args: readonly string[], url: string) {
  const main = join(CHECKOUT, "dist", "src", "main.js");
  const child = spawn(process.execPath, [main, "ctl", ...args, "--url", url]);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { code: code as number, stdout, stderr };
}
