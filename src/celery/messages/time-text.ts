/** How a time is written, in the words of Python's `strftime`; UTC. Pure. */
const PARTS: Readonly<Record<string, (time: Date) => string>> = {
  "%Y": (time) => padded(time.getUTCFullYear(), 4),
  "%m": (time) => padded(time.getUTCMonth() + 1, 2),
  "%d": (time) => padded(time.getUTCDate(), 2),
  "%H": (time) => padded(time.getUTCHours(), 2),
  "%M": (time) => padded(time.getUTCMinutes(), 2),
  "%S": (time) => padded(time.getUTCSeconds(), 2),
  "%f": (time) => `${padded(time.getUTCMilliseconds(), 3)}000`,
  "%z": () => "+0000",
  "%j": (time) =>
    padded(1 + Math.floor((time.getTime() - Date.UTC(time.getUTCFullYear(), 0)) / 86_400_000), 3),
  "%s": (time) => String(Math.floor(time.getTime() / 1000)),
  "%%": () => "%",
};

export const DIRECTIVES: readonly string[] = Object.keys(PARTS);

/** The first directive of a format that there is not; undefined when there are all. */
export function unknownDirective(format: string): string | undefined {
  return format.match(/%.?/gs)?.find((each) => !Object.hasOwn(PARTS, each));
}

/** Writes times in a format, which has only known directives. */
export function timeFormat(format: string): (unixSeconds: number) => string {
  const pieces = format
    .split(/(%.)/s)
    .filter((piece) => piece !== "")
    .map((piece) => PARTS[piece] ?? (() => piece));
  return (unixSeconds) => {
    const time = new Date(unixSeconds * 1000);
    let text = "";
    for (const piece of pieces) text += piece(time);
    return text;
  };
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** A hundred years: what is further away has no year of four digits for certain. */
const MOST_MS = 36_525 * 86_400_000;

/** `+1h`, `-30d` in milliseconds; undefined for anything else. */
export function offsetMs(text: string): number | undefined {
  const [, sign, number, unit] = /^([+-])(\d+(?:\.\d+)?)(ms|[smhdw])$/.exec(text) ?? [];
  const ms = Number(`${sign}${number}`) * UNITS[unit ?? ""]!;
  return Math.abs(ms) <= MOST_MS ? ms : undefined;
}

function padded(number: number, width: number): string {
  return String(number).padStart(width, "0");
}
