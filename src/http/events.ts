import type { RequestHandler, Response } from "express";

/** What is told of a run. */
const EVENT_TYPES = [
  ...["change", "stage", "state", "guard", "readiness", "verdict", "config"],
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** Every event says in one line what happened; the rest is as its type has it. */
export interface EventData {
  readonly text: string;
  readonly [key: string]: unknown;
}

/** What is remembered for those who come back. */
const KEPT = 1_000;
/** All of it has room in the buffer of a reader who resumes. */
const KEPT_BYTES = 512 * 1024;
/** What waits to be read by one reader; who is further behind is dropped. */
const MAX_UNREAD_BYTES = 1024 * 1024;
const MAX_STREAMS = 50;
const HEARTBEAT_MS = 15_000;
/** When a client tries again after a connection was lost. */
const RETRY_MS = 2_000;

/** An event as it was told. */
export interface ToldEvent {
  readonly number: number;
  readonly type: EventType;
  readonly data: EventData;
  /** As it is sent. */
  readonly text: string;
}

/** What can be followed as server-sent events. */
export interface StreamSource {
  /** What a stream begins with; `lastId`: the last event that the client has seen, null: it is new. */
  beginning(lastId: string | null): string;
  /** Called with every event as it is sent; returns what ends that. */
  follow(listener: (text: string) => void): () => void;
}

/**
 * The events of a run, for all who follow it. An id is the life of the process and a number that grows by one, so that
 * one of another life is not taken for one of this.
 */
export class EventLog implements StreamSource {
  readonly #life: string;
  readonly #now: () => Date;
  #kept: ToldEvent[] = [];
  #keptBytes = 0;
  #newest = 0;
  readonly #listeners = new Set<(event: ToldEvent) => void>();

  constructor(now: () => Date = () => new Date()) {
    this.#now = now;
    this.#life = now().getTime().toString(36);
  }

  /** Tells everybody who follows; `at` is added. */
  publish(type: EventType, data: EventData): void {
    this.#newest++;
    // JSON has no line ends of its own, which would end the field.
    const json = JSON.stringify({ at: this.#now().toISOString(), ...data });
    const text = `id: ${this.newestId}\nevent: ${type}\ndata: ${json}\n\n`;
    const event = { number: this.#newest, type, data, text };
    this.#keep(event);
    for (const listener of this.#listeners) listener(event);
  }

  get newestId(): string {
    return `${this.#life}-${this.#newest}`;
  }

  /** What came after an event, as it is sent; null: that is not known any more, or never was. */
  after(id: string): string | null {
    const [life, digits = ""] = id.split("-");
    const number = /^\d{1,15}$/.test(digits) ? Number(digits) : Number.NaN;
    const oldest = this.#kept[0]?.number ?? this.#newest + 1;
    if (life !== this.#life || !(number >= oldest - 1 && number <= this.#newest)) return null;
    return this.#kept
      .slice(number - oldest + 1)
      .map(({ text }) => text)
      .join("");
  }

  follow(listener: (text: string) => void): () => void {
    return this.listen(({ text }) => listener(text));
  }

  /** Called with every event; returns what ends that. */
  listen(listener: (event: ToldEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * What came next, or behind `lastId`. An event without data is none, but its id is what a client comes back with.
   */
  beginning(lastId: string | null): string {
    const missed = lastId === null ? "" : this.after(lastId);
    if (missed !== null) return lastId === null ? `id: ${this.newestId}\n\n` : `\n${missed}`;
    const text = "events are missing: read /api/v1/scenarios and /api/v1/status again";
    return `id: ${this.newestId}\nevent: reset\ndata: ${JSON.stringify({ text })}\n\n`;
  }

  #keep(event: ToldEvent): void {
    this.#kept.push(event);
    this.#keptBytes += event.text.length;
    while (this.#kept.length > KEPT || this.#keptBytes > KEPT_BYTES) {
      this.#keptBytes -= this.#kept.shift()!.text.length;
    }
  }
}

/**
 * Server-sent events (HTML standard, section 9.2). A stream begins with what comes next, or behind `Last-Event-ID`;
 * when that event is gone, with one called `reset`: what was known before may be out of date. Nobody is waited for:
 * who reads too slowly loses the connection, and may come back.
 */
export function eventStream(source: StreamSource, heartbeatMs = HEARTBEAT_MS): RequestHandler {
  const streams = new Set<Response>();
  return (request, response, next) => {
    if (streams.size >= MAX_STREAMS) {
      const message = `there are ${MAX_STREAMS} streams of events already: close one, or come back`;
      response.set("Retry-After", "10");
      next(Object.assign(new Error(message), { status: 503 }));
      return;
    }
    response.set({
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-cache, no-transform",
      "X-Accel-Buffering": "no",
    });
    if (request.method === "HEAD") {
      response.end();
      return;
    }
    const send = (text: string) => {
      if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
      else response.write(text);
    };
    const stopFollowing = source.follow(send);
    const heartbeat = setInterval(() => send(": still here\n\n"), heartbeatMs).unref();
    streams.add(response);
    response.once("close", () => {
      stopFollowing();
      clearInterval(heartbeat);
      streams.delete(response);
    });
    const lastId = request.get("last-event-id") ?? null;
    send(`retry: ${RETRY_MS}\n${source.beginning(lastId)}`);
  };
}
