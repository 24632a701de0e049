// npm run matrix: set-up, then the compatibility matrix with the same arguments.
import { join } from "node:path";
import { prepare, run } from "./prepare.mjs";

await prepare();
const matrix = join("dist", "test", "matrix", "matrix.js");
process.exitCode = await run(process.execPath, [
  "--enable-source-maps",
  matrix,
  ...process.argv.slice(2),
]);
