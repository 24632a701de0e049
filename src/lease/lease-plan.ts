import type { BrokerTransport } from "../celery/urls/transport.js";

/** A scenario that is to have one writer for each segment. */
export interface LeasePlan {
  readonly scenario: string;
  /** Name of its connection. */
  readonly connection: string;
  readonly broker: string;
  readonly transport: BrokerTransport;
  /** Which part of all starts this daemon does: `2/4`. */
  readonly segment: string;
  /** The lease time. */
  readonly leaseMs: number;
}
