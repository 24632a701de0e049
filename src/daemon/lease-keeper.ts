import { hrtimeMs } from "../clock.js";
import type { Claim } from "../connections/claim-port.js";
import type { LinkReport } from "../connections/observe-ports.js";
import { messageOf } from "../errors.js";
import type { LeaseDeadline } from "../lease/lease-gate.js";
import {
  afterAnswer,
  type LeasePhase,
  NO_LEASE,
  nextChangeMs,
  phaseAt,
  trustedUntilMs,
} from "../lease/lease-state.js";
import type { LeaseTimes } from "../lease/lease-times.js";

export interface LeaseKeeperOptions {
  readonly times: LeaseTimes;
  readonly openClaim: (report: LinkReport) => Claim;
  readonly deadline: LeaseDeadline;
  /** Called when it is known that the phase is another one; `before` is null at the first answer. */
  readonly changed: (phase: LeasePhase, before: LeasePhase | null) => void;
  /** Why it cannot be asked for; each cause once in a row. */
  readonly cannotAsk: (cause: string) => void;
}

const TICK_MS = 1_000;
/** A timer that comes this much too late says that this thread was held up, not the others. */
const LATE_MS = 1_000;

/** Asks for a lease, proves it while it is ours, and writes its deadline for the engine to read. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #claim: Claim;
  readonly #ticker: NodeJS.Timeout;
  #state = NO_LEASE;
  /** The last that was told. */
  #told: LeasePhase | null = null;
  #provenUnixMs = 0;
  #holder: string | null = null;
  #cause: string | null = null;
  #asking: NodeJS.Timeout | undefined;
  #changing: NodeJS.Timeout | undefined;
  #isAsking = false;
  #isClosed = false;
  #tickedMs = hrtimeMs();

  /** Starts connecting; returns at once. */
  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#claim = options.openClaim({
      up: () => void this.#ask(),
      down: (cause) => this.#failed(cause),
    });
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  /** By the clock as it is now. */
  get phase(): LeasePhase {
    return phaseAt(this.#state, this.#options.times, hrtimeMs());
  }

  /** Who holds it instead of us; null: nobody, or it is not known. */
  get holder(): string | null {
    return this.#holder;
  }

  /** Why it cannot be asked for now; null: it can. */
  get cause(): string | null {
    return this.#cause;
  }

  /** Gives it up. Call it when nothing starts any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.deadline.close();
    clearInterval(this.#ticker);
    clearTimeout(this.#asking);
    clearTimeout(this.#changing);
    await this.#claim.close();
  }

  async #ask(): Promise<void> {
    if (this.#isAsking || this.#isClosed) return;
    this.#isAsking = true;
    clearTimeout(this.#asking);
    // Before it is asked: the answer is true of some moment after this one.
    const askedMs = hrtimeMs();
    const askedUnixMs = Date.now();
    try {
      const { answer, holder } = await this.#claim.ask();
      this.#state = afterAnswer(this.#state, answer, askedMs, hrtimeMs());
      this.#provenUnixMs = askedUnixMs;
      this.#holder = holder;
      this.#cause = null;
      this.#look();
    } catch (error) {
      this.#failed(messageOf(error));
    } finally {
      this.#isAsking = false;
    }
    if (this.#isClosed) return;
    this.#asking = setTimeout(() => void this.#ask(), this.#waitMs());
  }

  #waitMs(): number {
    const { proveEveryMs, askEveryMs } = this.#options.times;
    return this.#state.claimedMs === null || this.#cause !== null ? askEveryMs : proveEveryMs;
  }

  /** Opens or closes the gate, tells of a change, and comes back when time makes another one. */
  #look(): void {
    const { times, deadline, changed } = this.#options;
    if (this.#isClosed) return;
    const nowMs = hrtimeMs();
    const phase = phaseAt(this.#state, times, nowMs);
    if (phase === "held") {
      deadline.openUntil(trustedUntilMs(this.#state, times), this.#provenUnixMs + times.trustMs);
    } else deadline.close();
    clearTimeout(this.#changing);
    const waitMs = nextChangeMs(this.#state, times, nowMs) - nowMs;
    if (waitMs < Number.POSITIVE_INFINITY) {
      this.#changing = setTimeout(() => this.#look(), Math.ceil(waitMs));
    }
    const before = this.#told;
    this.#told = phase;
    if (phase !== before) changed(phase, before);
  }

  #failed(cause: string): void {
    if (this.#isClosed) return;
    const isNews = cause !== this.#cause;
    this.#cause = cause;
    if (isNews) this.#options.cannotAsk(cause);
  }

  #tick(): void {
    const nowMs = hrtimeMs();
    const isLate = nowMs - this.#tickedMs > TICK_MS + LATE_MS;
    this.#tickedMs = nowMs;
    this.#claim.checkLiveness(isLate);
  }
}
