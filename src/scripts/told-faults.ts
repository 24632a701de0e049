import { fileURLToPath } from "node:url";
import type { CodeNews } from "./messages.js";

const MOST_CHARACTERS = 1_000;

/**
 * What went wrong in the user's code, told once for each kind and then as a number: a fault in every iteration is one line
 * now and then.
 */
export class ToldFaults {
  readonly #say: (news: CodeNews) => void;
  readonly #counts = new Map<string, { what: string; cause: string; count: number }>();

  constructor(say: (news: CodeNews) => void) {
    this.#say = say;
  }

  add(what: string, error: unknown): void {
    const cause = causeOf(error);
    const known = this.#counts.get(`${what} ${cause}`);
    if (known !== undefined) known.count++;
    else {
      this.#counts.set(`${what} ${cause}`, { what, cause, count: 0 });
      this.#say({ type: "fault", what, cause, count: 1 });
    }
  }

  /** Those that came again; what is told anew afterwards is told at once. */
  flush(): void {
    for (const { what, cause, count } of this.#counts.values()) {
      if (count > 0) this.#say({ type: "fault", what, cause, count });
    }
    this.#counts.clear();
  }
}

/** What was thrown, and the first line of the user's own code in its stack. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return `it threw ${String(error).slice(0, MOST_CHARACTERS)}`;
  const place = placeIn(error.stack ?? "");
  const text = `${error.name}: ${error.message}`.slice(0, MOST_CHARACTERS);
  return place === undefined ? text : `${text} (${place})`;
}

/** `/path/of/script.mjs:12:7` */
export function placeIn(stack: string): string | undefined {
  for (const line of stack.split("\n")) {
    const [, url] = /(?:\(|at (?:async )?)(file:\/\/[^\s)]+)/.exec(line) ?? [];
    if (url === undefined || isOurs(url)) continue;
    const [, file = url, place = ""] = /^(.*?)((?::\d+){1,2})$/.exec(url) ?? [];
    return `${fileURLToPath(file)}${place}`;
  }
  return undefined;
}

/** The folder of this file: nothing of the user's lies in it. */
const OWN = new URL(".", import.meta.url).href;

function isOurs(url: string): boolean {
  return url.startsWith(OWN);
}
