import { closeSync, openSync, writeSync } from "node:fs";
import { createClock } from "../../../src/clock.js";
import { holdOf } from "./hold.js";
import { NoteBook } from "./notes.js";
import { serveRabbitmq } from "./rabbitmq.js";
import { serveRedis } from "./redis.js";

/**
 * A worker that no generator should outrun: takes messages in batches and answers each once its time has
 * come, as Celery's backends do. How many it has answered stands in the tally file, as a double;
 * the file is empty until it is ready.
 *
 *     node fake-worker.js BROKER_URL TALLY_FILE HOLD [NOTES_FILE]
 */
const [broker, tallyFile, hold, notesFile] = process.argv.slice(2) as [
  string,
  string,
  string,
  string?,
];
const clock = createClock();
setInterval(() => clock.anchor(), 1000).unref();
const nowMs = () => clock.unixMs(clock.nowMs());
const notes = notesFile === undefined ? null : new NoteBook();
const tally = openSync(tallyFile, "w");
const count = new Float64Array(1);
const writeCount = () => writeSync(tally, new Uint8Array(count.buffer), 0, 8, 0);

/** Tells the driver, and notes the times, of tasks whose answers have been written. */
function answered(plannedMs: readonly number[], receivedMs: number): void {
  count[0]! += plannedMs.length;
  writeCount();
  if (notes !== null) for (const planned of plannedMs) notes.add(planned, receivedMs, nowMs());
}

process.on("SIGTERM", () => {
  if (notesFile !== undefined) notes!.write(notesFile);
  closeSync(tally);
  process.exit(0);
});

const serve = broker.startsWith("amqp") ? serveRabbitmq : serveRedis;
await serve({ broker, hold: holdOf(hold), nowMs, answered, readsPlans: notes !== null });
// A tally says that it is ready, even of nothing.
writeCount();
