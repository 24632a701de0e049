import type { StreamSource } from "./events.js";

/** Nothing is kept: who comes reads `/api/v1/history` for what was, and follows from there. */
export class LiveFeed implements StreamSource {
  readonly #listeners = new Set<(text: string) => void>();

  /** Tells everybody who follows. */
  publish(event: "sample" | "status" | "mark", data: object): void {
    if (!this.isFollowed) return;
    // JSON has no line ends of its own, which would end the field.
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    for (const listener of this.#listeners) listener(text);
  }

  /** What nobody follows need not be made. */
  get isFollowed(): boolean {
    return this.#listeners.size > 0;
  }

  beginning(): string {
    return "\n";
  }

  follow(listener: (text: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
