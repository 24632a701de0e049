import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Row, RowShape } from "../celery/messages/body-text.js";
import { taskId } from "../celery/messages/task-id.js";
import { dateDoneUnixMs, type ResultState, readResult } from "../celery/results/result.js";
import type { Clock } from "../clock.js";
import type { ConnectionConfig } from "../config/schema.js";
import { openConnection } from "../connections/open.js";
import type { Connection, ConnectionRole, Message } from "../connections/ports.js";
import {
  compileFirstBodies,
  type EntryMessages,
  MessageMaker,
  membersOf,
  prepareMessages,
} from "../engine/message-maker.js";
import type { EntryPlan } from "../engine/messages.js";
import { messageOf } from "../errors.js";
import type { ReceivedResult, SentTask } from "./facts.js";

/** A row of data, and what columns it has. */
export interface FirstRow {
  readonly shape: RowShape;
  readonly row: Row;
}

export interface TaskSenderOptions {
  readonly connection: ConnectionConfig;
  /** What will be sent. */
  readonly starts: readonly EntryPlan[];
  /** Those of the whole configuration, to which workflows refer. */
  readonly entries: readonly EntryPlan[];
  readonly clock: Clock;
  readonly idPrefix: string;
  /** Lines of the files that argument templates name. */
  readonly readLines: (name: string) => readonly string[];
  /** Of each data of the plan, what its tasks are tried with. */
  readonly firstRows: readonly FirstRow[];
  readonly report: {
    up(): void;
    down(role: ConnectionRole, cause: string, isConfiguration: boolean): void;
  };
}

/** What is known of a task when its result has come, or was not waited for any longer. */
export type Sending = Omit<SentTask, "events" | "place">;

/**
 * Sends single tasks and workflows as the daemon does, through the same connections and messages, and
 * waits for each result. Stored results are removed when it is closed.
 */
export class TaskSender {
  readonly #options: TaskSenderOptions;
  readonly #connection: Connection;
  readonly #maker: MessageMaker;
  readonly #replyTo = randomUUID();
  /** What each entry publishes, or why it cannot be written. */
  readonly #messages: ReadonlyMap<EntryPlan, readonly EntryMessages[] | Error>;
  /** Final results by task id. */
  readonly #results = new EventEmitter();
  readonly #ended: string[] = [];
  /** Groups of the chords that were started. */
  readonly #chords: string[] = [];
  /** Tasks and workflows that were published and have not ended. */
  #owed = 0;
  #isBlocked = false;
  #ids = 0;

  constructor(options: TaskSenderOptions) {
    const { connection, idPrefix, report } = options;
    this.#options = options;
    this.#maker = new MessageMaker(options.clock);
    let isUp = false;
    this.#connection = openConnection({
      broker: connection.broker,
      backend: connection.backend,
      transport: connection.options,
      backendTransport: connection.backendOptions,
      client: connection.client,
      sendTaskSentEvents: false,
      idPrefix,
      replyTo: this.#replyTo,
      events: {
        up: () => {
          const { publisher, results } = this.#connection;
          if (isUp || !publisher.ready || !results.ready) return;
          isUp = true;
          this.#connection.optional.open();
          report.up();
        },
        down: (role, cause, isConfiguration) => report.down(role, cause, isConfiguration),
        blocked: (isBlocked) => {
          this.#isBlocked = isBlocked;
        },
        dataLost() {},
        repliesLost() {},
        sentEventsLost() {},
        resultsMissed() {},
        result: (channel, idAt, text) => this.#receive(channel.slice(idAt), text),
      },
    });
    // Before it is connected, as a channel is then opened for each way that messages go.
    this.#messages = new Map(options.starts.map((entry) => [entry, this.#compile(entry)]));
  }

  /** Sends what the entry starts, and waits so long for all its results. */
  async send(entry: EntryPlan, waitMs: number): Promise<Sending> {
    const { clock } = this.#options;
    const count = entry.workflow === null ? 1 : membersOf(entry.workflow).length;
    const ids = Array.from({ length: count }, () => this.#nextId());
    const plannedMs = clock.nowMs();
    const end = this.#end(ids, waitMs);
    const published = await this.#publish(entry, ids, plannedMs, waitMs);
    const isQueued = published.outcome === "accepted" || published.outcome === "unknown";
    if (!isQueued) end.giveUp();
    else this.#owed++;
    const reached = await end.reached;
    if (isQueued && reached.missingId === null) this.#owed--;
    return {
      sent: true,
      ids,
      ...published,
      plannedMs,
      publishCallUnixMs: clock.unixMs(published.publishCallMs),
      ...reached,
      waitedMs: clock.nowMs() - plannedMs,
    };
  }

  async close(): Promise<void> {
    const { results } = this.#connection;
    if (this.#ended.length > 0 || this.#chords.length > 0) {
      try {
        await inTime(() => results.forget(this.#ended, this.#chords));
      } catch {
        // The connection is gone: they expire by themselves.
      }
    }
    await this.#connection.close(this.#owed > 0);
  }

  #nextId(): string {
    const number = this.#ids++;
    return taskId(this.#options.idPrefix, number, number);
  }

  #compile(entry: EntryPlan): EntryMessages[] | Error {
    const { entries, readLines } = this.#options;
    const rows = this.#firstRowOf(entry)?.shape ?? null;
    const sources = { readLines, random: Math.random, rows };
    const origin = `gen${process.pid}@${hostname()}`;
    try {
      return compileFirstBodies(entry, entries, this.#replyTo, sources).map((body) =>
        prepareMessages(this.#connection.publisher, body, origin),
      );
    } catch (error) {
      return new Error(messageOf(error));
    }
  }

  async #publish(
    entry: EntryPlan,
    ids: readonly string[],
    plannedMs: number,
    waitMs: number,
  ): Promise<Published> {
    const { clock } = this.#options;
    const publishCallMs = clock.nowMs();
    let answer: Answer;
    try {
      const group = this.#nextId();
      const made = this.#make(entry, ids, group, plannedMs, publishCallMs);
      await this.#startChord(entry, group);
      const answers = await Promise.all(made.map((each) => this.#publishOne(...each, waitMs)));
      const refusal = answers.find(({ outcome }) => outcome !== "accepted");
      answer = refusal ?? { outcome: "accepted", reason: "" };
    } catch (error) {
      answer = { outcome: "invalid", reason: messageOf(error) };
    }
    return { ...answer, publishCallMs, answeredMs: clock.nowMs() };
  }

  /** Destinations and messages; all are made before one goes out. */
  #make(
    entry: EntryPlan,
    ids: readonly string[],
    group: string,
    plannedMs: number,
    nowMs: number,
  ): (readonly [string, Message])[] {
    const templates = this.#messages.get(entry) ?? new Error("it was not prepared");
    if (templates instanceof Error) throw templates;
    const row = this.#firstRowOf(entry)?.row ?? null;
    return templates.map((each) => [
      each.template.destination,
      this.#maker.make(each, plannedMs, nowMs, ids[each.member]!, group, ids, row),
    ]);
  }

  #firstRowOf({ data }: EntryPlan): FirstRow | undefined {
    return data === null ? undefined : this.#options.firstRows[data];
  }

  /** Without its size the body of a chord never runs. */
  async #startChord({ workflow }: EntryPlan, group: string): Promise<void> {
    const [first = [], ...rest] = workflow?.stages ?? [];
    if (first.length < 2 || rest.length === 0) return;
    this.#chords.push(group);
    await inTime(() => this.#connection.results.startChords([{ group, size: first.length }]));
  }

  #publishOne(destination: string, message: Message, waitMs: number): Promise<Answer> {
    const { publisher } = this.#connection;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const why = this.#isBlocked ? " for its memory or disk alarm" : "";
        resolve({ outcome: "unknown", reason: `the broker does not answer${why}` });
      }, waitMs);
      publisher.publish(destination, [message], (_from, _to, outcome, reason) => {
        clearTimeout(timer);
        resolve({ outcome, reason });
      });
    });
  }

  #receive(id: string, text: string): void {
    const { state, exception } = readResult(text);
    if (!FINAL.has(state)) return;
    const receivedMs = this.#options.clock.nowMs();
    const doneUnixMs = dateDoneUnixMs(text);
    this.#ended.push(id);
    this.#results.emit(id, {
      id,
      state,
      exception,
      receivedMs,
      receivedUnixMs: this.#options.clock.unixMs(receivedMs),
      doneUnixMs: Number.isNaN(doneUnixMs) ? null : doneUnixMs,
    } satisfies ReceivedResult);
  }

  /** The end of a task or workflow: its last result, or the first that is no success. */
  #end(ids: readonly string[], waitMs: number): { reached: Promise<End>; giveUp(): void } {
    const open = new Set(ids);
    let giveUp = () => {};
    const reached = new Promise<End>((resolve) => {
      const finish = (result: ReceivedResult | null) => {
        clearTimeout(timer);
        for (const id of ids) this.#results.removeAllListeners(id);
        const [missingId = null] = result === null ? open : [];
        resolve({ result, missingId });
      };
      giveUp = () => finish(null);
      const timer = setTimeout(giveUp, waitMs);
      for (const id of ids) {
        this.#results.once(id, (result: ReceivedResult) => {
          open.delete(id);
          if (result.state !== "SUCCESS" || open.size === 0) finish(result);
        });
      }
    });
    return { reached, giveUp };
  }
}

/** What cannot be read ends the waiting, too: what follows is written in the same way. */
const FINAL: ReadonlySet<ResultState> = new Set(["SUCCESS", "FAILURE", "REVOKED", "MALFORMED"]);

/** What stores and removes has a connection of its own, which may be up a moment later. */
const SETTLING_MS = 1_000;
const AGAIN_MS = 50;

/** Tries again until it works; after a second throws what the last attempt threw. */
async function inTime(work: () => Promise<void>): Promise<void> {
  const deadlineMs = performance.now() + SETTLING_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await sleep(AGAIN_MS);
    }
  }
}

type Answer = Pick<SentTask, "outcome" | "reason">;
type Published = Pick<SentTask, "outcome" | "reason" | "publishCallMs" | "answeredMs">;
type End = Pick<SentTask, "result" | "missingId">;
