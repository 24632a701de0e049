import { setTimeout as sleep } from "node:timers/promises";
import type { WorkerClock } from "../celery/events/worker-clock.js";
import { messageOf } from "../errors.js";
import type { Problem } from "../http/app.js";
import type { Logger } from "../log.js";
import { ObserverLog } from "../news/observer-log.js";
import {
  ConnectionObserver,
  type ObservedConnection,
  type ObservePlan,
} from "../observer/connection-observer.js";
import type { TaskListener } from "../observer/task-events.js";

/** How long the plan's clock waits for the observers, so that they see the first tasks as well. */
const OPENING_MS = 500;

export interface ObserversOptions {
  readonly log: Logger;
  /** Is the engine connected to the broker of this connection? */
  readonly isBrokerUp: (connection: number) => boolean;
  /** Who is told what events of a connection's workers say. */
  readonly listeners: (connection: number) => readonly TaskListener[];
}

/** What is observed of the workers' side of all connections, each by its own observer. */
export class Observers {
  readonly #options: ObserversOptions;
  #plans: readonly ObservePlan[];
  readonly #logs: readonly ObserverLog[];
  readonly #observers: readonly ConnectionObserver[];

  constructor(plans: readonly ObservePlan[], options: ObserversOptions) {
    const { log, isBrokerUp, listeners } = options;
    this.#options = options;
    this.#plans = plans;
    this.#logs = plans.map(
      (plan, connection) => new ObserverLog(log, plan, () => isBrokerUp(connection)),
    );
    this.#observers = plans.map((plan, connection) => {
      const say = this.#logs[connection]!;
      return new ConnectionObserver({
        plan,
        listeners: listeners(connection),
        say: (news) => say.write(news),
      });
    });
  }

  /** Connects. Resolves when all are connected, or were waited for long enough. */
  async open(): Promise<void> {
    const opened = Promise.all(this.#observers.map((observer) => observer.open()));
    await Promise.race([opened, sleep(OPENING_MS, undefined, { ref: false })]);
  }

  /** Another plan for the same connections has taken over. */
  follow(plans: readonly ObservePlan[]): void {
    this.#plans = plans;
    for (const [connection, observer] of this.#observers.entries()) {
      observer.follow(plans[connection]!, this.#options.listeners(connection));
    }
  }

  observed(): ObservedConnection[] {
    return this.#observers.map((observer) => observer.observed());
  }

  /** Leaves the places on a server that is full to the load. */
  stepAside(): void {
    for (const observer of this.#observers) observer.stepAside();
  }

  /** What the times of our tasks say of the clocks of a connection's workers. */
  clocks(connection: number, clocks: readonly WorkerClock[]): void {
    this.#observers[connection]?.clocks(clocks);
  }

  /** Event streams that the configuration wants and that are not there. */
  problems(): Problem[] {
    return this.#plans.flatMap(({ name, events }, index) =>
      events !== "on" || this.#observers[index]!.isListening
        ? []
        : [{ connection: name, role: "events", message: "no events of workers can be heard" }],
    );
  }

  /** Has workers revoke what is in flight. */
  async revoke(idsInFlight: (connection: number) => Promise<string[]>): Promise<void> {
    await Promise.all(
      this.#observers.map(async (observer, connection) =>
        this.#revoke(observer, this.#plans[connection]!.name, await idsInFlight(connection)),
      ),
    );
  }

  /** What becomes of their connections from now on is no news. */
  runHasEnded(): void {
    for (const log of this.#logs) log.runHasEnded();
  }

  async close(): Promise<void> {
    await Promise.all(this.#observers.map((observer) => observer.close()));
  }

  async #revoke(observer: ConnectionObserver, connection: string, ids: string[]): Promise<void> {
    if (ids.length === 0) return;
    const { log } = this.#options;
    const fields = { connection, tasks: ids.length };
    try {
      const { heardBy } = await observer.revoke(ids);
      log.warn(
        { ...fields, heardBy },
        heardBy === 0
          ? "no worker has heard that what is in flight is revoked"
          : "workers were told to revoke what is in flight",
      );
    } catch (error) {
      log.error({ ...fields, cause: messageOf(error) }, "what is in flight could not be revoked");
    }
  }
}
