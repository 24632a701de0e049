/** What of an output stream tells how wide it is. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** A terminal that does not say how wide it is. */
const USUAL_COLUMNS = 80;
/** Nothing sensible has room in less. */
const LEAST_COLUMNS = 40;

/** Columns of a terminal now: it may be resized at any time. Null for what is none, which has room for all. */
export function columnsOf({ isTTY, columns }: OutputStream): number | null {
  if (isTTY !== true) return null;
  return Math.max(LEAST_COLUMNS, columns || USUAL_COLUMNS);
}

/**
 * Whether a terminal gets colours. FORCE_COLOR decides first, as in Node, then NO_COLOR (https://no-color.org),
 * which counts when it is there and not empty.
 */
export function wantsColor(
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  const { FORCE_COLOR, NO_COLOR, TERM } = env;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false;
  return isTerminal && TERM !== "dumb";
}
