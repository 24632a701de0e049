import { redactUrl } from "../celery/redact-url.js";
import { type Logger, OnceAMinute } from "../log.js";
import type { ObservePlan, ObserverNews } from "../observer/connection-observer.js";

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
        this.#log.debug({ ...fields, part: news.part }, "observing");
        break;
      case "down":
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
    this.#hasEnded = true;
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
