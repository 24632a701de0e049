import type { ConnectionEvents, ResultsPart } from "./ports.js";

/** `disabled`: there is nothing to connect to, and no result ever comes. */
export function openNoResults(events: ConnectionEvents): ResultsPart {
  setImmediate(() => events.up("backend", 0)); // nothing is missing
  return {
    results: {
      ready: true,
      lookUp: async () => {},
      forget: async () => {},
      startChords: async () => {
        throw new Error("without results there are no chords"); // the configuration has refused them
      },
    },
    optional: null,
    checkLiveness() {},
    async close() {},
  };
}
