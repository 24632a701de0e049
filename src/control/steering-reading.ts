import type { Actor, OrderKind } from "./order.js";

/** What metrics, status and events tell of steering. */
export interface SteeringReading {
  readonly revision: number;
  readonly isKilled: boolean;
  readonly scenarios: readonly SteeredReading[];
  /** Orders that were followed, by kind and actor; those that can come are there from the start. */
  readonly orders: readonly {
    readonly kind: OrderKind;
    readonly actor: Actor;
    readonly count: number;
  }[];
  readonly stateFile: StateFileReading;
}

export interface SteeredReading {
  readonly name: string;
  /** Of the rate and of the mix, also those under another one. */
  readonly overrides: number;
  /** Guards and persons that hold it. */
  readonly pauses: number;
  /** Unix milliseconds at which an override was last made or undone; 0: never. */
  readonly lastOverrideUnixMs: number;
  /** The same of a pause that began or ended, by whomever. */
  readonly lastPauseUnixMs: number;
}

/** How the state file does; all zero when there is none. */
export interface StateFileReading {
  /** Times that it could not be written. */
  readonly writeFailures: number;
  /** The last time it could not: the daemon goes on, and what was ordered since would be lost with it. */
  readonly isFailing: boolean;
  /** How long nothing ran between the last sign of the life before and the beginning of this one. */
  readonly downtimeSeconds: number;
}

export const NO_STATE_FILE: StateFileReading = {
  writeFailures: 0,
  isFailing: false,
  downtimeSeconds: 0,
};

/** People give all orders but one; guards hold, let go and stop; a ttl and a reload end something. */
export const KNOWN_ORDERS: readonly (readonly [OrderKind, Actor])[] = [
  ["throttle", "guard"],
  ...(
    Object.entries({
      override: [],
      pause: ["guard"],
      resume: ["guard"],
      start: [],
      stop: ["guard"],
      "skip-stage": [],
      restart: [],
      burst: [],
      undo: ["ttl", "reload"],
      "stop-all": [],
      release: [],
    } satisfies Record<Exclude<OrderKind, "throttle">, Actor[]>) as [OrderKind, Actor[]][]
  ).flatMap(([kind, others]) =>
    (["api", "ctl", "page", ...others] as const).map((actor) => [kind, actor] as const),
  ),
];

/** Of a run that nobody has steered. */
export function unsteered(scenarios: readonly string[]): SteeringReading {
  const none = { overrides: 0, pauses: 0, lastOverrideUnixMs: 0, lastPauseUnixMs: 0 };
  return {
    revision: 0,
    isKilled: false,
    scenarios: scenarios.map((name) => ({ name, ...none })),
    orders: KNOWN_ORDERS.map(([kind, actor]) => ({ kind, actor, count: 0 })),
    stateFile: NO_STATE_FILE,
  };
}
