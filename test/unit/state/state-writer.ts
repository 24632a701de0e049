import { readFormer, StateFile } from "../../../src/state/state-file.js";
import { fullState } from "./states.js";

/** Goes on from the revision that it finds, writes one after the other, and tells each that is on disk. */
const [, , path = ""] = process.argv;
const former = readFormer(path);
const { state } = fullState();
let revision = (former.stored?.state.revision ?? 0) + 1;
const log = { warn: () => process.exit(1), info: () => {} };
const file = await StateFile.begin(
  path,
  { ...state, revision },
  { ...former, downtimeSeconds: 0 },
  {
    ...{ nowMs: () => performance.now(), unixMs: () => Date.now(), configHash: "feed", log },
    today: () => ({ day: 20_786, starts: revision }),
  },
);
for (;;) {
  process.stdout.write(`${revision}\n`);
  revision++;
  await file.save({ ...state, revision });
}
