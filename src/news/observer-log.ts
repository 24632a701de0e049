import { redactUrl } from "../celery/urls/redact-url.js";
import { isFull } from "../connections/limit.js";
import { type Logger, OnceAMinute } from "../log.js";
import type { ObservePlan, ObserverNews, Part } from "../observer/connection-observer.js";

/** So long it is waited whether what cannot be observed is only another sign of a broker that is away. */
const SETTLING_MS = 2_000;

/**
 * Says in the log what an observer reports. Its connections go to a broker whose loss the engine reports already: what
 * comes of that is not said again. Anything else is said once a minute, and aloud when events were asked for.
 */
export class ObserverLog {
  readonly #log: Logger;
  readonly #plan: ObservePlan;
  readonly #isBrokerUp: () => boolean;
  readonly #often = new OnceAMinute();
  /** What is to be said unless it is settled soon, by its kind. */
  readonly #unsaid = new Map<string, NodeJS.Timeout>();
  /** Without a place on a server that is full: those that are to be told of, and those that were. */
  readonly #placeless = { untold: new Set<Part>(), told: new Set<Part>() };
  #sayPlaceless = () => {};
  #hasEnded = false;

  /** `isBrokerUp`: for the engine. */
  constructor(log: Logger, plan: ObservePlan, isBrokerUp: () => boolean) {
    this.#log = log;
    this.#plan = plan;
    this.#isBrokerUp = isBrokerUp;
  }

  write(news: ObserverNews): void {
    const fields = { connection: this.#plan.name, broker: redactUrl(this.#plan.broker) };
    switch (news.type) {
      case "up":
        clearTimeout(this.#unsaid.get(news.part));
        this.#unsaid.delete(news.part);
        for (const parts of Object.values(this.#placeless)) parts.delete(news.part);
        this.#log.debug({ ...fields, part: news.part }, "observing");
        break;
      case "down":
        if (isFull(news.cause)) {
          this.#findsNoPlace(news.part, { ...fields, cause: news.cause });
          break;
        }
        // The engine uses the same server, and tells.
        if (news.part === "memory") break;
        this.#later(
          this.#plan.events === "on" ? "warn" : "info",
          news.part,
          { ...fields, part: news.part, cause: news.cause },
          "the workers' side cannot be observed; trying again until it works",
        );
        break;
      case "setting":
        this.#log[news.isProblem ? "warn" : "info"]({ ...fields, remedy: news.remedy }, news.says);
        break;
      case "queueFell": {
        const { queue, from, to, taken } = news;
        const then = to === null ? "is gone" : `fell to ${to}`;
        this.#log.warn(
          { ...fields, queue, from, to, taken },
          `queue ${JSON.stringify(queue)} had ${from} messages and ${then}, and of ${taken} workers say that they took them: was it purged or deleted, was its database emptied (FLUSHDB), or did they expire? What was in it ends as timed out`,
        );
        break;
      }
      case "switchedOn":
        this.#log.info(
          { ...fields, workers: news.workers },
          "task events were off and are on while we run",
        );
        break;
      case "notSwitchedOff":
        this.#log.warn(
          { ...fields, cause: news.cause },
          "task events could not be switched off again; they stay on until the workers restart, or `celery control disable_events`",
        );
        break;
      case "managementSilent":
        this.#later(
          "warn",
          news.type,
          { ...fields, cause: news.cause },
          "what workers hold unacknowledged is not known; trying again",
        );
        break;
      case "notAsked":
      case "notLookedAt":
        this.#later(
          "info",
          news.type,
          { ...fields, cause: news.cause },
          news.type === "notAsked"
            ? "the workers could not be asked; trying again"
            : "the queues could not be looked at; trying again",
        );
        break;
    }
  }

  /** The report is printed: what becomes of the observer's connections from now on is no news. */
  runHasEnded(): void {
    this.#sayPlaceless(); // nothing else would tell what the run has not seen
    this.#hasEnded = true;
  }

  /** Of all that meet it together one line, and none again until they had a place. */
  #findsNoPlace(part: Part, fields: Fields): void {
    const { untold, told } = this.#placeless;
    if (told.has(part)) return;
    untold.add(part);
    if (untold.size > 1) return;
    this.#sayPlaceless = () => {
      const parts = [...untold];
      untold.clear();
      if (this.#hasEnded || !this.#isBrokerUp() || parts.length === 0) return;
      for (const each of parts) told.add(each);
      this.#log.warn(
        { ...fields, parts },
        "the server is full, and the places are for the load: what is observed over these connections is not known; each asks for a place again in a minute at most",
      );
    };
    setTimeout(() => this.#sayPlaceless(), SETTLING_MS).unref();
  }

  #later(level: "info" | "warn", kind: string, fields: Fields, text: string): void {
    if (this.#unsaid.has(kind)) return;
    const timer = setTimeout(() => {
      this.#unsaid.delete(kind);
      if (this.#hasEnded || !this.#isBrokerUp()) return;
      // Several parts may have met the same.
      if (this.#often.allows(fields.cause, performance.now())) this.#log[level](fields, text);
    }, SETTLING_MS);
    this.#unsaid.set(kind, timer.unref());
  }
}

interface Fields {
  readonly cause: string;
  readonly [field: string]: string;
}
