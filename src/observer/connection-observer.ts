import type { ClockReading } from "../celery/events/clock-reading.js";
import type { EventBatch } from "../celery/events/event-message.js";
import type { WorkerClock } from "../celery/events/worker-clock.js";
import type {
  EventStream,
  LinkReport,
  Memory,
  RemoteControl,
  ServerAbout,
  ServerLook,
} from "../connections/observe-ports.js";
import { openControl, openEvents, openLook } from "../connections/open.js";
import type { BrokerTransport } from "../connections/ports.js";
import { messageOf } from "../errors.js";
import { ANSWER_MS, askWorkers } from "./ask-workers.js";
import { ClockReadings, type HeardReading } from "./clock-readings.js";
import { EventSwitch } from "./event-switch.js";
import {
  lookAtQueues,
  type ObservedQueue,
  type ObservedQueues,
  unknownQueues,
  withUnacked,
} from "./queue-depths.js";
import { type QueueFall, QueueFalls } from "./queue-falls.js";
import { type Revoked, revokeAll } from "./revoke.js";
import { ServerMemory } from "./server-memory.js";
import { type Started, TaskEvents, type TaskListener } from "./task-events.js";
import type { ObservedWorker } from "./worker.js";
import { WorkerBook } from "./worker-book.js";
import { type SettingNotice, type SettingsUse, WorkerSettings } from "./worker-settings.js";

/** What to look at. */
export interface ObservePlan extends SettingsUse {
  /** The connection's name. */
  readonly name: string;
  readonly broker: string;
  readonly transport: BrokerTransport;
  /** Result backend that is a Redis; null for any other. */
  readonly redisBackend: string | null;
  /** URL of RabbitMQ's management API; null when there is none. */
  readonly management: string | null;
  /** auto = listen; on = switch task events on as well; off = leave the workers alone. */
  readonly events: "auto" | "on" | "off";
  readonly maxWorkers: number;
  /** How often queues and memory are looked at, in milliseconds. */
  readonly lookEveryMs: number;
}

/** What is known of the workers' side of a connection now. */
export interface ObservedConnection extends Omit<ObservedQueues, "queues"> {
  readonly name: string;
  /** Null when nobody is to listen. */
  readonly events: { readonly isUp: boolean; readonly reconnects: number } | null;
  /** That could be read, anybody's. */
  readonly receivedEvents: number;
  /** Tasks that the workers of its queues began and that we have not sent; null when they do not say. */
  readonly unexplainedTasks: number | null;
  readonly malformedEvents: number;
  readonly malformedReplies: number;
  readonly workers: readonly ObservedWorker[];
  readonly queues: readonly (ObservedQueue & {
    /** Tasks that workers who consume it have begun; null when they do not say. */
    readonly started: Started | null;
    /** How often it lost messages that no worker says it took. */
    readonly falls: number;
    readonly lastFall: SeenFall | null;
  })[];
  readonly foldedWorkers: number;
  /** What its broker is; null when it does not say, or is not reached yet. */
  readonly server: Pick<ServerAbout, "product" | "version"> | null;
  /** Memory of its broker; null when it is not known. */
  readonly brokerMemory: Memory | null;
  /** Memory of its result backend; null when it is not known, or is no Redis. */
  readonly backendMemoryBytes: number | null;
}

/** A fall of a queue as it is shown. */
export interface SeenFall extends Pick<QueueFall, "from" | "to" | "taken"> {
  /** When it was seen: Unix time in milliseconds. */
  readonly seenUnixMs: number;
}

/** What goes from an observer to the rest. */
export interface ObserverOptions {
  readonly plan: ObservePlan;
  /** Who is told what events say of our tasks and of the clocks of their workers, by the numbers of those. */
  readonly listeners: readonly TaskListener[];
  readonly say: (news: ObserverNews) => void;
}

/** News for the log. */
export type ObserverNews =
  | { readonly type: "up" | "down"; readonly part: Part; readonly cause: string }
  | ({ readonly type: "setting" } & SettingNotice)
  | ({ readonly type: "queueFell" } & QueueFall)
  | { readonly type: "switchedOn"; readonly workers: readonly string[] }
  | {
      readonly type: "notAsked" | "notLookedAt" | "managementSilent" | "notSwitchedOff";
      readonly cause: string;
    };
/** `memory`: of a result backend that is another server than the broker. */
export type Part = "events" | "control" | "queues" | "memory";

/** What it looks through once it is opened. */
interface Opened {
  readonly look: ServerLook;
  readonly events: EventStream | null;
  readonly control: RemoteControl | null;
  readonly switch: EventSwitch | null;
  readonly brokerMemory: ServerMemory;
  /** Of the result backend. */
  readonly memory: ServerMemory | null;
  /** The same, each connection once. */
  readonly all: readonly (ServerLook | EventStream | RemoteControl)[];
}

const ASK_EVERY_MS = 10_000;
/** A worker that has just come is asked sooner, but many that come together are asked once. */
const ASK_SOON_MS = 2_000;
const TICK_MS = 1_000;
/** A timer that comes this much too late says that this thread was held up, not the others. */
const LATE_MS = 1_000;

/**
 * Looks at one broker and its workers, on the main thread and beside the engine: its connections are its
 * own, come after those of the engine and give way to them, and nothing waits for it. Listens to events, asks the
 * workers every 10 s and counts the messages in the queues every 5 s, or as often as a guard wants it. What cannot be found out is not known, and tried
 * again.
 */
export class ConnectionObserver {
  #plan: ObservePlan;
  readonly #say: (news: ObserverNews) => void;
  readonly #taskEvents: TaskEvents;
  readonly #book: WorkerBook;
  readonly #readings = new ClockReadings((worker, reading) => {
    this.#taskEvents.readClock(worker, inUnixTime(reading));
  });
  #opened: Opened | null = null;
  readonly #settings: WorkerSettings;
  readonly #up = new Set<Part>();
  /** Those of which it is not known yet whether they can be used at first. */
  readonly #unsettled = new Set<Part>();
  #settled = () => {};
  readonly #ticker: NodeJS.Timeout;
  #queues: ObservedQueues;
  #server: ObservedConnection["server"] = null;
  readonly #falls = new QueueFalls(ASK_EVERY_MS + ASK_SOON_MS);
  /** Workers by queue that they consume; null when not all are known to have answered. */
  #consumers: ReadonlyMap<string, number> | null = null;
  #reconnects = -1;
  #receivedEvents = 0;
  #malformedEvents = 0;
  #malformedReplies = 0;
  #isAsking = false;
  #isLooking = false;
  #lastAskMs = Number.NEGATIVE_INFINITY;
  #nextAskMs = 0;
  #nextLookMs = 0;
  #lastTickMs = performance.now();
  #isClosing = false;

  constructor({ plan, listeners, say }: ObserverOptions) {
    this.#plan = plan;
    // What was cut off by our own leaving is no news, but for what it leaves behind.
    this.#say = (news) => {
      if (!this.#isClosing || news.type === "notSwitchedOff") say(news);
    };
    this.#taskEvents = new TaskEvents(listeners, plan.queues, (worker) =>
      this.#book.queuesOf(worker),
    );
    this.#queues = unknownQueues(plan.queues);
    this.#settings = new WorkerSettings(plan);
    this.#book = new WorkerBook({
      maxSeries: plan.maxWorkers,
      silenceMs: 2 * ASK_EVERY_MS + ANSWER_MS,
    });
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Connects; resolves when each connection is up or has failed, which is tried again for ever. */
  open(): Promise<void> {
    const settled = new Promise<void>((resolve) => {
      this.#settled = resolve;
    });
    this.#unsettled.add("queues");
    if (this.#listens) this.#unsettled.add("events").add("control");
    if (!this.#isClosing) this.#opened = this.#openAll();
    return settled;
  }

  /** Goes on with the queues of another plan for the same connection, for these listeners. */
  follow(plan: ObservePlan, listeners: readonly TaskListener[]): void {
    this.#taskEvents.listen(listeners, plan.queues);
    if (plan.queues.join("\n") !== this.#plan.queues.join("\n")) {
      this.#queues = unknownQueues(plan.queues);
      this.#nextLookMs = 0;
    }
    this.#plan = plan;
    this.#settings.follow(plan);
  }

  /**
   * Has workers revoke these tasks, in the order in which they were published.
   *
   * @throws Error when they cannot be told
   */
  async revoke(ids: readonly string[]): Promise<Revoked> {
    const control = this.#opened?.control;
    if (!control || !this.#up.has("control")) {
      throw new Error(
        this.#listens
          ? "workers cannot be reached by remote control"
          : "events are off, and with them remote control",
      );
    }
    return await revokeAll(ids, control);
  }

  /** Leaves its places on a server that is full to those that the load needs; asks for them again later. */
  stepAside(): void {
    for (const part of this.#opened?.all ?? []) part.stepAside();
  }

  /** True while events of workers can be heard. */
  get isListening(): boolean {
    return this.#up.has("events");
  }

  observed(): ObservedConnection {
    const nowMs = performance.now();
    // What is asked between two ticks is told as it is now, unless this thread was held up.
    if (nowMs - this.#lastTickMs <= TICK_MS + LATE_MS) this.#book.tick(nowMs);
    return {
      name: this.#plan.name,
      events: !this.#listens
        ? null
        : { isUp: this.isListening, reconnects: Math.max(0, this.#reconnects) },
      receivedEvents: this.#receivedEvents,
      unexplainedTasks: this.#taskEvents.unexplained,
      malformedEvents: this.#malformedEvents + this.#book.malformed,
      malformedReplies: this.#malformedReplies,
      workers: this.#book.observed(),
      foldedWorkers: this.#book.folded,
      server: this.#server,
      brokerMemory: this.#opened?.brokerMemory.now ?? null,
      backendMemoryBytes: this.#opened?.memory?.now?.usedBytes ?? null,
      unacked: this.#queues.unacked,
      queues: this.#queues.queues.map((queue) => ({
        ...queue,
        // Redis knows of none.
        consumers: queue.consumers ?? this.#consumersOf(queue.name),
        started: this.isListening ? this.#taskEvents.startedOn(queue.name) : null,
        ...this.#fallsOf(queue.name),
      })),
    };
  }

  /** What the times of our tasks say of the workers' clocks. */
  clocks(clocks: readonly WorkerClock[]): void {
    for (const { worker, offsetMs, uncertaintyMs } of clocks) {
      const name = this.#taskEvents.nameOf(worker);
      if (name !== undefined) this.#book.clock(name, offsetMs, uncertaintyMs);
    }
  }

  /** Restores what was changed, then leaves. Takes a few seconds at most. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#ticker);
    this.#taskEvents.close();
    try {
      await this.#opened?.switch?.off();
    } catch (error) {
      this.#say({ type: "notSwitchedOff", cause: messageOf(error) });
    }
    await Promise.all((this.#opened?.all ?? []).map((part) => part.close()));
  }

  get #listens(): boolean {
    return this.#plan.events !== "off";
  }

  #openAll(): Opened {
    const { broker: url, transport, management } = this.#plan;
    const look = openLook({ url, transport, management, report: this.#reportOf("queues") });
    const brokerMemory = new ServerMemory(look);
    const memory = this.#openMemory(brokerMemory);
    const looks = [...new Set([look, memory?.server ?? look])];
    if (!this.#listens) {
      const none = { events: null, control: null, switch: null };
      return { look, ...none, brokerMemory, memory, all: looks };
    }
    const events = openEvents({
      ...{ url, transport, report: this.#reportOf("events") },
      received: (batch) => this.#received(batch),
    });
    const control = openControl({
      ...{ url, transport, report: this.#reportOf("control") },
      malformed: () => {
        this.#malformedReplies++;
      },
    });
    const onSwitch = this.#plan.events === "on" ? new EventSwitch(control) : null;
    const all = [...looks, events, control];
    return { look, events, control, switch: onSwitch, brokerMemory, memory, all };
  }

  /** Over the look at the broker where that is the same server. */
  #openMemory(ofBroker: ServerMemory): ServerMemory | null {
    const { broker, redisBackend: url, transport } = this.#plan;
    if (url === null) return null;
    if (url === broker) return ofBroker;
    return new ServerMemory(openLook({ url, transport, report: this.#reportOf("memory") }));
  }

  #fallsOf(queue: string): { readonly falls: number; readonly lastFall: SeenFall | null } {
    const { count, last } = this.#falls.of(queue);
    if (last === null) return { falls: count, lastFall: null };
    const { from, to, taken, atMs } = last;
    const seenUnixMs = Math.round(Date.now() - performance.now() + atMs);
    return { falls: count, lastFall: { from, to, taken, seenUnixMs } };
  }

  #consumersOf(queue: string): number | null {
    return this.#consumers === null ? null : (this.#consumers.get(queue) ?? 0);
  }

  #reportOf(part: Part): LinkReport {
    return {
      up: () => {
        this.#up.add(part);
        this.#heard(part, true);
        if (part === "events") this.#reconnects++;
        if (part === "control") this.#askSoon();
        if (part === "queues" || part === "memory") this.#nextLookMs = 0;
        if (part === "queues") void this.#askServer();
        this.#settle(part);
        this.#say({ type: "up", part, cause: "" });
        this.#poll();
      },
      down: (cause) => {
        this.#up.delete(part);
        this.#heard(part, false);
        if (part === "control") this.#consumers = null;
        if (part === "events") this.#falls.missedEvents();
        if (part === "queues") this.#falls.forget();
        if (part === "queues") this.#queues = unknownQueues(this.#plan.queues);
        if (part === "queues") this.#opened?.brokerMemory.lost();
        if (part === "memory") this.#opened?.memory?.lost();
        this.#settle(part);
        this.#say({ type: "down", part, cause });
      },
    };
  }

  #settle(part: Part): void {
    if (this.#unsettled.delete(part) && this.#unsettled.size === 0) this.#settled();
  }

  #heard(part: Part, isHeard: boolean): void {
    const nowMs = performance.now();
    if (part === "events") this.#book.hearBeats(isHeard, nowMs);
    if (part === "control") this.#book.hearAnswers(isHeard, nowMs);
  }

  #received({ events, malformed }: EventBatch): void {
    this.#receivedEvents += events.length;
    this.#malformedEvents += malformed;
    const nowMs = performance.now();
    const nowUnixMs = Date.now();
    for (const event of events) {
      if (!event.type.startsWith("worker-")) {
        this.#taskEvents.add(event, nowUnixMs);
        continue;
      }
      this.#book.event(event, nowMs, nowUnixMs);
      const { type, hostname } = event;
      if (type === "worker-heartbeat" && this.#book.consumesAny(hostname, this.#plan.queues))
        this.#readings.beat(event, nowMs);
      // A new one is asked for its pool, and has to be told that events are wanted.
      if (type === "worker-online") this.#askSoon();
    }
  }

  #askSoon(): void {
    this.#nextAskMs = Math.min(this.#nextAskMs, this.#lastAskMs + ASK_SOON_MS);
  }

  #tick(): void {
    const nowMs = performance.now();
    const isLate = nowMs - this.#lastTickMs > TICK_MS + LATE_MS;
    this.#lastTickMs = nowMs;
    for (const part of this.#opened?.all ?? []) part.checkLiveness(isLate);
    if (isLate) this.#book.heldUp(nowMs);
    this.#book.tick(nowMs);
    this.#poll();
  }

  #poll(): void {
    void this.#ask();
    void this.#lookAtQueues();
  }

  async #ask(): Promise<void> {
    const nowMs = performance.now();
    const control = this.#opened?.control;
    if (!control || !this.#up.has("control")) return;
    if (this.#isAsking || nowMs < this.#nextAskMs) return;
    this.#isAsking = true;
    this.#lastAskMs = nowMs;
    this.#nextAskMs = nowMs + ASK_EVERY_MS;
    try {
      const switched = (await this.#opened?.switch?.on()) ?? [];
      if (switched.length > 0) this.#say({ type: "switchedOn", workers: switched });
      const { processes, consumers } = await askWorkers({
        control,
        book: this.#book,
        clocksOf: this.#plan.queues,
        readings: this.#readings,
      });
      this.#consumers = consumers;
      const consumes = (node: string) => this.#book.consumesAny(node, this.#plan.queues);
      const notices = await this.#settings.ask(control, processes, consumes, consumers);
      for (const notice of notices) this.#say({ type: "setting", ...notice });
    } catch (error) {
      this.#consumers = null;
      this.#say({ type: "notAsked", cause: messageOf(error) });
    } finally {
      this.#isAsking = false;
    }
  }

  async #lookAtQueues(): Promise<void> {
    const nowMs = performance.now();
    const opened = this.#opened;
    if (opened === null || !this.#up.has("queues")) return;
    if (this.#isLooking || nowMs < this.#nextLookMs) return;
    this.#isLooking = true;
    this.#nextLookMs = nowMs + this.#plan.lookEveryMs;
    void opened.brokerMemory.look();
    void opened.memory?.look();
    try {
      const seen = await lookAtQueues(opened.look, this.#plan.queues);
      this.#queues = seen;
      this.#tellFalls();
      await this.#askManagement(opened.look, seen);
    } catch (error) {
      this.#queues = unknownQueues(this.#plan.queues);
      this.#falls.forget();
      this.#say({ type: "notLookedAt", cause: messageOf(error) });
    } finally {
      this.#isLooking = false;
    }
  }

  /** At each connection: after a fail-over it may be another one. */
  async #askServer(): Promise<void> {
    try {
      const about = await this.#opened?.look.about();
      if (about) this.#server = { product: about.product, version: about.version };
    } catch {
      // The connection was lost; the next one is asked.
    }
  }

  #tellFalls(): void {
    const { queues } = this.observed();
    const workers = this.#book.consumersOf(this.#plan.queues);
    // A consumer that the broker has and nobody knows may take what it likes.
    const areKnown = queues.every(({ consumers }) => (consumers ?? 0) <= workers.length);
    const taken = areKnown && this.isListening ? this.#taskEvents.takenBy(workers) : null;
    for (const fall of this.#falls.looked(queues, taken, performance.now())) {
      this.#say({ type: "queueFell", ...fall });
    }
  }

  async #askManagement(look: ServerLook, seen: ObservedQueues): Promise<void> {
    if (this.#plan.management === null) return;
    try {
      const known = await withUnacked(look, seen);
      // The connection may have been lost meanwhile, and with it what was seen.
      if (this.#queues === seen) this.#queues = known;
    } catch (error) {
      this.#say({ type: "managementSilent", cause: messageOf(error) });
    }
  }
}

/** Both of our moments by the wall clock as it is now, or it might be set between them. */
function inUnixTime({ askedMs, unixMs, heardMs }: HeardReading): ClockReading {
  // Cut to whole milliseconds: the true one is up to 1 ms later.
  const originUnixMs = Date.now() - performance.now();
  return {
    askedUnixMs: originUnixMs + askedMs,
    unixMs,
    heardUnixMs: originUnixMs + heardMs + 1,
  };
}
