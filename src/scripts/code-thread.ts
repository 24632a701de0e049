import { format } from "node:util";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { CodeNews, FromCode, ToCode } from "./messages.js";
import type { CodeStart } from "./module-plan.js";
import { PayloadMaker } from "./payload-maker.js";
import { ScriptUsers } from "./script-users.js";
import { causeOf, ToldFaults } from "./told-faults.js";
import { loadCode } from "./user-code.js";

/*
 * Entry of a thread that runs a module of the user's. Nothing that it does reaches further: it speaks with an engine
 * thread by a port of its own, which never waits for it, and with the main thread, which watches its pulse.
 */

const PULSE_MS = 250;
const TELL_MS = 1_000;
const MOST_CHARACTERS = 2_000;

const { start, engine } = workerData as { start: CodeStart; engine: MessagePort };
const tell = (news: CodeNews) => parentPort!.postMessage(news);
const say = (message: FromCode) => engine.postMessage(message);
const faults = new ToldFaults(tell);

const pulse = new Int32Array(start.pulse);
setInterval(() => Atomics.add(pulse, 0, 1), PULSE_MS);
for (const method of ["debug", "error", "info", "log", "warn"] as const) {
  console[method] = (...words: unknown[]) =>
    tell({ type: "said", line: format(...words).slice(0, MOST_CHARACTERS) });
}
// What is left behind by one user is no reason to end all others.
process.on("unhandledRejection", (error) =>
  faults.add("a promise was rejected that nobody awaits", error),
);
process.on("uncaughtException", (error) => faults.add("an error was not caught", error));

const code = await loadCode(start.module.path, causeOf);
if ("cause" in code) tell({ type: "unusable", cause: code.cause });
else {
  const { payloads, scripts } = start.module;
  const makers = new Map(
    payloads.map((use) => [use.entry, new PayloadMaker(code.run as never, use, start, say)]),
  );
  const users = new Map(
    scripts.map((use) => [
      use.scenario,
      new ScriptUsers(code.run as never, use, start, { say, faults }),
    ]),
  );
  engine.on("message", (message: ToCode) => {
    if (message.type === "make") makers.get(message.entry)?.make(message.count);
    else if (message.type === "iterate") users.get(message.scenario)?.iterate(message.users);
    else {
      for (const ended of message.ended) [...users.values()].some((each) => each.ended(ended));
    }
  });
  const tellCounts = () => {
    const tallies = [...users.values()].flatMap((each) => each.takeTally() ?? []);
    if (tallies.length > 0) tell({ type: "tally", tallies });
    faults.flush();
  };
  setInterval(tellCounts, TELL_MS);
  parentPort!.on("message", () => {
    tellCounts();
    process.exit();
  });
  tell({ type: "loaded" });
  say({ type: "ready" });
}
