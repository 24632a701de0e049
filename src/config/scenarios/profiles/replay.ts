import * as z from "zod";
import type { RatedSpec } from "../../../plan/profile.js";
import { duration } from "../../fields.js";

const FILE = "must be the path of a file";
const SPEED = "must be a number from 0.001 to 10000";

/** `{replay: {file: arrivals.csv, speed: 2, loop: true}}`: the starts that a file tells of. */
export const replayForm = z
  .strictObject({
    replay: z
      .strictObject({
        file: z
          .string({ error: FILE })
          .min(1, { error: FILE })
          .meta({
            description:
              "File of the starts, in the folder of the (first) configuration file or below it: .csv whose first line names the columns, .jsonl or .ndjson with a mapping on each line, else one time on each line. Columns: time, and where they are known task, queue, priority, or count for so many starts from a time to the next.",
            examples: ["arrivals.csv"],
          }),
        speed: z
          .number({ error: SPEED })
          .min(0.001, { error: SPEED })
          .max(10_000, { error: SPEED })
          .meta({ description: "How many times as fast as it was." })
          .prefault(1),
        loop: z
          .boolean({ error: "must be true or false" })
          .meta({ description: "Start again after the end." })
          .prefault(false),
        maxGap: duration(
          "Longer times without a start, as they were, are cut to this; left out: they are kept.",
          { positive: true },
        ).optional(),
      })
      .meta({ description: "The starts that a file tells of, at the times that it says." }),
  })
  .transform(
    ({ replay: { file, speed, loop, maxGap } }): RatedSpec<"replay"> => ({
      ...{ kind: "replay", file, speed, loop, maxGapMs: maxGap ?? null },
      recording: null,
    }),
  );
