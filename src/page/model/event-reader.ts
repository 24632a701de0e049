/** One server-sent event. */
export interface ServerEvent {
  readonly type: string;
  readonly data: string;
}

/**
 * Reads server-sent events (HTML standard, section 9.2) from a stream of text that comes in any pieces. By hand, since
 * the browser's own reader sends no token.
 */
export class EventReader {
  #rest = "";
  #type = "";
  #data: string[] = [];

  /** The events that are complete with this piece. */
  read(piece: string): ServerEvent[] {
    const lines = (this.#rest + piece).split("\n");
    this.#rest = lines.pop()!;
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line: string): ServerEvent[] {
    if (line === "") {
      const event = { type: this.#type || "message", data: this.#data.join("\n") };
      const isOne = this.#data.length > 0;
      this.#type = "";
      this.#data = [];
      return isOne ? [event] : [];
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line)!;
    if (field === "event") this.#type = value!;
    if (field === "data") this.#data.push(value!);
    return [];
  }
}
