/** A stretch of time in which a zone's clocks keep the same distance to UTC. */
export interface OffsetStretch {
  /** Local time less UTC, milliseconds. */
  readonly offsetMs: number;
  /** Unix time in milliseconds at which the clocks are changed next; Infinity: not within `LOOK_MS`. */
  readonly untilMs: number;
}

/** How far ahead a change of the clocks is looked for: a year and a day hold each change that returns every year. */
export const LOOK_MS = 366 * 86_400_000;

const DAY_MS = 86_400_000;

/**
 * The name of a zone as `Intl` writes it; null when there is no such zone.
 *
 * Names are those of the IANA time zone database, which Node brings along.
 */
export function zoneNamed(name: string): string | null {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/**
 * The clocks of a zone from a Unix time on, up to their next change. Pure, as the zone's rules are; what was found is
 * kept.
 *
 * @throws RangeError when there is no such zone
 */
export function offsetFrom(zone: string, unixMs: number): OffsetStretch {
  const known = stretchesOf(zone).find(
    ({ fromMs, untilMs }) => fromMs <= unixMs && unixMs < untilMs,
  );
  if (known !== undefined) return known;
  const fromMs = Math.floor(unixMs / 1000) * 1000;
  const found = { fromMs, ...search(zone, fromMs) };
  const kept = stretchesOf(zone);
  kept.push(found);
  if (kept.length > MOST_KEPT) kept.shift();
  return found;
}

/** Local time less UTC at a Unix time, in milliseconds. */
export function offsetAt(zone: string, unixMs: number): number {
  return offsetFrom(zone, unixMs).offsetMs;
}

/** No rule changes the clocks twice on one day: looking once a day overlooks none. */
function search(zone: string, fromMs: number): OffsetStretch {
  const offsetMs = readOffset(zone, fromMs);
  for (let ms = fromMs; ms < fromMs + LOOK_MS; ms += DAY_MS) {
    if (readOffset(zone, ms + DAY_MS) === offsetMs) continue;
    let before = ms;
    let after = ms + DAY_MS;
    while (after - before > 1000) {
      const middle = Math.floor((before + after) / 2000) * 1000;
      if (readOffset(zone, middle) === offsetMs) before = middle;
      else after = middle;
    }
    return { offsetMs, untilMs: after };
  }
  return { offsetMs, untilMs: fromMs + LOOK_MS };
}

/** Of a whole second. */
function readOffset(zone: string, unixMs: number): number {
  const part: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(unixMs)) part[type] = Number(value);
  const { year, month, day, hour, minute, second } = part;
  return Date.UTC(year!, month! - 1, day!, hour!, minute!, second!) - unixMs;
}

/** Making one takes as long as a hundred readings. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      ...{ timeZone, calendar: "iso8601", numberingSystem: "latn", hourCycle: "h23" },
      ...{ year: "numeric", month: "2-digit", day: "2-digit" },
      ...{ hour: "2-digit", minute: "2-digit", second: "2-digit" },
    });
    formats.set(timeZone, format);
  }
  return format;
}

const MOST_KEPT = 16;
const stretches = new Map<string, (OffsetStretch & { readonly fromMs: number })[]>();

function stretchesOf(zone: string) {
  const kept = stretches.get(zone) ?? [];
  stretches.set(zone, kept);
  return kept;
}
