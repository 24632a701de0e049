/** Stands for what is not known. */
export const UNKNOWN = "–";

/** The widths of numbers are kept calm: three digits that count, and no more. */
export function rateText(perSecond: number | null): string {
  if (perSecond === null) return UNKNOWN;
  return `${numberText(perSecond)}/s`;
}

/** `0`, `0.25`, `9.8`, `59.8`, `1,234`. */
export function numberText(value: number | null): string {
  if (value === null) return UNKNOWN;
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString("en-GB", { maximumFractionDigits: digits });
}

/** A count, all of its digits. */
export function countText(count: number | null): string {
  return count === null ? UNKNOWN : Math.round(count).toLocaleString("en-GB");
}

/** A short time: `1.2 ms`, `340 ms`, `2.50 s`, `12.1 s`. */
export function secondsText(seconds: number | null): string {
  if (seconds === null) return UNKNOWN;
  const ms = seconds * 1000;
  if (ms < 10) return `${Number(ms.toPrecision(2))} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (seconds < 100) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  return durationText(seconds);
}

/** A short time where there is little room, of round numbers: `10 ms`, `1 s`, `100 s`. */
export function shortSecondsText(seconds: number): string {
  return seconds < 1 ? `${Number((seconds * 1000).toPrecision(3))} ms` : `${numberText(seconds)} s`;
}

/** A long time, in its two largest units: `12 s`, `4 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const units: readonly (readonly [size: number, name: string])[] = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const first = units.findIndex(([size]) => whole >= size);
  if (first < 0) return "0 s";
  const [size, name] = units[first]!;
  const [nextSize, nextName] = units[first + 1] ?? [1, "s"];
  const rest = Math.floor((whole % size) / nextSize);
  const head = `${Math.floor(whole / size)} ${name}`;
  return rest === 0 || first === 3 ? head : `${head} ${rest} ${nextName}`;
}

/** `3.2%`, `0.05%`, `100%`. */
export function percentText(ratio: number | null): string {
  if (ratio === null || !Number.isFinite(ratio)) return UNKNOWN;
  return `${Number((ratio * 100).toPrecision(3))}%`;
}

export function bytesText(bytes: number | null): string {
  if (bytes === null) return UNKNOWN;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${numberText(bytes / 1024 ** power)} ${units[power]}`;
}

/** In which zone times are shown. */
export type Zone = "local" | "UTC";

/** A time of the day, Unix seconds: `14:03:07`. */
export function timeText(unixSeconds: number, zone: Zone): string {
  return new Date(unixSeconds * 1000).toLocaleTimeString("en-GB", inZone(zone));
}

/** A day and a time: `12 Nov, 14:03:07`. */
export function dateText(unixSeconds: number, zone: Zone): string {
  const date = new Date(unixSeconds * 1000);
  const day = date.toLocaleDateString("en-GB", {
    ...inZone(zone),
    day: "numeric",
    month: "short",
  });
  return `${day}, ${timeText(unixSeconds, zone)}`;
}

export function inZone(zone: Zone): { timeZone?: string } {
  return zone === "UTC" ? { timeZone: "UTC" } : {};
}

/** `1 task`, `3 tasks`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}
