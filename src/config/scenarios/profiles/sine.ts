import * as z from "zod";
import type { RatedSpec } from "../../../plan/profile.js";
import type { SinePeak } from "../../../plan/profiles/sine.js";
import { duration, field, ReadError, rateMeta, readRate } from "../../fields.js";
import { formatDuration, parseDuration } from "../../quantities.js";
import { readZone, timeOfDay, weekday } from "../local-time.js";

const rate = (description: string) => field(rateMeta(description), readRate);

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

/** `{sine: {mean: 50/s, amplitude: 30/s, period: 24h, peakAt: 14:00 Europe/Berlin}}`: a rate that swings. */
export const sineForm = z
  .strictObject({
    sine: z
      .strictObject({
        mean: rate("Rate that it swings around."),
        amplitude: rate(
          "How far it goes above and below the mean; where it would be below 0 nothing starts.",
        ),
        period: duration("From one peak to the next.", { positive: true }),
        peakAt: field(
          {
            description:
              "When the rate is highest: a local time such as `14:00 Europe/Berlin`, with a period that divides a day, `wed 14:00 Europe/Berlin` with one of 7d, or a time after the start such as `6h`; left out: half a period after the start, which is then the lowest point.",
            type: "string",
            examples: ["14:00 Europe/Berlin", "6h"],
          },
          readPeak,
        ).optional(),
      })
      .meta({ description: "A rate that swings around a mean, without an end." }),
  })
  .transform(({ sine }, context): RatedSpec<"sine"> => {
    const { mean, amplitude, period, peakAt } = sine;
    const fault = peakAt === undefined ? null : faultOf(peakAt, period);
    if (fault !== null) {
      context.addIssue({
        code: "custom",
        path: ["sine", fault.isOfPeriod ? "period" : "peakAt"],
        message: fault.message,
        params: { remedy: fault.remedy },
      });
      return z.NEVER;
    }
    return {
      ...{ kind: "sine", meanPerSecond: mean, amplitudePerSecond: amplitude, periodMs: period },
      peak: peakOf(peakAt, period),
    };
  });

/** As it is written. */
interface WrittenPeak {
  /** After the start; null: it is a local time. */
  readonly afterMs: number | null;
  /** After midnight. */
  readonly timeMs: number;
  /** 0 for Monday; null: of every day. */
  readonly day: number | null;
  readonly zone: string | null;
}

function readPeak(value: unknown): WrittenPeak {
  const remedy = "Write 14:00 Europe/Berlin, or 6h for so long after the start.";
  const words = typeof value === "string" ? value.trim().split(/\s+/) : [];
  const [first = "", ...others] = words;
  if (words.length === 1 && timeOfDay(first) === undefined) {
    try {
      return { afterMs: parseDuration(first), timeMs: 0, day: null, zone: null };
    } catch {
      throw new ReadError("must be a local time with its zone, or a duration", { remedy });
    }
  }
  const day = weekday(first) ?? null;
  const [time = "", zone, ...more] = day === null ? words : others;
  const timeMs = timeOfDay(time);
  if (timeMs === undefined || more.length > 0) {
    throw new ReadError("must be a local time with its zone, or a duration", { remedy });
  }
  if (zone === undefined) {
    throw new ReadError("must name the time zone of its local time", {
      remedy: `Write ${words.join(" ")} Europe/Berlin, or ${words.join(" ")} UTC.`,
    });
  }
  return { afterMs: null, timeMs, day, zone: readZone(zone) };
}

/** Why a peak cannot have such a period; null: it can. */
function faultOf({ zone, day }: WrittenPeak, periodMs: number) {
  if (zone === null) return null;
  if (day !== null && periodMs !== WEEK_MS) {
    return {
      isOfPeriod: false,
      message: `must be a local time of every day, as the period is ${formatDuration(periodMs)} and not 7d`,
      remedy: "Leave the weekday out, or write period: 7d.",
    };
  }
  if (day === null && periodMs === WEEK_MS) {
    return {
      isOfPeriod: false,
      message: "must name the weekday of its local time, as the period is 7d",
      remedy: "Write it like wed 14:00 Europe/Berlin.",
    };
  }
  if (periodMs === WEEK_MS || DAY_MS % periodMs === 0) return null;
  return {
    isOfPeriod: true,
    message: "must divide a day, or be 7d, as peakAt is a local time, which would drift otherwise",
    remedy: "Write 24h, 12h, 8h or 7d, or give peakAt as a duration after the start such as 6h.",
  };
}

function peakOf(peak: WrittenPeak | undefined, periodMs: number): SinePeak {
  if (peak === undefined) return { atMs: periodMs / 2, zone: null };
  const { afterMs, timeMs, day, zone } = peak;
  return { atMs: (afterMs ?? (day ?? 0) * DAY_MS + timeMs) % periodMs, zone };
}
