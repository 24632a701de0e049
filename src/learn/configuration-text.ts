import { formatDuration, formatRate } from "../config/quantities.js";
import { WEEKDAYS } from "../config/scenarios/local-time.js";
import { escaped } from "../init/servers.js";
import { comment, yamlLine } from "../init/yaml-line.js";
import type { Arrival } from "../plan/arrival.js";
import { DAY_MS } from "../plan/clock/local-curve.js";
import type { LearnedPlan, LearnedTask } from "./learned-plan.js";
import { RUN_TIME_KEY } from "./run-time-key.js";
import type { LearnedProfile } from "./shape.js";
import type { Dispersion } from "./traffic.js";

/**
 * The variable that the configuration takes its broker from. Not CELERY_BROKER_URL, which names production wherever one
 * can learn from it.
 */
export const BROKER_VARIABLE = "STAGING_BROKER_URL";

/** What is said of a plan beside it. */
export interface PlanNotes {
  /** What it was learned from and when, in words. */
  readonly source: string;
  readonly dispersions: readonly Dispersion[];
  /** What the rates were multiplied by. */
  readonly scale: number;
}

/** The plan as a configuration to commit and edit. */
export function learnedConfiguration(plan: LearnedPlan, notes: PlanNotes): string {
  const { profile, arrival, tasks, remarks } = plan;
  const scale =
    notes.scale === 1 ? [] : [`# All rates are those of the source times ${notes.scale}.`];
  return [
    `# Learned by celery-load learn from ${comment(notes.source)}.`,
    ...scale,
    ...remarks.map((remark) => `# ${comment(remark)}`),
    "# Names and rates only: write the args or kwargs of each task, or let stand-ins take them",
    "# (celery-load stand-in FILE). Then: celery-load check, plan, run.",
    `# Set ${BROKER_VARIABLE} to a broker of your own: what it names is flooded as production is.`,
    `# ${RUN_TIME_KEY} says how long those ran that succeeded: for you and stand-in, not for the daemon.`,
    "",
    "connections:",
    "  main:",
    `    broker: \${${BROKER_VARIABLE}}`,
    "",
    "tasks:",
    ...tasks.flatMap(taskLines),
    "",
    "scenarios:",
    "  production:",
    ...profileLines(profile).map((line) => `    ${line}`),
    ...arrivalLines(arrival, notes.dispersions).map((line) => `    ${line}`),
    "    mix: # per cent",
    ...tasks.map(({ key, weight }) => `      ${yamlLine({ [key]: weight })}`),
    "",
  ].join("\n");
}

function taskLines({ key, name, queue, runTimes, sideEffect }: LearnedTask): string[] {
  const mark = sideEffect === null ? "" : ` # SIDE EFFECTS? "${sideEffect}"`;
  return [
    `  ${yamlLine(key)}:${mark}`,
    `    ${yamlLine({ name: escaped(name) })}`,
    queue === null
      ? "    # queue: celery # the source does not tell it"
      : `    ${yamlLine({ queue: escaped(queue) })}`,
    "    args: []",
    ...(runTimes === null
      ? []
      : [
          `    ${RUN_TIME_KEY}: { p50: ${time(runTimes.p50)}, p90: ${time(runTimes.p90)}, p99: ${time(runTimes.p99)} }`,
        ]),
  ];
}

/** Two digits of a run time say all that there is. */
function time(seconds: number): string {
  return formatDuration(Number((seconds * 1000).toPrecision(2)));
}

function profileLines(profile: LearnedProfile): string[] {
  if (profile.kind === "constant") return [`profile: ${formatRate(profile.ratePerSecond)}`];
  if (profile.kind === "steps") {
    return [
      "profile:",
      "  steps:",
      ...profile.stages.map(
        ({ ratePerSecond, durationMs }) =>
          `    - ${formatRate(ratePerSecond)} for ${formatDuration(durationMs)}`,
      ),
      "  repeat: true # left out, the scenario ends after the last step",
    ];
  }
  const days = WEEKDAYS.map((_, day) =>
    profile.points
      .filter(({ atMs }) => Math.floor(atMs / DAY_MS) === day)
      .map(({ atMs, ratePerSecond }) => `"${clock(atMs % DAY_MS)}": ${formatRate(ratePerSecond)}`),
  );
  const isEveryDay = days.every((points) => points.join() === days[0]!.join());
  return [
    "profile:",
    "  week:",
    `    zone: ${profile.zone}`,
    "    steps: true # false: in straight lines from each rate to the next",
    ...(isEveryDay
      ? dayLines("mon-sun", days[0]!)
      : days.flatMap((points, day) => dayLines(WEEKDAYS[day]!, points))
    ).map((line) => `    ${line}`),
  ];
}

/** In rows of six hours, or an hour of quarters. */
function dayLines(day: string, points: readonly string[]): string[] {
  const inRow = points.length > 24 ? 4 : 6;
  const rows = Array.from({ length: Math.ceil(points.length / inRow) }, (_, row) =>
    points.slice(row * inRow, (row + 1) * inRow).join(", "),
  );
  if (rows.length === 1) return [`${day}: { ${rows[0]} }`];
  return [`${day}:`, "  {", ...rows.map((row) => `    ${row},`), "  }"];
}

function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16);
}

function arrivalLines(arrival: Arrival | null, dispersions: readonly Dispersion[]): string[] {
  if (arrival === null) return ["arrival: poisson # the source is too coarse to tell"];
  const figures = dispersions.map(({ seconds, index }) => `${round(index)} at ${seconds} s`);
  return [
    `# Index of dispersion (0 even, 1 Poisson): ${figures.join(", ")}.`,
    `arrival: ${typeof arrival === "string" ? arrival : `burst of ${arrival.burstOf}`}`,
  ];
}

function round(index: number): string {
  return String(Number(index.toPrecision(2)));
}
