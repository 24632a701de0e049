import { setTimeout as sleep } from "node:timers/promises";
import { failureOf } from "../celery/results/failure.js";
import { exactReturnedValue } from "../celery/results/result.js";
import { hrtimeMs } from "../clock.js";
import { parseDuration } from "../config/quantities.js";
import { didYouMean } from "../did-you-mean.js";
import { createRandom, seedOf } from "../plan/random.js";
import { CodeRows } from "./code-rows.js";
import { givenText } from "./given-text.js";
import type { Call, DoneUser, EndedCall, FromCode, ScriptTally } from "./messages.js";
import type { CodeStart, ScriptUse } from "./module-plan.js";
import { plainValue } from "./row-object.js";
import { TaskError } from "./task-error.js";
import type { ToldFaults } from "./told-faults.js";

/** What a script is called with; `types/index.d.ts` is for editors. */
export interface ScriptContext {
  readonly user: number;
  readonly row: unknown;
  readonly random: () => number;
  readonly send: (task: string, options?: SendOptions) => Promise<unknown>;
  readonly sleep: (time: number | string) => Promise<void>;
  readonly check: (name: string, passed: unknown) => boolean;
}

interface SendOptions {
  readonly args?: unknown;
  readonly kwargs?: unknown;
}

/** Names of checks that are counted apart. */
const MOST_CHECKS = 50;
const OTHER_CHECK = "other";

interface Waiting {
  readonly task: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface ScriptUsersPorts {
  readonly say: (message: FromCode) => void;
  readonly faults: ToldFaults;
}

/** The users of one scenario in this thread: each goes through the script when the engine says so. */
export class ScriptUsers {
  readonly #run: (context: ScriptContext) => unknown;
  readonly #use: ScriptUse;
  readonly #start: CodeStart;
  readonly #ports: ScriptUsersPorts;
  readonly #rows: CodeRows | null;
  readonly #randoms = new Map<number, () => number>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #checks = new Map<string, { passed: number; failed: number }>();
  #calls: Call[] = [];
  #done: DoneUser[] = [];
  #succeeded = 0;
  #failed = 0;
  #isOutOfRows = false;

  constructor(
    run: (context: ScriptContext) => unknown,
    use: ScriptUse,
    start: CodeStart,
    ports: ScriptUsersPorts,
  ) {
    const { data, seed, share } = start;
    this.#run = run;
    this.#use = use;
    this.#start = start;
    this.#ports = ports;
    this.#rows = use.data === null ? null : new CodeRows(data[use.data]!, use.name, seed, share);
  }

  /** Each of them goes through the script once. */
  iterate(users: readonly number[]): void {
    for (const user of users) void this.#iterate(user);
  }

  ended({ call, outcome, text }: EndedCall): boolean {
    const waiting = this.#waiting.get(call);
    if (waiting === undefined) return false;
    this.#waiting.delete(call);
    const { task, resolve, reject } = waiting;
    if (outcome === "succeeded") {
      resolve(text === null ? undefined : plainValue(exactReturnedValue(text)));
    } else {
      const { exception, message } = text === null ? NO_FAILURE : failureOf(text);
      reject(new TaskError(task, outcome, exception, message));
    }
    return true;
  }

  /** What was counted since the last time. */
  takeTally(): ScriptTally | null {
    const checks = [...this.#checks]
      .map(([name, counts]) => ({ name, ...counts }))
      .filter(({ passed, failed }) => passed + failed > 0);
    const { name: scenario } = this.#use;
    const tally = { scenario, succeeded: this.#succeeded, failed: this.#failed, checks };
    if (this.#succeeded + this.#failed === 0 && checks.length === 0) return null;
    this.#succeeded = 0;
    this.#failed = 0;
    // The names are kept: there are not to be more of them.
    for (const counts of this.#checks.values()) {
      counts.passed = 0;
      counts.failed = 0;
    }
    return tally;
  }

  /** Never rejects: what the script throws is counted, and told. */
  async #iterate(user: number): Promise<void> {
    const sinceMs = performance.now();
    let hasFailed = false;
    try {
      const next = this.#rows === null ? { row: null } : await this.#rows.next();
      if (next === undefined) this.#endRows();
      else {
        await this.#run(this.#contextOf(user, next.row));
        this.#succeeded++;
      }
    } catch (error) {
      hasFailed = true;
      this.#failed++;
      this.#ports.faults.add(`the script of scenario ${this.#use.name} failed`, error);
    }
    this.#done.push({ user, hasFailed, tookMs: performance.now() - sinceMs });
    if (this.#done.length === 1) setImmediate(() => this.#sendDone());
  }

  /** There is nothing to do any more: the scenario ends. */
  #endRows(): void {
    if (this.#isOutOfRows) return;
    this.#isOutOfRows = true;
    this.#ports.say({ type: "outOfRows", scenario: this.#use.scenario });
  }

  #contextOf(user: number, row: unknown): ScriptContext {
    return {
      ...{ user, row, random: this.#randomOf(user) },
      send: (task, options) => this.#send(task, options),
      sleep: (time) => sleep(millisecondsOf(time)),
      check: (name, passed) => this.#check(name, passed),
    };
  }

  #randomOf(user: number): () => number {
    let random = this.#randoms.get(user);
    if (random === undefined) {
      const { seed, share } = this.#start;
      random = createRandom(seedOf(`script ${this.#use.name} ${share.index} ${user}`, seed));
      this.#randoms.set(user, random);
    }
    return random;
  }

  /** @throws {Error} at once when it cannot be sent, else `TaskError` when it has no result */
  async #send(task: string, options: SendOptions = {}): Promise<unknown> {
    const { entries, scenario, name } = this.#use;
    const known = Object.hasOwn(entries, task) ? entries[task] : undefined;
    if (known === undefined) {
      const keys = Object.keys(entries);
      const meant = didYouMean(task, keys);
      const hint = meant === undefined ? "" : ` Did you mean ${meant}?`;
      throw new Error(
        `send: no task ${JSON.stringify(task)} in the mix of scenario ${name}.${hint} There are: ${keys.join(", ")}`,
      );
    }
    const { args, kwargs } = options;
    const isGiven = args !== undefined || kwargs !== undefined;
    if (isGiven && known.isFixedAs !== null) {
      throw new Error(`send: ${task} takes no args and kwargs here, ${known.isFixedAs}`);
    }
    const given = isGiven ? givenText(args, kwargs) : null;
    const call = nextCall++;
    const { entry } = known;
    const answer = new Promise((resolve, reject) => {
      this.#waiting.set(call, { task, resolve, reject });
    });
    this.#calls.push({ call, scenario, entry, given, sinceHrtimeMs: hrtimeMs() });
    if (this.#calls.length === 1) setImmediate(() => this.#sendCalls());
    return answer;
  }

  #sendCalls(): void {
    const calls = this.#calls;
    this.#calls = [];
    this.#ports.say({ type: "calls", calls });
  }

  #sendDone(): void {
    const users = this.#done;
    this.#done = [];
    this.#ports.say({ type: "done", scenario: this.#use.scenario, users });
  }

  #check(name: string, passed: unknown): boolean {
    const isKnown = this.#checks.has(name) || this.#checks.size < MOST_CHECKS;
    const key = isKnown ? String(name).slice(0, 200) : OTHER_CHECK;
    let counts = this.#checks.get(key);
    if (counts === undefined) {
      counts = { passed: 0, failed: 0 };
      this.#checks.set(key, counts);
    }
    if (passed) counts.passed++;
    else counts.failed++;
    return Boolean(passed);
  }
}

/** Of all scenarios of the thread. */
let nextCall = 1;

const NO_FAILURE = { exception: "", message: "" };

/** @throws {Error} for what is no time */
function millisecondsOf(time: number | string): number {
  if (typeof time === "string") return parseDuration(time);
  if (Number.isFinite(time) && time >= 0) return time;
  throw new Error(`sleep: must be milliseconds, or a duration such as "1s", not ${String(time)}`);
}
