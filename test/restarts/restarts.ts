import { parseArgs } from "node:util";
import { messageOf } from "../../src/errors.js";
import { restartAgainAndAgain } from "../support/restarts.js";

/*
 * npm run restarts -- [--count 100] [--seed 1]: kills a daemon under load at so many random moments, and looks each time
 * whether its state is readable, its plan where the wall clock says, and what was ordered in force.
 */
try {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { count: text, seed: text } });
  const [count, seed] = [Number(values.count ?? 100), Number(values.seed ?? 1)];
  console.log(
    JSON.stringify(await restartAgainAndAgain({ count, seed, say: console.error }), null, 1),
  );
  process.exit(0);
} catch (error) {
  console.error(
    error instanceof Error && error.name === "AssertionError" ? error : messageOf(error),
  );
  process.exit(1);
}
