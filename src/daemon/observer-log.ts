import { redactUrl } from "../celery/redact-url.js";
import { type Logger, OnceAMinute } from "../log.js";
import type { ObservePlan, ObserverNews } from "../observer/connection-observer.js";

/**
 * Says in the log what the observers report. Their connections go to brokers whose loss the engine reports
 * already; that they cannot be used is said once a minute, and aloud when events were asked for.
 */
export class ObserverLog {
  readonly #log: Logger;
  readonly #often = new OnceAMinute();

  constructor(log: Logger) {
    this.#log = log;
  }

  write({ name, broker, events }: ObservePlan, news: ObserverNews): void {
    const fields = { connection: name, broker: redactUrl(broker) };
    switch (news.type) {
      case "up":
        this.#often.forget(`${name} ${news.part}`);
        this.#log.debug({ ...fields, part: news.part }, "observing");
        break;
      case "down":
        this.#sometimes(
          events === "on" ? "warn" : "info",
          `${name} ${news.part}`,
          { ...fields, part: news.part, cause: news.cause },
          "the workers' side cannot be observed; trying again until it works",
        );
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
        this.#sometimes(
          "warn",
          `${name} ${news.type}`,
          { ...fields, cause: news.cause },
          "what workers hold unacknowledged is not known; trying again",
        );
        break;
      case "notAsked":
      case "notLookedAt":
        this.#sometimes(
          "info",
          `${name} ${news.type}`,
          { ...fields, cause: news.cause },
          news.type === "notAsked"
            ? "the workers could not be asked; trying again"
            : "the queues could not be looked at; trying again",
        );
        break;
    }
  }

  #sometimes(level: "info" | "warn", kind: string, fields: object, text: string): void {
    if (this.#often.allows(kind, performance.now())) this.#log[level](fields, text);
  }
}
