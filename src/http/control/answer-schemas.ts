import * as z from "zod";
import type { ReloadDone } from "../../control/reload-port.js";
import type { OrderDone } from "../../control/steering-port.js";
import type { HistoryAnswer } from "../../history/answer.js";
import type { Readiness } from "../app.js";
import type { ScenariosAnswer } from "../scenarios.js";
import type { RequestFault } from "./problem.js";

/** What is answered, for the OpenAPI document: a schema that does not fit its type does not compile. */
type SchemaOf<Answer> = z.ZodType<Answer>;

const described = <Schema extends z.ZodType>(schema: Schema, description: string) =>
  schema.meta({ description });
const text = (description: string) => described(z.string(), description);
const time = (description: string) => z.iso.datetime().meta({ description });
const revision = described(z.int(), "Grows by one with every change; also the ETag.");
const dryRun = described(z.literal(true), "Nothing was changed.").optional();

const workers = z.object({
  capacityPerSecond: described(
    z.number(),
    "Tasks a second that the workers' places can do at the present mean run time.",
  ),
  expectedBacklog: described(z.number(), "Most of our tasks that will wait."),
  drainSeconds: described(
    z.number().nullable(),
    "Until that is worked off at the rate that the plan has then; null: never.",
  ),
});

const impact = z.object({
  startsDifference: described(
    z.number(),
    "Starts more, or less when negative, until the end of the plan or for an hour.",
  ),
  overSeconds: described(z.number(), "How long that time is."),
  workers: described(
    workers.nullable(),
    "null when the workers have not told their places or mean run time.",
  ),
});

export const orderAnswer: SchemaOf<Omit<OrderDone, "isDryRun"> & { dryRun?: true | undefined }> =
  z.object({
    revision,
    id: text("Of the override, pause or kill switch that it made: what undo takes."),
    scenario: described(z.string().nullable(), "null: an order to all."),
    state: described(z.string().nullable(), "Of the scenario; null for an order to all."),
    effectiveAt: time("From when on it holds."),
    impact: described(impact.nullable(), "null for what changes no rate."),
    dryRun,
  });

export const reloadAnswer: SchemaOf<Omit<ReloadDone, "isDryRun"> & { dryRun?: true | undefined }> =
  z.object({
    revision,
    changes: described(
      z.array(
        z.object({
          path: text("The key, with those that lead to it."),
          text: text("What has become of it."),
        }),
      ),
      "Empty when nothing has changed.",
    ),
    dryRun,
  });

const heldBy = {
  id: text("What undo takes."),
  actor: text("Who ordered it: api, ctl, page, reload, guard or ttl."),
  reason: text("Empty: none was given."),
  since: time("When it was ordered."),
};
const until = described(z.iso.datetime().nullable(), "When it ends by itself; null: never.");

const stage = z.object({
  number: z.int(),
  name: z.string(),
  kind: z.string(),
  remainingSeconds: described(z.number().nullable(), "null: it has no end."),
});

const overrideTo = z.union([
  z.object({ what: z.literal("rate"), perSecond: z.number() }),
  z.object({ what: z.literal("scale"), factor: z.number() }),
  z.object({ what: z.literal("profile"), profile: z.any() }),
  z.object({ what: z.literal("users"), count: z.number() }),
  z.object({ what: z.literal("mix"), weights: z.record(z.string(), z.number()) }),
]);

export const scenariosAnswer: SchemaOf<ScenariosAnswer> = z.object({
  revision,
  killSwitch: described(z.object(heldBy).nullable(), "null: not latched."),
  scenarios: z.array(
    z.object({
      name: z.string(),
      state: text("waiting, warming, running, paused, draining or stopped."),
      stage: described(stage.nullable(), "null: none is under way."),
      targetRate: described(z.number().nullable(), "Wanted now, a second; null for a closed loop."),
      users: described(
        z.number().nullable(),
        "Those of a closed loop that are there now; else null.",
      ),
      achievedRate: described(z.number().nullable(), "Published a second over the last 30 s."),
      mix: described(
        z.record(z.string(), z.number()),
        "Weights in force, by the key of each task of its mix.",
      ),
      isStopped: described(z.boolean(), "Ended by an order, until it is started."),
      pauses: described(
        z.array(
          z.object({
            ...heldBy,
            guard: described(z.string().nullable(), "The guard that holds it; null: a person."),
            until,
          }),
        ),
        "It goes on when all have let go.",
      ),
      throttles: described(
        z.array(
          z.object({
            ...heldBy,
            guard: text("The guard that lowers the rate."),
            factor: described(z.number(), "Which part of the rate starts; of several the least."),
            until,
          }),
        ),
        "What guards let start of the rate, whoever has chosen it.",
      ),
      overrides: described(
        z.array(z.object({ ...heldBy, to: overrideTo, until })),
        "The oldest first; the last one is in force.",
      ),
    }),
  ),
});

export const readinessAnswer: SchemaOf<Readiness> = z.object({
  ready: z.boolean(),
  problems: described(
    z.array(
      z.object({
        connection: z.string().exactOptional(),
        role: z.string().exactOptional(),
        message: z.string(),
      }),
    ),
    "What is wrong; when ready, what is merely degraded.",
  ),
});

const numbers = z.array(z.number().nullable());
const beforeAfter = z.object({ before: z.number().nullable(), after: z.number().nullable() });

export const historyAnswer: SchemaOf<HistoryAnswer> = z.object({
  layout: described(
    z.int(),
    "Grows when the series are other ones: samples of another layout do not belong to these.",
  ),
  series: described(
    z.array(
      z.object({
        of: z.enum(["all", "scenario", "task", "queue", "exception"]),
        name: text("Of all: empty. Of a queue connection/queue."),
        what: z.enum([
          ...["published", "ended", "errors", "dropped", "inFlight", "p50", "p95", "p99"],
          ...["saturated", "target", "ready"],
        ] as const),
      }),
    ),
    "What each column is: rates are a second, percentiles seconds of what ended in that moment.",
  ),
  tiers: described(
    z.array(
      z.object({
        stepSeconds: z.number(),
        at: described(z.array(z.number()), "When each moment ended, Unix seconds."),
        columns: described(z.array(numbers), "By series; null: not known."),
      }),
    ),
    "The finest first: 1 s for ten minutes, 10 s for two hours, 2 min for two days.",
  ),
  marks: described(
    z.array(
      z.object({
        number: z.int(),
        at: z.number(),
        type: z.string(),
        text: z.string(),
        details: z.record(z.string(), z.unknown()),
        effect: described(
          z
            .object({
              p95Seconds: beforeAfter,
              queued: beforeAfter,
              isSaturated: z.boolean(),
            })
            .nullable(),
          "Of a change after its first minute: the minute before it and that one.",
        ),
      }),
    ),
    "What happened, as the events tell it.",
  ),
});

/** docs/api.md is its reference. */
export const statusAnswer = z
  .record(z.string(), z.unknown())
  .meta({ description: "One consistent reading: see the page on the status API." });

export const problemAnswer: SchemaOf<{
  type: string;
  title: string;
  status: number;
  detail: string;
  errors: readonly RequestFault[];
}> = z.object({
  type: text("about:blank: the status says which problem it is (RFC 9457)."),
  title: z.string(),
  status: z.int(),
  detail: text("All of it in one line."),
  errors: described(
    z.array(
      z.object({
        path: text("The key, ?parameter, header, or file with line and column; empty: the body."),
        message: z.string(),
      }),
    ),
    "Every fault.",
  ),
});
