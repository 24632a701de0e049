import * as z from "zod";
import { didYouMean } from "../../did-you-mean.js";
import { isMapping } from "../../mapping.js";
import { duration, field, ReadError, readAt, readDuration } from "../fields.js";
import { MAPPING_FORMS } from "../shape.js";
import { readThreshold, THRESHOLD_PATTERN, type ThresholdText } from "./threshold-text.js";

/** What the whole run is held against at its end, and while it lasts. */
export interface ThresholdConfig extends ThresholdText {
  /** A run that misses it ends at once. */
  readonly abort: boolean;
  /** Before so much of the run, in milliseconds, it does not end it. */
  readonly afterMs: number;
}

const text = {
  type: "string",
  pattern: THRESHOLD_PATTERN,
  examples: ["p95(resize) < 800ms", "failed(all) < 1%"],
};

/** Its keys, for editors and "did you mean". */
const mapping = z.strictObject({
  check: z.string().meta({
    description:
      "p50 to p99.9, mean, max, rate, failed, dropped or timed_out of a task (key or registered name), a scenario or all, and its limit.",
    ...text,
  }),
  abort: z
    .boolean()
    .meta({ description: "End the run as soon as it is missed, with exit code 99." })
    .prefault(false),
  after: duration("How long the run must have lasted before it is ended.").prefault("0s"),
});

const KEYS = Object.keys(mapping.shape);

/** A threshold, or a mapping that says more of it. */
export const thresholdField = field(
  {
    description:
      "A threshold as in k6, judged at the end: p50 to p99.9, mean, max, rate, failed, dropped or timed_out of a task (its key or registered name), a scenario or all, and its limit.",
    anyOf: [text, z.toJSONSchema(mapping, { io: "input", target: "draft-7" })],
    examples: ["p95(resize) < 800ms", { check: "failed(all) < 1%", abort: true, after: "30s" }],
  },
  read,
);
MAPPING_FORMS.set(thresholdField, mapping);

function read(written: unknown): ThresholdConfig {
  if (!isMapping(written)) return { ...readThreshold(written), abort: false, afterMs: 0 };
  const unknown = Object.keys(written).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    const meant = didYouMean(unknown, KEYS);
    const remedy = meant === undefined ? "Remove it." : `Did you mean ${meant}?`;
    const details = { remedy, hidesValue: true };
    const message = `must have no key but ${KEYS.join(", ")}; ${unknown} is none of them`;
    throw new ReadError(message, details);
  }
  const { check, abort = false, after = "0s" } = written;
  if (typeof abort !== "boolean") {
    throw new ReadError("must be true or false", { remedy: "Write abort: true." }, ["abort"]);
  }
  return {
    ...readAt(["check"], () => readThreshold(check)),
    abort,
    afterMs: readAt(["after"], () => readDuration(after)),
  };
}
