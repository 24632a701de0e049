import { CEILING } from "./peers/peers.js";

/** "1000/s", "ceiling". */
export function rateText(rate: number): string {
  return rate === CEILING ? "ceiling" : `${rate}/s`;
}
