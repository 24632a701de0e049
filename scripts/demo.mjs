// npm run demo: set-up, then `celery-load demo` with the same arguments.
import { join } from "node:path";
import { prepare, run } from "./prepare.mjs";

await prepare();
const main = join("dist", "src", "main.js");
process.exitCode = await run(process.execPath, [main, "demo", ...process.argv.slice(2)]);
