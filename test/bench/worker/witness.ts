import { writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { createClock } from "../../../src/clock.js";
import { NoteBook } from "./notes.js";
import { plannedTimesIn } from "./redis.js";

/**
 * A client that never waits: subscribes to all results, keeps what arrives with the time of its arrival, and
 * reads it at the end only. The results of a worker that notes are the planned times of their tasks.
 *
 *     node witness.js BACKEND_URL NOTES_FILE
 */
const [backend, notesFile] = process.argv.slice(2) as [string, string];
const { hostname, port } = new URL(backend);
const clock = createClock();
setInterval(() => clock.anchor(), 1000).unref();

const arrived: { bytes: Buffer; atMs: number }[] = [];
const socket = createConnection({ host: hostname, port: Number(port), noDelay: true });
const pattern = "celery-task-meta-*";
socket.write(`*2\r\n$10\r\nPSUBSCRIBE\r\n$${pattern.length}\r\n${pattern}\r\n`);
socket.on("data", (bytes) => arrived.push({ bytes, atMs: clock.unixMs(clock.nowMs()) }));
// The file says that it listens, even to nothing.
socket.once("data", () => writeFileSync(notesFile, ""));

process.on("SIGTERM", () => {
  const notes = new NoteBook();
  let rest = "";
  for (const { bytes, atMs } of arrived) {
    const text = rest + bytes.toString("latin1");
    const { plannedMs, end } = plannedTimesIn(text);
    for (const planned of plannedMs) notes.add(planned, atMs, atMs);
    rest = text.slice(end);
  }
  notes.write(notesFile);
  process.exit(0);
});
