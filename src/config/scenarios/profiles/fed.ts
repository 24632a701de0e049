import * as z from "zod";
import type { RatedSpec } from "../../../plan/profile.js";
import { duration, field, ReadError, rateMeta, readRate, wholeNumber } from "../../fields.js";
import { queueField } from "../../tasks/task-fields.js";

const MOST_MESSAGES = 10_000_000;

const queue = queueField("The queue; left out: that of all tasks of the mix.").optional();

const positiveRate = (description: string) =>
  field(rateMeta(description), (value) => {
    const perSecond = readRate(value);
    if (perSecond > 0) return perSecond;
    throw new ReadError("must be above 0/s", { remedy: "Write it like 100/s." });
  });

/** `{backlog: {queue: images, min: 0, max: 500, period: 10m, maxRate: 200/s}}`: holds the depth of a queue. */
export const backlogForm = z
  .strictObject({
    backlog: z
      .strictObject({
        queue,
        min: wholeNumber(0, MOST_MESSAGES, "The fewest messages that are to wait.").prefault(0),
        max: wholeNumber(1, MOST_MESSAGES, "The most messages that are to wait."),
        period: duration("From the fewest to the most and back; left out: always the most.", {
          positive: true,
        }).optional(),
        maxRate: positiveRate("What is started in a second at most, however empty the queue is."),
      })
      .meta({ description: "Holds so many messages in a queue, whatever the workers take." }),
  })
  .transform(({ backlog }, context): RatedSpec<"backlog"> => {
    const { queue: name, min, max, period, maxRate } = backlog;
    if (min > max) {
      context.addIssue({
        code: "custom",
        path: ["backlog", "min"],
        message: `must be at most max (${max})`,
        params: { remedy: "Lower it, or raise max." },
      });
      return z.NEVER;
    }
    return {
      ...{ kind: "backlog", queue: name ?? null, min, max },
      ...{ periodMs: period ?? null, maxPerSecond: maxRate },
    };
  });

/** `{topUp: {to: 200/s, queue: images}}`: what real traffic leaves of a rate. */
export const topUpForm = z
  .strictObject({
    topUp: z
      .strictObject({
        to: positiveRate("What all together start in a second, ours and everybody else's."),
        queue,
      })
      .meta({
        description:
          "The rate that is left when the tasks of others are taken off, by their events.",
      }),
  })
  .transform(
    ({ topUp }): RatedSpec<"topUp"> => ({
      ...{ kind: "topUp", queue: topUp.queue ?? null, toPerSecond: topUp.to },
    }),
  );
