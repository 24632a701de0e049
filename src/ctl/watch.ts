import { setTimeout as sleep } from "node:timers/promises";
import { answerParts } from "../answer-parts.js";
import { followEvents, UnreachableError } from "./client.js";
import type { ControlTarget } from "./target.js";

/** An event as it came. */
export interface WatchedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
}

/** What is heard of the following: events, and that the connection is gone. */
export interface Watcher {
  readonly onEvent: (event: WatchedEvent) => void;
  readonly onLost: (error: unknown) => void;
}

const RETRY_MS = 2_000;

/**
 * Follows the events until `signal` says that it is enough. A connection that is lost is opened again, behind the
 * last event that came.
 * @throws {UserError} when it is refused, or nothing answers at the beginning
 */
export async function watchEvents(
  target: ControlTarget,
  { onEvent, onLost }: Watcher,
  signal: AbortSignal,
  retryMs = RETRY_MS,
): Promise<void> {
  let lastId: string | null = null;
  let hasBegun = false;
  while (!signal.aborted) {
    try {
      const response = await followEvents(target, lastId, signal);
      hasBegun = true;
      const reader = new EventReader(lastId);
      const decoder = new TextDecoder();
      for await (const part of answerParts(response, signal)) {
        const text = decoder.decode(part, { stream: true });
        for (const event of reader.read(text)) onEvent(event);
        lastId = reader.lastId;
      }
      if (!signal.aborted) onLost(null);
    } catch (error) {
      if (signal.aborted) return;
      // What the daemon refuses it will refuse again; a stream that breaks off is no error of ours.
      const isRefused = error instanceof Error && error.name === "UserError";
      if (isRefused || (!hasBegun && error instanceof UnreachableError)) throw error;
      onLost(error);
    }
    await sleep(retryMs, undefined, { signal }).catch(() => {}); // the loop looks at it
  }
}

/** Reads server-sent events (HTML standard, section 9.2.6), as far as our server writes them: lines end in \n. */
export class EventReader {
  #rest = "";
  /** Of the last event, or of what came without data. */
  lastId: string | null;

  constructor(lastId: string | null) {
    this.lastId = lastId;
  }

  /** The events that are complete with this piece of text. */
  read(text: string): WatchedEvent[] {
    const blocks = (this.#rest + text).split("\n\n");
    this.#rest = blocks.pop()!;
    return blocks.flatMap((block) => {
      const fields = new Map<string, string>();
      for (const line of block.split("\n")) {
        const [, name = "", value = ""] = /^(\w*): ?(.*)$/.exec(line) ?? [];
        fields.set(name, value);
      }
      this.lastId = fields.get("id") ?? this.lastId;
      const data = fields.get("data");
      if (data === undefined) return [];
      const type = fields.get("event") ?? "message";
      return [{ id: this.lastId ?? "", type, data: JSON.parse(data) as unknown }];
    });
  }
}
