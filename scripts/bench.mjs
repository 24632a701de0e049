// npm run bench: set-up, then the benchmark with the same arguments.
import { join } from "node:path";
import { prepare, run } from "./prepare.mjs";

await prepare();
const bench = join("dist", "test", "bench", "bench.js");
process.exitCode = await run(process.execPath, [bench, ...process.argv.slice(2)]);
