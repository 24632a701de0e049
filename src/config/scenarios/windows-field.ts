import * as z from "zod";
import { DAY_MS } from "../../plan/clock/local-curve.js";
import { dateOf } from "../../plan/clock/local-day.js";
import type { DayWindow, Windows } from "../../plan/clock/windows.js";
import { field, ReadError, readEach } from "../fields.js";
import { timeOfDay, WEEKDAYS, weekdays, zoneField } from "./local-time.js";

const EXAMPLE = "mon-fri 22:00-06:00";
const REMEDY = `Write it like ${EXAMPLE}, mon-fri 09:00-17:30, sat,sun or 12:00-13:00.`;

const list = (description: string, examples: readonly string[][]) =>
  field(
    { description, type: "array", items: { type: "string" }, minItems: 1, examples },
    (value): DayWindow[] => {
      if (Array.isArray(value) && value.length > 0) {
        return readEach([...value.entries()], ([index, each]) => readWindow(each, index));
      }
      throw new ReadError("must be a list of windows", { remedy: `Write [${EXAMPLE}].` });
    },
  );

/** `{zone: Europe/Berlin, on: [mon-fri 22:00-06:00], except: [2026-12-24]}`: when a scenario may start anything. */
export const windowsSchema = z
  .strictObject({
    zone: zoneField("The time zone, as in `Europe/Berlin`."),
    on: list(
      "Starts come only within these: days, a part of the day, or both; beyond midnight they belong to the day on which they begin.",
      [[EXAMPLE]],
    ).optional(),
    off: list("No starts come within these.", [["mon-fri 12:00-13:00"]]).optional(),
    except: field(
      {
        description: "Dates: a window that begins on one of them is left out.",
        type: "array",
        items: { type: "string", pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" },
        examples: [["2026-12-24"]],
      },
      readDates,
    ).optional(),
  })
  .transform(({ zone, on, off, except }, context): Windows => {
    if (on === undefined && off === undefined) {
      context.addIssue({
        code: "custom",
        message: "must have on or off",
        params: { remedy: `Write on: [${EXAMPLE}].` },
      });
      return z.NEVER;
    }
    return { zone, on: on ?? null, off: off ?? [], except: except ?? [] };
  })
  .meta({
    description:
      "When the scenario may start anything, by the clocks of a time zone; outside it waits, and its profile goes on.",
  });

function readWindow(value: unknown, index: number): DayWindow {
  const [, dayPart = "", from, until] =
    typeof value === "string" ? (FORM.exec(value.trim()) ?? []) : [];
  const days = dayPart === "" ? WEEKDAYS.map((_, day) => day) : weekdays(dayPart);
  const [fromMs, untilMs] =
    from === undefined ? [0, DAY_MS] : [timeOfDay(from), timeOfEnd(until ?? "")];
  const isNothing = dayPart === "" && from === undefined;
  if (days === undefined || fromMs === undefined || untilMs === undefined || isNothing) {
    throw new ReadError("must be days, times, or both", { remedy: REMEDY }, [index]);
  }
  if (fromMs === untilMs) {
    const remedy = "Leave the times out for whole days.";
    throw new ReadError("must not end when it begins", { remedy }, [index]);
  }
  return { days, fromMs, untilMs: untilMs > fromMs ? untilMs : untilMs + DAY_MS };
}

const FORM = /^([a-z, -]*?)\s*(?:([0-9:]+)\s*-\s*([0-9:]+))?$/i;

function timeOfEnd(text: string): number | undefined {
  return text === "24:00" ? DAY_MS : timeOfDay(text);
}

function readDates(value: unknown): number[] {
  if (!Array.isArray(value)) {
    throw new ReadError("must be a list of dates", { remedy: "Write [2026-12-24]." });
  }
  return readEach([...value.entries()], ([index, each]) => {
    // YAML has dates of its own.
    const text = each instanceof Date ? each.toISOString().slice(0, 10) : String(each);
    const date = dateOf(text);
    if (date !== undefined) return date;
    throw new ReadError("must be a date", { remedy: "Write it like 2026-12-24." }, [index]);
  });
}
