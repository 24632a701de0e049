import { drive, loopArguments } from "./loop.js";

/** The floor of pacing: the timer and nothing that is sent. */
drive(loopArguments(), () => {});
