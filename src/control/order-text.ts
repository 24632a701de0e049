import { createProfile } from "../plan/profile.js";
import { durationText, rateText, usersText } from "../plan/stage-name.js";
import type { Order, OverrideTo } from "./order.js";

/** An order in a few words: `rate 50/s over 1m, for 10m`. Of `undo` its caller says what ends. */
export function orderText(order: Exclude<Order, { kind: "undo" }>): string {
  switch (order.kind) {
    case "override":
      return `${overrideText(order.to)}${over(order.overMs)}${forTtl(order.ttlMs, ",")}`;
    case "pause":
      return `pause${byGuard(order.guard)}${forTtl(order.ttlMs)}`;
    case "resume":
      return `resume${byGuard(order.guard)}`;
    case "throttle":
      return `${throttleText(order.factor)}${byGuard(order.guard)}${forTtl(order.ttlMs)}`;
    case "burst":
      return `${burstText(order.count)}${over(order.overMs)}`;
    case "stop-all":
      return order.revoke ? "stop-all, and revoke what is in flight" : "stop-all";
    default:
      return order.kind;
  }
}

/** What an override says. */
export function overrideText(to: OverrideTo): string {
  switch (to.what) {
    case "rate":
      return `rate ${rateText(to.perSecond)}`;
    case "scale":
      return `scale ${to.factor}`;
    case "profile":
      return `profile ${createProfile(to.profile).title}`;
    case "users":
      return usersText(to.count);
    case "mix":
      return `mix ${Object.entries(to.weights)
        .map(([key, weight]) => `${key} ${weight}`)
        .join(", ")}`;
  }
}

/** How much of the rate a guard lets start. */
export function throttleText(factor: number): string {
  return factor === 1 ? "no throttle" : `throttle to ${Math.round(factor * 100)} %`;
}

export function burstText(count: number): string {
  return `burst of ${count}`;
}

/** Who pauses. */
export function byGuard(guard: string | null): string {
  return guard === null ? "" : ` by guard ${guard}`;
}

function over(overMs: number): string {
  return overMs === 0 ? "" : ` over ${durationText(overMs)}`;
}

function forTtl(ttlMs: number | null, comma = ""): string {
  return ttlMs === null ? "" : `${comma} for ${durationText(ttlMs)}`;
}
