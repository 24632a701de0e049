import { causeOf } from "./told-faults.js";
import { loadCode } from "./user-code.js";

/*
 * Entry of a process that loads a module of the user's and says whether it can be used: whatever the module does, it is
 * over with the process.
 */
const code = await loadCode(process.argv[2]!, causeOf);
const answer = JSON.stringify("cause" in code ? code.cause : null);
process.stdout.write(`celery-load-probe ${answer}\n`, () => process.exit(0));
