import type { OrderableSpec } from "../plan/profile.js";

/** Who ordered something. */
export type Actor = "api" | "ctl" | "page" | "reload" | "guard" | "ttl";

/** What can be ordered of a running daemon. Times are milliseconds, rates starts a second. */
export type Order =
  | {
      readonly kind: "override";
      readonly scenario: string;
      readonly to: OverrideTo;
      /** Ramp to it over so long; 0: at once. Of a mix always 0. */
      readonly overMs: number;
      /** After so long it undoes itself; null: it stays. */
      readonly ttlMs: number | null;
    }
  | {
      readonly kind: "pause";
      readonly scenario: string;
      readonly ttlMs: number | null;
      /** The guard that orders it; null: a person. */
      readonly guard: string | null;
    }
  | { readonly kind: "resume"; readonly scenario: string; readonly guard: string | null }
  /** A guard lets only a part of the rate start, whoever has chosen that rate, in the place of what it let before. */
  | {
      readonly kind: "throttle";
      readonly scenario: string;
      readonly guard: string;
      /** Above 0; 1: all of it, which ends the throttle. */
      readonly factor: number;
      /** After so long it ends by itself, unless it is ordered anew. */
      readonly ttlMs: number;
    }
  | { readonly kind: "start" | "stop" | "skip-stage" | "restart"; readonly scenario: string }
  | {
      readonly kind: "burst";
      readonly scenario: string;
      readonly count: number;
      /** Spread over so long; 0: at once. */
      readonly overMs: number;
    }
  /** An override or a pause ends. */
  | { readonly kind: "undo"; readonly id: string }
  /** The kill switch: nothing starts until `release`. `revoke`: what is in flight is revoked, too. */
  | { readonly kind: "stop-all"; readonly revoke: boolean }
  | { readonly kind: "release" };

export type OrderKind = Order["kind"];

/** What an override puts in the place of what the configuration says. */
export type OverrideTo =
  | { readonly what: "rate"; readonly perSecond: number }
  | { readonly what: "scale"; readonly factor: number }
  | { readonly what: "profile"; readonly profile: OrderableSpec }
  /** So many users of a closed loop. */
  | { readonly what: "users"; readonly count: number }
  /** Weights by the key of each task of the scenario's mix. */
  | { readonly what: "mix"; readonly weights: Readonly<Record<string, number>> };

/** Who orders, and why. */
export interface OrderedBy {
  readonly actor: Actor;
  /** Free text, at most 500 characters; empty: none given. */
  readonly reason: string;
}
