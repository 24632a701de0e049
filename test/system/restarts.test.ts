import { test } from "node:test";
import { restartAgainAndAgain } from "../support/restarts.js";

/** The short form of `npm run restarts -- --count 100`. */
test("after kill -9 at random moments state, stage, override and kill switch hold", async () => {
  const result = await restartAgainAndAgain({ count: 5, seed: Date.now(), say: console.log });
  console.log(JSON.stringify(result));
});
