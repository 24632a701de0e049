import * as z from "zod";
import { WEEK_MS } from "../plan/clock/local-curve.js";
import { zoneNamed } from "../plan/clock/zone.js";
import type { OrderableSpec, RatedSpec } from "../plan/profile.js";

const rate = z.number().nonnegative();
const durationMs = z.number().nonnegative();
const zone = z.string().refine((name) => zoneNamed(name) !== null);

/** The profile of an override, as it stands in a state file. A kind that has no form here does not compile. */
const FORMS = {
  constant: z.strictObject({ kind: z.literal("constant"), ratePerSecond: rate }),
  steps: z.strictObject({
    kind: z.literal("steps"),
    stages: z.array(z.strictObject({ ratePerSecond: rate, durationMs })).min(1),
    repeat: z.boolean(),
  }),
  ramp: z.strictObject({
    kind: z.literal("ramp"),
    fromPerSecond: rate,
    stages: z.array(z.strictObject({ toPerSecond: rate, durationMs })).min(1),
  }),
  sine: z.strictObject({
    kind: z.literal("sine"),
    ...{ meanPerSecond: rate, amplitudePerSecond: rate, periodMs: z.number().positive() },
    peak: z.strictObject({ atMs: durationMs, zone: zone.nullable() }),
  }),
  week: z.strictObject({
    ...{ kind: z.literal("week"), zone, isStepped: z.boolean() },
    points: z
      .array(z.strictObject({ atMs: z.number().nonnegative().lt(WEEK_MS), ratePerSecond: rate }))
      .min(1)
      .refine((points) =>
        points.every(({ atMs }, index) =>
          index === 0 ? atMs === 0 : atMs > points[index - 1]!.atMs,
        ),
      ),
  }),
} satisfies { readonly [Kind in OrderableSpec["kind"]]: z.ZodType<RatedSpec<Kind>> };

export const profileForm: z.ZodType<OrderableSpec> = z.union(Object.values(FORMS));
