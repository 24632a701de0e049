import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { hostname } from "node:os";
import { type CompiledBody, compileBody } from "../celery/arguments.js";
import { dateDoneUnixMs, readResult } from "../celery/result.js";
import { taskId } from "../celery/task-id.js";
import type { Clock } from "../clock.js";
import type { ConnectionConfig, TaskConfig } from "../config/schema.js";
import { openConnection } from "../connections/open.js";
import type { Connection, ConnectionRole, PublishOutcome } from "../connections/ports.js";
import { MessageMaker, prepareMessages } from "../engine/message-maker.js";
import { messageOf } from "../errors.js";
import type { ReceivedResult, SentTask } from "./facts.js";

export interface TaskSenderOptions {
  readonly connection: ConnectionConfig;
  readonly clock: Clock;
  readonly idPrefix: string;
  /** Lines of the files that argument templates name. */
  readonly readLines: (name: string) => readonly string[];
  readonly report: {
    up(): void;
    down(role: ConnectionRole, cause: string, isConfiguration: boolean): void;
  };
}

/** What is known of a task when its result has come, or was not waited for any longer. */
export type Sending = Omit<SentTask, "events" | "place">;

/**
 * Sends single tasks as the daemon does, through the same connections and messages, and waits for each
 * result. Stored results are removed when it is closed.
 */
export class TaskSender {
  readonly #options: TaskSenderOptions;
  readonly #connection: Connection;
  readonly #maker: MessageMaker;
  /** Final results by task id. */
  readonly #results = new EventEmitter();
  readonly #ended: string[] = [];
  #sent = 0;

  constructor(options: TaskSenderOptions) {
    const { connection, idPrefix, report } = options;
    this.#options = options;
    this.#maker = new MessageMaker(options.clock, idPrefix);
    let isUp = false;
    this.#connection = openConnection({
      broker: connection.broker,
      backend: connection.backend,
      transport: connection.options,
      queues: [], // declares nothing
      idPrefix,
      replyTo: randomUUID(),
      events: {
        up: () => {
          const { publisher, results } = this.#connection;
          if (isUp || !publisher.ready || !results.ready) return;
          isUp = true;
          report.up();
        },
        down: (role, cause, isConfiguration) => report.down(role, cause, isConfiguration),
        blocked() {},
        restartedEmpty() {},
        repliesLost() {},
        resultsMissed() {},
        result: (channel, idAt, text) => this.#receive(channel.slice(idAt), text),
      },
    });
  }

  /** Sends one task and waits so long for its result. */
  async send(task: TaskConfig, waitMs: number): Promise<Sending> {
    const { clock, idPrefix } = this.#options;
    const number = this.#sent++;
    const id = taskId(idPrefix, number, number);
    const plannedMs = clock.nowMs();
    const waiting = this.#result(id, waitMs);
    const publishing = this.#publish(task, number, plannedMs);
    const { outcome, reason, publishCallMs, answeredMs } = await publishing;
    const isQueued = outcome === "accepted" || outcome === "unknown";
    const result = isQueued ? await waiting.result : null;
    waiting.stop();
    return {
      sent: true,
      id,
      outcome,
      reason,
      plannedMs,
      publishCallMs,
      publishCallUnixMs: clock.unixMs(publishCallMs),
      answeredMs,
      result,
      waitedMs: clock.nowMs() - plannedMs,
    };
  }

  async close(): Promise<void> {
    try {
      if (this.#ended.length > 0) await this.#connection.results.forget(this.#ended);
    } catch {
      // The connection is gone: the results expire by themselves.
    }
    await this.#connection.close();
  }

  async #publish(task: TaskConfig, number: number, plannedMs: number): Promise<Published> {
    const { clock, readLines } = this.#options;
    const { publisher } = this.#connection;
    let publishCallMs = plannedMs;
    return new Promise<Published>((resolve) => {
      const answer = (outcome: PublishOutcome, reason: string) =>
        resolve({ outcome, reason, publishCallMs, answeredMs: clock.nowMs() });
      try {
        const spec = { ...task, origin: `gen${process.pid}@${hostname()}` };
        const messages = prepareMessages(publisher, spec, bodyOf(task, readLines));
        publishCallMs = clock.nowMs();
        const message = this.#maker.make(messages, number, number, plannedMs, publishCallMs);
        publisher.publish(messages.template.destination, [message], (_from, _to, outcome, reason) =>
          answer(outcome, reason),
        );
      } catch (error) {
        answer("invalid", messageOf(error));
      }
    });
  }

  #receive(id: string, text: string): void {
    const { state, exception } = readResult(text);
    if (state !== "SUCCESS" && state !== "FAILURE" && state !== "REVOKED") return;
    const receivedMs = this.#options.clock.nowMs();
    const doneUnixMs = dateDoneUnixMs(text);
    this.#ended.push(id);
    this.#results.emit(id, {
      state,
      exception,
      receivedMs,
      receivedUnixMs: this.#options.clock.unixMs(receivedMs),
      doneUnixMs: Number.isNaN(doneUnixMs) ? null : doneUnixMs,
    } satisfies ReceivedResult);
  }

  /** The first final result, which may come before the broker's answer; null when none comes in time. */
  #result(id: string, waitMs: number): { result: Promise<ReceivedResult | null>; stop(): void } {
    let stop = () => {};
    const result = new Promise<ReceivedResult | null>((resolve) => {
      const timer = setTimeout(resolve, waitMs, null);
      this.#results.once(id, resolve);
      stop = () => {
        clearTimeout(timer);
        this.#results.off(id, resolve);
      };
    });
    return { result, stop };
  }
}

type Published = Pick<SentTask, "outcome" | "reason" | "publishCallMs" | "answeredMs">;

function bodyOf(task: TaskConfig, readLines: (name: string) => readonly string[]): CompiledBody {
  return compileBody([...task.args], task.kwargs, { readLines, random: Math.random });
}
