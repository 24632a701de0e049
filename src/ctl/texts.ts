import { formatDuration, formatRate } from "../config/quantities.js";
import type { OverrideTo } from "../control/order.js";
import { throttleText } from "../control/order-text.js";
import type { ReloadChange } from "../control/reload-port.js";
import type { Impact } from "../control/steering-port.js";
import type {
  OverrideAnswer,
  PauseAnswer,
  ScenarioAnswer,
  ScenariosAnswer,
  ThrottleAnswer,
} from "../http/scenarios.js";
import { type Column, tableLines } from "../terminal/table.js";
import { printable, wrappedText } from "../terminal/text.js";

/** What an order came to, as it is answered. */
interface OrderAnswer {
  readonly revision: number;
  readonly id: string;
  readonly scenario: string | null;
  readonly state: string | null;
  readonly effectiveAt: string;
  readonly impact: Impact | null;
  readonly dryRun?: true;
}

interface ReloadAnswer {
  readonly revision: number;
  readonly changes: readonly ReloadChange[];
  readonly dryRun?: true;
}

/** `ctl status`: a table of the scenarios, and below who holds what. */
export function statusText(answer: ScenariosAnswer, width: number): string {
  const { scenarios, killSwitch, revision } = answer;
  const column = (title: string, cellOf: (scenario: ScenarioAnswer) => string): Column => ({
    title,
    cells: scenarios.map((each) => printable(cellOf(each))),
  });
  const lines = tableLines(
    {
      title: "scenario",
      names: scenarios.map(({ name }) => name),
      groups: [
        [column("state", stateOf), column("stage", stageOf)],
        [
          column("wanted", wantedOf),
          column("achieved", ({ achievedRate }) => rateText(achievedRate)),
        ],
      ],
    },
    width,
  );
  const held = scenarios.flatMap(({ name, pauses, throttles, overrides }) => [
    ...pauses.map((pause) => `${name}: ${pauseText(pause)}`),
    ...throttles.map((throttle) => `${name}: ${throttledText(throttle)}`),
    ...overrides.map((override) => `${name}: ${overrideText(override)}`),
  ]);
  const kill =
    killSwitch === null
      ? []
      : [
          `The kill switch is latched${because(killSwitch)}: nothing starts until celery-load ctl release.`,
        ];
  const rest = [...kill, ...held, `Revision ${revision}.`].map(printable);
  return wrappedText([...lines, "", ...rest].join("\n"), width);
}

function wantedOf({ users, targetRate }: ScenarioAnswer): string {
  return users === null ? rateText(targetRate) : usersText(users);
}

function usersText(users: number): string {
  return `${users} ${users === 1 ? "user" : "users"}`;
}

/** What an order, or a reload, has done. */
export function doneText(answer: OrderAnswer | ReloadAnswer, width: number): string {
  const lines = "changes" in answer ? reloadLines(answer) : orderLines(answer);
  const tried = answer.dryRun === true ? ["Nothing was changed: this was a dry run."] : [];
  return wrappedText([...lines, ...tried].map(printable).join("\n"), width);
}

function orderLines({
  dryRun,
  revision,
  id,
  scenario,
  state,
  effectiveAt,
  impact,
}: OrderAnswer): string[] {
  const subject = scenario === null ? "All scenarios" : scenario;
  const now = state === null ? "" : ` ${dryRun === true ? "would be" : "is"} ${state}`;
  return [
    `${subject}${now}, from ${effectiveAt} on (id ${id}, revision ${revision}).`,
    ...(impact === null ? [] : impactLines(impact)),
  ];
}

function impactLines({ startsDifference, overSeconds, workers }: Impact): string[] {
  const time = formatDuration(Math.round(overSeconds) * 1_000);
  const count = Math.round(Math.abs(startsDifference));
  const more = startsDifference < 0 ? "fewer" : "more";
  const lines = [`${count} starts ${more} within ${time}.`];
  if (workers === null) return [...lines, "The workers have not told what they can do."];
  const { capacityPerSecond, expectedBacklog, drainSeconds } = workers;
  const drained =
    drainSeconds === null
      ? "and never worked off"
      : `worked off within ${formatDuration(Math.ceil(drainSeconds) * 1_000)}`;
  return [
    ...lines,
    `The workers can do ${rateText(capacityPerSecond)}.`,
    expectedBacklog < 1
      ? "No backlog is expected."
      : `A backlog of ${Math.round(expectedBacklog)} tasks is expected, ${drained}.`,
  ];
}

function reloadLines({ changes, revision, dryRun }: ReloadAnswer): string[] {
  if (changes.length === 0) return [`Nothing has changed (revision ${revision}).`];
  const head = dryRun === true ? "Would change" : "Changed";
  return [
    `${head}, with revision ${revision}:`,
    ...changes.map(({ path, text }) => `  ${path}: ${text}`),
  ];
}

function stateOf({ state, isStopped, pauses }: ScenarioAnswer): string {
  if (isStopped) return "stopped";
  return pauses.length > 0 ? "paused" : state;
}

function stageOf({ stage }: ScenarioAnswer): string {
  if (stage === null) return "-";
  const { name, remainingSeconds } = stage;
  return remainingSeconds === null
    ? name
    : `${name}, ${formatDuration(Math.round(remainingSeconds) * 1_000)} left`;
}

function rateText(perSecond: number | null): string {
  return perSecond === null ? "-" : formatRate(Number(perSecond.toPrecision(3)));
}

function pauseText(pause: PauseAnswer): string {
  const who = pause.guard === null ? because(pause) : ` by guard ${pause.guard}`;
  return `paused${who}${untilText(pause)} (${pause.id})`;
}

function throttledText(throttle: ThrottleAnswer): string {
  const { factor, guard, id } = throttle;
  return `${throttleText(factor)} by guard ${guard}${untilText(throttle)} (${id})`;
}

function overrideText(override: OverrideAnswer): string {
  return `${toText(override.to)}${because(override)}${untilText(override)} (${override.id})`;
}

function toText(to: OverrideTo): string {
  if (to.what === "rate") return `rate ${formatRate(to.perSecond)}`;
  if (to.what === "scale") return `scale ${to.factor}`;
  if (to.what === "users") return usersText(to.count);
  if (to.what === "profile") return `another profile (${to.profile.kind})`;
  const weights = Object.entries(to.weights).map(([name, weight]) => `${name}:${weight}`);
  return `mix ${weights.join(",")}`;
}

function because({ actor, reason }: { readonly actor: string; readonly reason: string }): string {
  return ` by ${actor}${reason === "" ? "" : `, "${reason}"`}`;
}

function untilText({ until }: { readonly until: string | null }): string {
  return until === null ? "" : `, until ${until}`;
}
