import type { CeleryEvent, EventBatch } from "../celery/events/event-message.js";

/** Keeps of the events what is asked for later: heartbeats, and those of our own tasks. */
export class HeardEvents {
  malformed = 0;
  /** Celery's version by node. */
  readonly versions = new Map<string, string>();
  /** Nodes that sent events of tasks. */
  readonly withTaskEvents = new Set<string>();
  readonly #byTask = new Map<string, CeleryEvent[]>();
  /** The start that the ids of our tasks share. */
  readonly idPrefix: string;

  constructor(idPrefix: string) {
    this.idPrefix = idPrefix;
  }

  add({ events, malformed }: EventBatch): void {
    this.malformed += malformed;
    for (const event of events) {
      const { type, hostname, uuid, fields } = event;
      if (type === "worker-heartbeat" || type === "worker-online") {
        this.versions.set(hostname, typeof fields.sw_ver === "string" ? fields.sw_ver : "");
      }
      if (type === "worker-offline") this.versions.delete(hostname);
      // Producers send `task-sent`, which says nothing of a worker.
      if (uuid === "" || type === "task-sent") continue;
      this.withTaskEvents.add(hostname);
      if (!uuid.startsWith(this.idPrefix)) continue;
      const known = this.#byTask.get(uuid) ?? [];
      this.#byTask.set(uuid, [...known, event]);
    }
  }

  of(id: string): readonly CeleryEvent[] {
    return this.#byTask.get(id) ?? [];
  }
}
