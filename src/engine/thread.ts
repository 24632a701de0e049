import { parentPort } from "node:worker_threads";
import { takeLibraryLines } from "../library-lines.js";
import { EngineThread } from "./engine-thread.js";
import type { EngineMessage, EngineStart, MainMessage } from "./messages.js";

/** Entry of a worker thread of the engine: it waits for what it is to do. */
const port = parentPort!;
const say = (message: EngineMessage) => port.postMessage(message);
// What follows up to the listener below runs before the next message is handed out.
const start = await new Promise<EngineStart>((resolve) => port.once("message", resolve));
takeLibraryLines((line) => say({ type: "library", line }));
const engine = new EngineThread(start, say);
port.on("message", (message: MainMessage) => engine.receive(message));
