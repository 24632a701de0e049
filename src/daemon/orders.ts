import { randomBytes } from "node:crypto";
import { hrtimeMs } from "../clock.js";
import type { Effect } from "../control/answer.js";
import { type CarriedOn, carryOn } from "../control/carry-on.js";
import type { Capacity } from "../control/impact.js";
import { OrderDesk, type StateStore } from "../control/steering.js";
import type { Beginning } from "../engine/pacing.js";
import type { Logger } from "../log.js";
import { type Former, readFormer, StateFile } from "../state/state-file.js";
import type { DayStarts } from "../state/state-form.js";
import type { Steerable } from "../workload/steering.js";
import { ElapsedTime } from "./elapsed-time.js";
import { type AtWork, type HandOver, NOTHING_TODAY } from "./engines.js";

export interface OrdersOptions {
  readonly steerable: Steerable;
  /** Where what was ordered survives; null: nowhere. */
  readonly stateFile: string | null;
  readonly configHash: string;
  readonly log: Logger;
  /** Has effects done that hold from `atMs` on. */
  readonly send: (effects: readonly Effect[]) => void;
  /** Has the scenario ended by itself? */
  readonly isOver: (scenario: string) => boolean;
  /** What was started today, also by plans that were replaced; null before there is one. */
  readonly today: () => DayStarts | null;
  /** What workers can do; null: not known. */
  readonly capacityOf: (scenario: string) => Capacity | null;
}

/** What was ordered, from one life to the next and from one plan to the next. */
export class Orders {
  readonly desk: OrderDesk;
  readonly #options: OrdersOptions;
  readonly #file: StateFile | null;
  readonly #elapsed: ElapsedTime;
  /** What former lives started on the day of the last one; null: there was none. */
  readonly formerToday: DayStarts | null;

  private constructor(
    desk: OrderDesk,
    options: OrdersOptions,
    file: StateFile | null,
    elapsed: ElapsedTime,
    formerToday: DayStarts | null,
  ) {
    this.desk = desk;
    this.#options = options;
    this.#file = file;
    this.#elapsed = elapsed;
    this.formerToday = formerToday;
  }

  /** Elapsed milliseconds of the plan that leads; of a plan of a former life that goes on, also before this one begins. */
  get elapsedMs(): number {
    return this.#elapsed.nowMs();
  }

  /**
   * Takes over what a former life has left.
   *
   * @throws {UserError} with exit code 104 when the state file cannot be read or written
   */
  static async open(options: OrdersOptions): Promise<Orders> {
    const { steerable, stateFile, configHash, log, send, isOver, today, capacityOf } = options;
    const former: Former =
      stateFile === null ? { stored: null, warnings: [] } : readFormer(stateFile);
    const { stored, warnings } = former;
    const formerToday = stored?.today ?? null;
    const gapMs = stored === null ? 0 : Math.max(0, Date.now() - stored.writtenUnixMs);
    const elapsed = new ElapsedTime();
    if (stored !== null) elapsed.beginAt(hrtimeMs());
    const nowMs = () => elapsed.nowMs();
    const unixMs = (atMs: number) => elapsed.unixMs(atMs);
    for (const warning of warnings) log.warn(warning);
    const carried = carryOn(stored?.state ?? null, gapMs, steerable.scenarios, {
      limits: steerable.limits,
      unixMs: Date.now(),
    });
    if (stored !== null) tellOf(stored, carried, { gapMs, configHash, log });
    const file =
      stateFile === null
        ? null
        : await StateFile.begin(
            stateFile,
            carried.state,
            { ...former, downtimeSeconds: gapMs / 1000 },
            {
              nowMs,
              unixMs,
              configHash,
              today: () => today() ?? formerToday ?? NOTHING_TODAY,
              log,
            },
          );
    const desk = new OrderDesk(
      carried.state,
      { ...steerable, scenarios: carried.scenarios },
      {
        ...{ nowMs, unixMs, send, isOver, capacityOf },
        newId: () => randomBytes(6).toString("hex"),
        store: file as StateStore | null,
      },
    );
    return new Orders(desk, options, file, elapsed, formerToday);
  }

  /** The plan begins at this time (`hrtimeMs`): where each scenario is then. That of a former life went on meanwhile. */
  begin({ plan }: AtWork, zeroMs: number): Beginning[] {
    const { limits, scenarios } = this.#options.steerable;
    const state = this.desk.stateAt(this.#elapsed.beginAt(zeroMs));
    const carried = carryOn(state, 0, scenarios, { limits, unixMs: this.#elapsed.unixMs(0) });
    this.desk.carryOn(carried, limits, false);
    return beginningsOf(plan, carried);
  }

  /** Another plan takes over at this elapsed time. */
  handOver(atMs: number, old: AtWork, next: Pick<AtWork, "plan">, steerable: Steerable): HandOver {
    const state = this.desk.stateAt(atMs);
    const carried = carryOn(state, 0, steerable.scenarios, {
      limits: steerable.limits,
      unixMs: this.#elapsed.unixMs(atMs),
    });
    this.#elapsed.beginAnewAt(atMs);
    for (const what of carried.dropped)
      this.#options.log.warn(`the new configuration drops ${what}`);
    this.desk.carryOn(carried, steerable.limits, true);
    return {
      pauses: old.plan.scenarios.map(({ name }) => ({
        ...state.scenarios[name]!.regime,
        fromMs: atMs,
        isPaused: true,
      })),
      beginnings: beginningsOf(next.plan, carried),
    };
  }

  /** The last word of this life. */
  async close(): Promise<void> {
    this.desk.close();
    await this.#file?.close();
  }
}

function beginningsOf({ scenarios }: AtWork["plan"], { state }: CarriedOn): Beginning[] {
  return scenarios.map(({ name }) => {
    const { regime, startsBefore, isStopped } = state.scenarios[name]!;
    return { regime, startsBefore, isStopped };
  });
}

/** What a former life means for this one, in the log. */
function tellOf(
  stored: NonNullable<Former["stored"]>,
  { state, dropped }: CarriedOn,
  { gapMs, configHash, log }: { gapMs: number; configHash: string; log: Logger },
): void {
  const facts = { revision: state.revision, gapSeconds: Math.round(gapMs / 1000) };
  log.info(facts, "going on where the former run was: each plan is where the wall clock says");
  if (!stored.isClean) {
    log.warn("the former run did not stop cleanly: what it had in flight is not accounted for");
  }
  if (stored.configHash !== configHash) {
    log.info("the configuration has changed since: what was ordered stays, as far as it fits");
  }
  for (const what of dropped)
    log.warn(`the state file holds what does not fit, and is dropped: ${what}`);
  if (state.killSwitch !== null) {
    log.warn("the kill switch is latched: nothing starts until celery-load ctl release");
  }
}
