import * as z from "zod";
import type { RatedSpec } from "../../../plan/profile.js";
import { duration, field, rateMeta, readRate } from "../../fields.js";

const rate = (description: string) => field(rateMeta(description), readRate);

const rampStage = z
  .strictObject({
    to: rate("Rate at the end of the stage.").optional(),
    over: duration("How long the rate moves there.", { positive: true }).optional(),
    hold: duration("How long the rate of the stage before is held; instead of `to` and `over`.", {
      positive: true,
    }).optional(),
  })
  .superRefine(({ to, over, hold }, context) => {
    const isHold = hold !== undefined && to === undefined && over === undefined;
    const isMove = hold === undefined && to !== undefined && over !== undefined;
    if (isHold || isMove) return;
    context.addIssue({
      code: "custom",
      message: "must have either to and over, or hold",
      params: { remedy: "Write {to: 200/s, over: 15m} or {hold: 1h}.", hidesValue: true },
    });
  });

/** `{ramp: {from: 5/s, stages: [{to: 200/s, over: 15m}, {hold: 1h}]}}`: rates that change in straight lines. */
export const rampForm = z
  .strictObject({
    ramp: z
      .strictObject({
        from: rate("Rate at the start.").prefault("0/s"),
        stages: z
          .array(rampStage)
          .min(1, { error: "must have at least one stage" })
          .meta({ description: "Stages: `{to: 200/s, over: 15m}` or `{hold: 1h}`." }),
      })
      .meta({ description: "Rates that change in straight lines." }),
  })
  .transform(({ ramp }): RatedSpec<"ramp"> => {
    let toPerSecond = ramp.from;
    const stages = ramp.stages.map(({ to, over, hold }) => {
      toPerSecond = to ?? toPerSecond;
      return { toPerSecond, durationMs: hold ?? over ?? 0 };
    });
    return { kind: "ramp", fromPerSecond: ramp.from, stages };
  });
