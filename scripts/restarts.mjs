// npm run restarts: set-up, then kill -9 at random moments with the same arguments.
import { join } from "node:path";
import { prepare, run } from "./prepare.mjs";

await prepare();
const restarts = join("dist", "test", "restarts", "restarts.js");
process.exitCode = await run(process.execPath, [
  "--enable-source-maps",
  restarts,
  ...process.argv.slice(2),
]);
