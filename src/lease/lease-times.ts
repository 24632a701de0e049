/**
 * How the lease time is spent. It is the longest time between the last sign of life of a holder and the first start of
 * its successor, and it has two halves:
 *
 * 1. *claim*: so long the server keeps a claim that is not proved again; until a standby asks, it is kept from it;
 * 2. *grace*: so long who has just made a claim waits before it starts anything.
 *
 * A holder trusts a proof for less than the grace, from before it asked for it. Its successor made its claim after the
 * server had given that proof, and starts a whole grace later. So two never start at the same time, whatever has become
 * of the claim on the server: expired, deleted, lost with the server's data or by a clock that was set. What the
 * server must do is give a claim to one at a time.
 */
export interface LeaseTimes {
  readonly claimMs: number;
  readonly graceMs: number;
  /** How long a proof is trusted, from before it was asked for. */
  readonly trustMs: number;
  /** How often a holder proves its claim: twice it may fail. */
  readonly proveEveryMs: number;
  /** How often a standby asks for the claim. */
  readonly askEveryMs: number;
}

/** The shortest lease time: RabbitMQ notices the end of a connection that is silent within three whole seconds. */
export const SHORTEST_LEASE_MS = 6_000;
export const LONGEST_LEASE_MS = 600_000;

const MOST_ASK_MS = 1_000;

/** `leaseMs` is the lease time, from `SHORTEST_LEASE_MS` on. */
export function leaseTimes(leaseMs: number): LeaseTimes {
  const halfMs = leaseMs / 2;
  const askEveryMs = Math.min(MOST_ASK_MS, leaseMs / 10);
  const graceMs = halfMs - askEveryMs;
  // The rest is for clocks of different speed, and for a turn that has begun.
  const trustMs = graceMs * 0.8;
  return { claimMs: halfMs, graceMs, trustMs, proveEveryMs: trustMs / 2.5, askEveryMs };
}
