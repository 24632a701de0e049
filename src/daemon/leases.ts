import type { Claim, ClaimOptions } from "../connections/claim-port.js";
import { openClaim } from "../connections/open.js";
import type { Problem } from "../http/app.js";
import { gateBytes, leaseDeadline } from "../lease/lease-gate.js";
import type { LeasePlan } from "../lease/lease-plan.js";
import type { LeasePhase } from "../lease/lease-state.js";
import { leaseTimes } from "../lease/lease-times.js";
import type { Logger } from "../log.js";
import type { LeaseReading } from "../readings/lease-reading.js";
import { LeaseKeeper } from "./lease-keeper.js";

interface Kept {
  readonly plan: LeasePlan;
  readonly keeper: LeaseKeeper;
}

/** The leases of a run, each with a connection of its own. */
export class Leases {
  /** A gate (`lease/lease-gate.ts`) for each lease, in the order of the plans. */
  readonly gates: SharedArrayBuffer;
  readonly #kept: readonly Kept[];
  #closing: Promise<unknown> | undefined;

  constructor(plans: readonly LeasePlan[], log: Logger) {
    this.gates = new SharedArrayBuffer(gateBytes(plans.length));
    this.#kept = plans.map((plan, index) => ({ plan, keeper: keep(plan, index, this.gates, log) }));
  }

  readings(): LeaseReading[] {
    return this.#kept.map(({ plan: { scenario, segment }, keeper: { phase, holder, cause } }) => ({
      ...{ scenario, segment, phase, holder, cause },
    }));
  }

  /** Those that others hold: the daemon is ready, as it will take over, and sends nothing of them. */
  notes(): Problem[] {
    return this.#kept.flatMap(({ plan: { scenario, connection }, keeper }) =>
      keeper.phase === "held"
        ? []
        : [
            {
              connection,
              role: "lease",
              message: `scenario ${scenario} ${NOTES[keeper.phase]}${byWhom(keeper)}`,
            },
          ],
    );
  }

  /** Gives them up: when nothing starts any more. */
  async close(): Promise<void> {
    this.#closing ??= Promise.all(this.#kept.map(({ keeper }) => keeper.close()));
    await this.#closing;
  }
}

function keep(plan: LeasePlan, index: number, gates: SharedArrayBuffer, log: Logger): LeaseKeeper {
  const { scenario, connection, broker, transport, segment, leaseMs } = plan;
  const times = leaseTimes(leaseMs);
  const fields = { scenario, segment, connection };
  const open = (report: ClaimOptions["report"]): Claim =>
    openClaim({
      ...{ url: broker, transport, report },
      subject: `${scenario}:${segment}`,
      keptMs: times.claimMs,
    });
  const keeper: LeaseKeeper = new LeaseKeeper({
    times,
    openClaim: open,
    deadline: leaseDeadline(gates, index),
    changed(phase, before) {
      const { holder } = keeper;
      const level = before === null || phase === "waiting" || phase === "held" ? "info" : "warn";
      log[level](
        { ...fields, ...(holder === null ? {} : { holder }) },
        phase === "standby" && before !== null ? LOST : NEWS[phase],
      );
    },
    cannotAsk: (cause) => log.warn({ ...fields, cause }, "the lease cannot be asked for"),
  });
  return keeper;
}

/** What the log says when a lease has come to a phase. */
const NEWS: Readonly<Record<LeasePhase, string>> = {
  standby: "the lease is another daemon's: standing by",
  waiting: "the lease is ours: starting when its last holder has certainly stopped",
  held: "the lease is ours: the scenario may start tasks",
  expired: "the lease could not be proved in time: nothing starts until it is",
};
const LOST = "the lease is lost: another daemon has it. Standing by";

const NOTES: Readonly<Record<LeasePhase, string>> = {
  standby: "stands by: another daemon has its lease",
  waiting: "has its lease and starts when the last holder has certainly stopped",
  held: "",
  expired: "has paused: its lease could not be proved in time",
};

function byWhom({ holder, cause }: LeaseKeeper): string {
  if (cause !== null) return `, and it cannot be asked for: ${cause}`;
  return holder === null ? "" : ` (${holder})`;
}
