import { hrtimeMs } from "../clock.js";
import type { StartEnd } from "../ledger/balance.js";
import type { Call, CallOutcome, DoneUser, EndedCall, FromCode } from "../scripts/messages.js";
import type { CodeListener, CodePort } from "./code-port.js";
import { LoopRows } from "./loop-mix.js";
import { MAX_STARTS_A_TURN, type PacingOptions } from "./pacing.js";
import { type UserMoment, UserStarts, type UserWork } from "./user-work.js";

/** A user whose script threw, or did nothing at all, waits so long at least: else it would do nothing but that. */
const LEAST_WAIT_MS = 100;

/** A task that a script has sent, and that is to be started. */
interface Waiting extends Call {
  /** Monotonic. */
  readonly sinceMs: number;
}

/**
 * Each user goes through a script, which runs in a thread of its own: what it sends is started here, and its end is told
 * there. Whatever the script does, this thread waits for nothing.
 */
export class ScriptWork implements UserWork, CodeListener {
  lastDueMs = 0;
  readonly #options: PacingOptions;
  readonly #port: CodePort;
  readonly #starts: UserStarts;
  readonly #rows: LoopRows;
  readonly #free: (nowMs: number) => void;
  /** Users that are in the script, by number; those of others are given out again. */
  readonly #busy = new Set<number>();
  readonly #idle: number[] = [];
  /** Users that begin in this turn. */
  #beginning: number[] = [];
  #waiting: Waiting[] = [];
  /** The calls whose tasks are in flight, by slot. */
  readonly #calls = new Map<number, number>();
  /** The call that is being started, and may end before it has a slot. */
  #starting: number | null = null;
  #ended: EndedCall[] = [];
  /** Of the rows that scripts take. */
  #hasNoRow = false;

  constructor(
    options: PacingOptions,
    port: CodePort,
    maxPerSecond: number | null,
    free: (nowMs: number) => void,
  ) {
    this.#options = options;
    this.#port = port;
    this.#starts = new UserStarts(options, maxPerSecond);
    this.#rows = new LoopRows(options);
    this.#free = free;
    port.listen(this);
  }

  get isOver(): boolean {
    // Who has a row goes through the script to its end.
    return (this.#hasNoRow || this.#rows.isOut) && this.#busy.size === 0;
  }

  begin(): number {
    if (this.#hasNoRow || this.#rows.isOut) return Number.POSITIVE_INFINITY;
    if (!this.#port.isReady) return LEAST_WAIT_MS;
    const user = this.#idle.pop() ?? this.#busy.size;
    this.#busy.add(user);
    this.#beginning.push(user);
    if (this.#beginning.length === 1) queueMicrotask(() => this.#sayBeginning());
    return 0;
  }

  turn(moment: UserMoment): number {
    const { nowMs, elapsedMs, stage, isWarmup } = moment;
    const { life, budget, plan } = this.#options;
    let at = 0;
    let againMs = 0;
    for (; at < this.#waiting.length && at < MAX_STARTS_A_TURN; at++) {
      const { call, entry, given, sinceMs } = this.#waiting[at]!;
      if (budget.left === 0) {
        this.#tell(call, "stopped", null);
        continue;
      }
      againMs = this.#starts.heldFor(nowMs);
      if (againMs > 0) break;
      const ordinal = this.#rows.take(plan.entries.indexOf(entry));
      if (this.#rows.isOut) {
        this.#tell(call, "stopped", null);
        continue;
      }
      const plannedMs = this.#starts.started(sinceMs, nowMs);
      this.lastDueMs = elapsedMs;
      this.#starting = call;
      const slot = life.start(entry, stage, plannedMs, nowMs, isWarmup, ordinal, given);
      // It may have ended meanwhile, as its message could not be made.
      if (this.#starting !== null) {
        if (slot < 0) this.#tell(call, "dropped", null);
        else this.#calls.set(slot, call);
      }
      this.#starting = null;
    }
    this.#waiting = this.#waiting.slice(at);
    if (this.#waiting.length === 0) return Number.POSITIVE_INFINITY;
    return nowMs + againMs;
  }

  ended(slot: number, end: StartEnd, text: string | null): void {
    const call = this.#starting ?? this.#calls.get(slot);
    this.#calls.delete(slot);
    this.#starting = null;
    // One of a thread that is no more.
    if (call !== undefined) this.#tell(call, OUTCOME_OF[end], text);
  }

  follow(): void {
    // The script says what is sent, and not the mix.
  }

  renewed(): void {
    this.#waiting = [];
    this.#calls.clear();
    this.#ended = [];
    this.#beginning = [];
    this.#idle.length = 0;
    const busy = this.#busy.size;
    this.#busy.clear();
    for (let user = 0; user < busy; user++) this.#free(this.#options.nowMs());
  }

  heard(message: FromCode): void {
    const nowMs = this.#options.nowMs();
    switch (message.type) {
      case "calls": {
        const aheadMs = nowMs - hrtimeMs();
        for (const call of message.calls) {
          if (call.scenario !== this.#options.index) continue;
          this.#waiting.push({ ...call, sinceMs: call.sinceHrtimeMs + aheadMs });
        }
        break;
      }
      case "done":
        if (message.scenario === this.#options.index) {
          for (const done of message.users) this.#done(done, nowMs);
        }
        break;
      case "outOfRows":
        this.#hasNoRow ||= message.scenario === this.#options.index;
        break;
      case "ready":
      case "made":
        break;
    }
  }

  #done({ user, hasFailed, tookMs }: DoneUser, nowMs: number): void {
    if (!this.#busy.delete(user)) return;
    this.#idle.push(user);
    this.#options.pace?.took(tookMs);
    this.#free(hasFailed || tookMs < 1 ? nowMs + LEAST_WAIT_MS : nowMs);
  }

  #tell(call: number, outcome: CallOutcome, text: string | null): void {
    this.#ended.push({ call, outcome, text });
    if (this.#ended.length === 1) setImmediate(() => this.#sayEnded());
  }

  #sayEnded(): void {
    const ended = this.#ended;
    this.#ended = [];
    if (ended.length > 0) this.#port.say({ type: "ended", ended });
  }

  #sayBeginning(): void {
    const users = this.#beginning;
    this.#beginning = [];
    if (users.length > 0) {
      this.#port.say({ type: "iterate", scenario: this.#options.index, users });
    }
  }
}

const OUTCOME_OF: Readonly<Record<StartEnd, CallOutcome>> = {
  succeeded: "succeeded",
  failed: "failed",
  revoked: "revoked",
  timedOut: "timed_out",
  unknown: "unknown",
  droppedInFlight: "dropped",
  droppedBackpressure: "dropped",
  droppedSaturated: "dropped",
  droppedNotConnected: "dropped",
  droppedCeiling: "dropped",
  failedRejected: "publish_failed",
  failedUnroutable: "publish_failed",
  failedTooLarge: "publish_failed",
  failedInvalid: "publish_failed",
};
