import { didYouMean } from "../../did-you-mean.js";
import { zoneNamed } from "../../plan/clock/zone.js";
import { type FieldMeta, field, ReadError } from "../fields.js";

/** Days of the week as they are written, Monday first. */
export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

const ZONE_REMEDY = "Write its name in the IANA time zone database such as Europe/Berlin, or UTC.";

/** A time zone, by its name. */
export function zoneField(description: string) {
  const meta = { description, type: "string", examples: ["Europe/Berlin"] } satisfies FieldMeta;
  return field(meta, readZone);
}

/** Reads the name of a time zone. */
export function readZone(value: unknown): string {
  const zone = typeof value === "string" ? zoneNamed(value) : null;
  if (zone !== null) return zone;
  const meant = typeof value === "string" ? zoneMeant(value) : undefined;
  const remedy = meant === undefined ? ZONE_REMEDY : `Did you mean ${meant}?`;
  throw new ReadError("must be a time zone such as Europe/Berlin", { remedy });
}

/** `Berlin` is short for one, `Europe/Berlni` is near one. */
function zoneMeant(text: string): string | undefined {
  const zones = Intl.supportedValuesOf("timeZone");
  const city = `/${text.replaceAll(" ", "_").toLowerCase()}`;
  return zones.find((zone) => zone.toLowerCase().endsWith(city)) ?? didYouMean(text, zones);
}

/** What the text of a time of day must look like. */
export const TIME_OF_DAY = /^([01]?[0-9]|2[0-3]):([0-5][0-9])(:[0-5][0-9])?$/;

/** Reads `09:00` or `09:00:30` as milliseconds after midnight; undefined when it is something else. */
export function timeOfDay(text: string): number | undefined {
  const [, hours, minutes, seconds = ":00"] = TIME_OF_DAY.exec(text) ?? [];
  if (hours === undefined) return undefined;
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds.slice(1))) * 1000;
}

/** Reads `mon` as 0, `sun` as 6; undefined when it is something else. */
export function weekday(text: string): number | undefined {
  const index = (WEEKDAYS as readonly string[]).indexOf(text.toLowerCase());
  return index < 0 ? undefined : index;
}

/** Reads `sat`, `mon-fri`, `sat, sun` or `fri-mon` as days from 0 for Monday; undefined when it is something else. */
export function weekdays(text: string): number[] | undefined {
  const days: number[] = [];
  for (const part of text.split(",")) {
    const [first = "", last = first, ...more] = part.trim().split("-");
    const [from, to] = [weekday(first), weekday(last)];
    if (from === undefined || to === undefined || more.length > 0) return undefined;
    for (let day = from; ; day = (day + 1) % 7) {
      days.push(day);
      if (day === to) break;
    }
  }
  return days;
}
