import * as z from "zod";
import { didYouMean } from "../../../did-you-mean.js";
import { isMapping } from "../../../mapping.js";
import type { RatedSpec } from "../../../plan/profile.js";
import type { WeekPoint } from "../../../plan/profiles/week.js";
import { field, ReadError, rateMeta, readAt, readEach, readRate } from "../../fields.js";
import { RATE_PATTERN } from "../../quantities.js";
import { readZone, TIME_OF_DAY, timeOfDay, WEEKDAYS, weekdays } from "../local-time.js";

const DAY_MS = 86_400_000;
const REMEDY = {
  remedy: 'Write {zone: Europe/Berlin, default: 5/s, mon-fri: {"09:00": 80/s, "18:00": 10/s}}.',
  hidesValue: true,
};

const DESCRIPTION =
  "Rates by weekday and hour of a time zone: `zone`, `default`, `steps`, and days such as `mon`, `mon-fri` or `sat,sun`, each with rates by local time. A day begins at `default`, unless it names `00:00`, and the rate goes in a straight line from each time to the next, also over midnight; with `steps: true` it is held until the next.";

/** `{week: {zone: Europe/Berlin, default: 5/s, mon-fri: {"09:00": 80/s}}}`: rates by weekday and hour. */
export const weekForm = z
  .strictObject({
    week: field(
      {
        description: DESCRIPTION,
        type: "object",
        required: ["zone"],
        properties: {
          zone: { type: "string", description: "The time zone, as in `Europe/Berlin`." },
          default: rateMeta("Rate at 00:00 of each day that does not name it, 0/s if left out."),
          steps: { type: "boolean", description: "Hold each rate until the next time." },
        },
        additionalProperties: {
          type: "object",
          propertyNames: { pattern: TIME_OF_DAY.source },
          additionalProperties: { type: "string", pattern: RATE_PATTERN },
        },
        examples: [{ zone: "Europe/Berlin", "mon-fri": { "09:00": "80/s", "18:00": "10/s" } }],
      },
      readWeek,
    ),
  })
  .transform(({ week }): RatedSpec<"week"> => ({ kind: "week", ...week }));

function readWeek(value: unknown): Omit<RatedSpec<"week">, "kind"> {
  if (!isMapping(value)) throw new ReadError("must be rates by weekday and hour", REMEDY);
  if (!Object.hasOwn(value, "zone")) {
    throw new ReadError("must name its time zone", {
      ...REMEDY,
      remedy: "Add zone: Europe/Berlin.",
    });
  }
  let zone = "";
  let isStepped = false;
  let startPerSecond = 0;
  const days: (readonly WeekPoint[] | undefined)[] = WEEKDAYS.map(() => undefined);
  readEach(Object.entries(value), ([key, each]) => {
    if (key === "zone") zone = readAt([key], () => readZone(each));
    else if (key === "default") startPerSecond = readAt([key], () => readRate(each));
    else if (key === "steps") isStepped = readAt([key], () => readFlag(each));
    else {
      const named = readDays(key);
      const points = readHours(key, each);
      for (const day of named) {
        if (days[day] !== undefined) {
          const remedy = "Name each day once.";
          throw new ReadError(
            `must not name ${WEEKDAYS[day]} again`,
            { remedy, hidesValue: true },
            [key],
          );
        }
        days[day] = points;
      }
    }
  });
  const points = days.flatMap((own = [], day) => {
    const begin = own[0]?.atMs === 0 ? [] : [{ atMs: 0, ratePerSecond: startPerSecond }];
    return [...begin, ...own].map(({ atMs, ratePerSecond }) => ({
      ...{ atMs: day * DAY_MS + atMs, ratePerSecond },
    }));
  });
  return { zone, points, isStepped };
}

function readFlag(value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new ReadError("must be true or false");
}

function readDays(key: string): readonly number[] {
  const days = weekdays(key);
  if (days !== undefined) return days;
  const meant = didYouMean(key, ["zone", "default", "steps", "mon-fri", ...WEEKDAYS]);
  const remedy = meant === undefined ? "Write it like mon-fri." : `Did you mean ${meant}?`;
  throw new ReadError(
    "must stand at a day or days such as mon, mon-fri or sat,sun, or be zone, default or steps",
    { remedy, hidesValue: true },
    [key],
  );
}

function readHours(day: string, value: unknown): readonly WeekPoint[] {
  if (!isMapping(value)) {
    const remedy = 'Write {"09:00": 80/s, "18:00": 10/s}.';
    throw new ReadError("must be rates by local time", { remedy }, [day]);
  }
  const points = readEach(Object.entries(value), ([time, rate]) => {
    const atMs = timeOfDay(time);
    if (atMs === undefined) {
      const remedy = 'Write it like "09:00", from "00:00" to "23:59".';
      throw new ReadError("must stand at a time of the day", { remedy, hidesValue: true }, [
        day,
        time,
      ]);
    }
    return readAt([day], () => readAt([time], () => ({ atMs, ratePerSecond: readRate(rate) })));
  });
  points.sort((one, other) => one.atMs - other.atMs);
  const twice = points.findIndex(({ atMs }, index) => atMs === points[index - 1]?.atMs);
  if (twice < 0) return points;
  throw new ReadError(
    "must have each time once",
    { remedy: "Keep one of them.", hidesValue: true },
    [day],
  );
}
