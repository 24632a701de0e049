import * as z from "zod";
import { SIDES } from "../../diagnosis/bottleneck.js";
import { FINE } from "../../ledger/layout.js";

/**
 * The form of `report.json`: what writes it has its type from here, and docs/report.schema.json is generated from it. It
 * grows when a reader of a former one would read a new one wrongly; keys may be added without that.
 */
export const REPORT_VERSION = 1;

const described = <Schema extends z.ZodType>(schema: Schema, description: string) =>
  schema.meta({ description });
const count = z.number().nonnegative();
const maybe = z.number().nullable();
const seconds = (description: string) => described(z.number().nonnegative(), description);
const byName = <Schema extends z.ZodType>(value: Schema, description: string) =>
  described(z.record(z.string(), value), description);
const time = (description: string) => z.iso.datetime().meta({ description });

const verdict = z.enum(["met", "missed", "inconclusive"]);

const latency = described(
  z.object({ p50: maybe, p95: maybe, p99: maybe, p999: maybe, max: maybe }),
  "Seconds from planned start to result, of what succeeded or failed; null: there is none.",
);

const task = {
  planned: count,
  published: count,
  unconfirmed: described(count, "Of those published, without the broker's answer."),
  dropped: byName(count, "By reason."),
  publishFailures: byName(count, "By kind."),
  outcomes: byName(count, "By outcome, of what was published."),
  retries: count,
  late: described(count, "Results that came after the timeout."),
  duplicate: count,
  recovered: count,
  errors: byName(count, "By exception class."),
  latencySeconds: latency,
};

const phase = z.object({ count, meanSeconds: maybe, p50: maybe, p95: maybe, p99: maybe });
const side = z.enum(SIDES);

const measuredTask = z.object({
  ...task,
  phases: byName(phase, "Seconds, by phase: dispatch, publish, work, queue, run, delivery."),
  bottleneck: described(
    z.object({
      side,
      evidence: z.record(z.string(), z.unknown()).nullable(),
      secondsBySide: z.partialRecord(side, z.number()),
    }),
    "Which side made it slow at the end, and for how long each did.",
  ),
});

const histogram = described(
  z.object({
    count: described(count, "Of all cells."),
    sumSeconds: z.number().nonnegative(),
    cells: described(
      z.array(z.int().nonnegative()),
      "Pairs of the number of a cell and its count, ascending; cells that are empty are left out. `histograms.bounds` says where a cell begins.",
    ),
  }),
  "A fine histogram: log-linear, so that a quantile is off by 0.8 % at most.",
);

const histogramsOfTask = z.object({
  latency: z.object({ succeeded: histogram, failed: histogram }),
  phases: byName(histogram, "By phase."),
});

const judgement = z.object({
  kind: z.enum(["slo", "threshold", "check", "guard", "ledger"]),
  name: z.string(),
  scenario: described(z.string().nullable(), "null: it is about several."),
  verdict,
  reason: described(z.string(), "In words."),
  value: described(
    maybe,
    "What was measured, in the unit; null: nothing, or longer than anything awaited.",
  ),
  limit: maybe,
  unit: z.enum(["seconds", "ratio", "per_second", "count"]).nullable(),
  n: described(count, "Of how many tasks, or events."),
  seconds: seconds("How long it was observed."),
  evidence: z.array(z.string()),
});

const blockOfTask = z.object({
  counts: byName(
    z.array(count),
    "By counter of the ledger (planned, published, succeeded, …), one number a block.",
  ),
  latency: z.object({ succeeded: z.array(histogram), failed: z.array(histogram) }),
  phases: byName(z.array(histogram), "By phase, one histogram a block."),
});

const worker = z.object({
  name: z.string(),
  up: described(maybe, "1 or 0 at the end; null: not known."),
  version: described(z.string().nullable(), "Of Celery."),
  pool: z.string().nullable(),
  places: described(maybe, "Tasks that it can run at the same time."),
  prefetch: maybe,
  queues: z.array(z.string()),
});

const connection = z.object({
  server: described(
    z.object({ product: z.string(), version: z.string() }).nullable(),
    "The broker; null when it did not say.",
  ),
  workers: z.array(worker),
  pools: described(
    z.array(
      z.object({
        workers: count,
        pool: z.string().nullable(),
        places: described(maybe, "Of all of them."),
        prefetch: described(maybe, "Of each."),
        version: z.string().nullable(),
      }),
    ),
    "Workers that were up at the end, those that are alike together.",
  ),
});

export const runReport = z.object({
  reportVersion: z.literal(REPORT_VERSION),
  run: z.object({
    id: described(z.string(), "Of this run alone; also the label run of what --push sends."),
    startedAt: time("When the plan began."),
    endedAt: time("When the last task had ended."),
    seconds: seconds("How long that took."),
    endedBy: described(
      z.enum(["plan", "signal", "threshold"]),
      "The plan was over, a signal stopped it, or a threshold with abort was missed.",
    ),
    isBounded: described(z.boolean(), "It was to end by itself."),
    saturatedSeconds: seconds("For how long celery-load was itself the bottleneck."),
    segment: described(z.string(), "The part of all starts that this daemon did: 1/1 is all."),
  }),
  verdict: described(
    z.object({ verdict, reasons: z.array(z.string()) }),
    "The worst of all judgements, and a sentence for each that is not met.",
  ),
  judgements: described(
    z.array(judgement),
    "SLOs, thresholds, checks, guards and the ledger, each with what speaks for it.",
  ),
  ledger: z.object({
    balanced: described(z.boolean(), "Every task is accounted for."),
    total: z.object(task),
    tasks: byName(measuredTask, "By registered name; a workflow by its key."),
    scenarios: byName(
      z.object({ balanced: z.boolean(), tasks: byName(z.object(task), "By registered name.") }),
      "The same by scenario.",
    ),
  }),
  slos: byName(
    z.object({
      objective: described(z.number(), "Share of the events that must be good."),
      events: count,
      bad: count,
      excluded: byName(count, "Events that do not count, by reason."),
      verdict,
      reason: z.string(),
    }),
    "By name.",
  ),
  thresholds: z.array(
    z.object({
      threshold: z.string(),
      verdict,
      reason: z.string(),
      value: maybe,
      limit: z.number(),
      unit: z.enum(["seconds", "ratio", "per_second"]),
      n: count,
      scenarios: z.array(z.string()),
      abort: z.boolean(),
    }),
  ),
  guards: z.array(
    z.object({
      name: z.string(),
      watch: z.string(),
      action: z.string(),
      state: z.string(),
      subject: z.string(),
      value: maybe,
      limit: z.number(),
      firedTotal: count,
      unknown: z.string().nullable(),
    }),
  ),
  histograms: z.object({
    bounds: described(
      z.object({
        firstSeconds: z.number(),
        stepsPerOctave: z.int(),
        cells: z.int(),
      }),
      `Cell i begins at firstSeconds × 2^floor(i ÷ stepsPerOctave) × (1 + (i mod stepsPerOctave) ÷ stepsPerOctave) and ends where the next one begins; cell 0 also has what is shorter, the last one (${FINE.size - 1}) what is longer.`,
    ),
    tasks: byName(histogramsOfTask, "Of the whole run, by registered name."),
  }),
  blocks: described(
    z.object({
      stepSeconds: described(
        z.number(),
        "30, and doubled each time that there would be too many blocks.",
      ),
      at: described(z.array(z.number()), "When each block ended, Unix seconds."),
      seconds: described(z.array(z.number()), "How long each was: the last one may be shorter."),
      saturatedSeconds: z.array(z.number()),
      tasks: byName(blockOfTask, "By registered name, the first hundred."),
    }),
    "The run in blocks, each with whole histograms: the samples of a comparison.",
  ),
  timeline: described(
    z.object({
      stepSeconds: described(z.number(), "1, 2, 10, 30, or a multiple of that in a long run."),
      at: described(z.array(z.number()), "When each column ended, Unix seconds."),
      seconds: z.array(z.number()),
      series: z.array(
        z.object({
          of: z.enum(["all", "scenario", "task", "queue", "exception"]),
          name: z.string(),
          what: z.string(),
          values: described(z.array(maybe), "By column; null: not known."),
        }),
      ),
    }),
    "The run in columns: rates a second, latencies in seconds of what ended meanwhile.",
  ),
  stages: z.array(
    z.object({
      scenario: z.string(),
      number: z.int(),
      stages: z.int(),
      name: z.string(),
      kind: z.string(),
      seconds: z.number(),
      plannedRate: maybe,
      achievedRate: maybe,
      planned: count,
      published: count,
      dropped: byName(count, "By reason."),
      publishFailures: byName(count, "By kind."),
      outcomes: byName(count, "By outcome."),
      latencySeconds: latency,
    }),
  ),
  events: described(
    z.array(
      z.object({
        at: described(z.number(), "Unix seconds."),
        type: described(
          z.string(),
          "change (an order), stage, state, guard, readiness, verdict or config.",
        ),
        text: z.string(),
        details: z.record(z.string(), z.unknown()),
      }),
    ),
    "What happened meanwhile, the last 500.",
  ),
  users: byName(
    z.object({ measured: latency, compensated: latency }),
    "Of scenarios whose users wait for their answers.",
  ),
  scripts: byName(
    z.object({
      succeeded: count,
      failed: count,
      checks: byName(z.object({ passed: count, failed: count }), "By what they are about."),
    }),
    "Of scenarios with a script: times that a user went through it, or that it threw, and its checks.",
  ),
  data: byName(
    z.object({ rows: count, used: count, skipped: count, ended: z.array(z.string()) }),
    "Rows of files.",
  ),
  withoutSuccess: described(z.array(z.string()), "Of what nothing has succeeded, and why."),
  environment: z.object({
    daemon: z.object({
      version: z.string(),
      commit: z.string(),
      node: z.string(),
      platform: z.string(),
      cpus: z.int(),
      threads: z.int(),
    }),
    connections: byName(connection, "By name."),
    configuration: z.object({
      hash: z.string(),
      text: described(
        z.string().nullable(),
        "What was in effect, as YAML, passwords masked; null where it is longer than 1 MiB.",
      ),
    }),
  }),
});

export type RunReport = z.infer<typeof runReport>;

/** The JSON Schema of `report.json`. */
export function reportJsonSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(runReport, { io: "input" }),
    title: `report.json of celery-load, version ${REPORT_VERSION}`,
  };
}
