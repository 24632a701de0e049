// Ends with 1, and says why on stderr, where today's brokers cannot be had; for scripts/test.mjs.
import { UserError } from "../../src/errors.js";
import { ensureTodaysBrokers } from "./todays-brokers.js";

try {
  await ensureTodaysBrokers();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
