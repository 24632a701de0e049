import type { RatedSpec } from "../plan/profile.js";

/** A scenario whose rate follows what is observed. */
export interface FeedPlan {
  /** Index into the plan's scenarios. */
  readonly scenario: number;
  readonly name: string;
  /** Index into the plan's connections. */
  readonly connection: number;
  readonly queue: string;
  readonly spec: RatedSpec<"backlog" | "topUp">;
  readonly mostPerSecond: number;
}
