import type { RatedSpec } from "../../../plan/profile.js";
import { field, ReadError, rateMeta, readRate } from "../../fields.js";

/** `20/s`: one rate, without an end. */
export const constantForm = field(
  rateMeta("Task starts a second (s), minute (m) or hour (h)."),
  (value) => {
    try {
      return { kind: "constant", ratePerSecond: readRate(value) } satisfies RatedSpec;
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      const remedy = UNBOUNDED.test(String(value)) ? { remedy: "Write max." } : {};
      throw new ReadError(error.message, { ...error.details, noun: "rate", ...remedy });
    }
  },
);

/** Other words for `max`. */
const UNBOUNDED = /^\s*(?:max|maximum|unlimited|unbounded|inf|infinity)\s*$/i;
