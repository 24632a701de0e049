import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import { SCENARIO_STATES, type ScenarioState } from "../../ledger/layout.js";
import { dashed, lines, number, rowsBy, stateBands } from "../panels.js";
import { aggregate, ofDaemon, ofScenario, ofTask, perSecond } from "../promql.js";

/** What runs now, and whether the planned load is real. */
export function statePanels(): Builder<Panel>[] {
  return [
    daemons(),
    targetRate(),
    publishedRate(),
    achievedShare(),
    inFlight(),
    connectionsDown(),
    scenarioTable(),
    scenarioStates(),
    targetAndAchieved(),
    connections(),
    saturation(),
  ];
}

/** Each of the scenario's states has its colour, or this does not compile. */
const STATE_COLOURS: Readonly<Record<ScenarioState, string>> = {
  waiting: "yellow",
  warming: "blue",
  running: "green",
  paused: "orange",
  draining: "purple",
  stopped: "text",
};

/** In the order of its life; the number is only how they travel to the panel. */
const STATES = SCENARIO_STATES.map((state) => ({ state, colour: STATE_COLOURS[state] }));

const CONNECTION_STATES = { "0": ["down", "red"], "1": ["up", "green"] } as const;
const SATURATION_STATES = { "0": ["keeps up", "green"], "1": ["saturated", "red"] } as const;

function daemons(): Builder<Panel> {
  return number({
    title: "Daemons reporting",
    description:
      "Daemons whose metrics arrive at this Prometheus. Healthy: as many as you have started. None: the page is empty because nothing is scraped, so look at the Status > Targets page of Prometheus, then at the variables Job and Instance above.",
    unit: "none",
    width: 4,
    height: 4,
    queries: [{ expr: aggregate("count", "", ofDaemon(METRICS.buildInfo)), legend: "daemons" }],
    steps: [
      [null, "red"],
      [1, "green"],
    ],
    noValue: "none: check the scrape target",
  });
}

function targetRate(): Builder<Panel> {
  return number({
    title: "Target rate",
    description:
      "Task starts a second that the profiles of the selected scenarios want now. Healthy: what you have configured for this stage. 0 is right before startAfter has passed, in a stage of 0/s and after the end. Scenarios with the profile max have no rate and are left out. Not narrowed by the variable Task.",
    unit: "cps",
    width: 4,
    height: 4,
    queries: [{ expr: aggregate("sum", "", wantedRate()), legend: "target" }],
    steps: [[null, "text"]],
    noValue: "no scenario with a rate",
  });
}

function publishedRate(): Builder<Panel> {
  return number({
    title: "Published rate",
    description:
      "Tasks a second that the broker has accepted, from the selected scenarios. Healthy: equal to the target rate. Lower: look at drops and publish failures in the row Errors. Not narrowed by the variable Task.",
    unit: "cps",
    width: 4,
    height: 4,
    queries: [{ expr: perSecond("", ofScenario(METRICS.published)), legend: "published" }],
    steps: [[null, "text"]],
    noValue: "no scenario",
  });
}

/** The target rates without those of closed loops: NaN is not above 0 and not 0 either. */
function wantedRate(): string {
  return `${ofScenario(METRICS.targetRate)} >= 0`;
}

function achievedShare(): Builder<Panel> {
  const scenario = "job, instance, scenario";
  const ofEach = perSecond(scenario, ofScenario(METRICS.published));
  const published = aggregate("sum", "", `${ofEach} and on (${scenario}) ${wantedRate()}`);
  const target = aggregate("sum", "", wantedRate());
  return number({
    title: "Achieved share",
    description:
      "Published rate divided by target rate. Healthy: 100 %, and a little off it only while a stage changes, since the rate looks back and the target does not. Below 98 % for longer: tasks are dropped or refused, see the row Errors for the reason. Scenarios with the profile max have no target and are left out.",
    unit: "percentunit",
    width: 4,
    height: 4,
    queries: [{ expr: `${published} / (${target} > 0)`, legend: "achieved" }],
    steps: [
      [null, "red"],
      [0.9, "orange"],
      [0.98, "green"],
    ],
    noValue: "target is 0",
  }).decimals(1);
}

function inFlight(): Builder<Panel> {
  return number({
    title: "In flight",
    description:
      "Tasks that are published and whose outcome is not known yet. Healthy: steady at a steady rate, about rate times latency. Growing without end: the workers do not keep up, or results are not stored (ignore_result).",
    unit: "short",
    width: 4,
    height: 4,
    queries: [{ expr: aggregate("sum", "", ofTask(METRICS.inFlight)), legend: "in flight" }],
    steps: [[null, "text"]],
    noValue: "no task",
  });
}

function connectionsDown(): Builder<Panel> {
  const up = ofDaemon(METRICS.connectionUp);
  return number({
    title: "Connections down",
    description:
      "Connections to brokers and result backends that do not answer now. Healthy: 0. Otherwise nothing can be published (broker) or no outcome is seen (backend); /readyz of the daemon says which address and why.",
    unit: "none",
    width: 4,
    height: 4,
    queries: [
      {
        expr: `${aggregate("count", "", up)} - ${aggregate("sum", "", up)}`,
        legend: "connections down",
      },
    ],
    steps: [
      [null, "green"],
      [1, "red"],
    ],
    noValue: "no connection",
  });
}

function scenarioTable(): Builder<Panel> {
  return rowsBy("scenario", {
    title: "Scenarios now",
    description:
      "State and stage of each scenario, how long the stage still lasts, and the rate that it wants. Healthy: running, in the stage that you expect. A stage without an end has no time left, and the profile max no rate. Several daemons with the same scenario give one row for each state that one of them is in.",
    unit: "short",
    width: 12,
    height: 6,
    queries: [
      {
        expr: aggregate("max", "scenario, state", `${ofScenario(METRICS.scenarioState)} == 1`),
        legend: "state",
      },
      {
        expr: aggregate("max", "scenario, stage, kind", `${ofScenario(METRICS.stageInfo)} == 1`),
        legend: "stage",
      },
      {
        // Of the current stage only: those that are not current have 0 s left.
        expr: aggregate(
          "min",
          "scenario",
          `${ofScenario(METRICS.stageRemaining)} < Inf and ${ofScenario(METRICS.stageInfo)} == 1`,
        ),
        legend: "time left",
      },
      { expr: aggregate("sum", "scenario", wantedRate()), legend: "target rate" },
    ],
    columns: {
      scenario: { heading: "Scenario" },
      state: { heading: "State" },
      stage: { heading: "Stage" },
      kind: { heading: "Kind" },
      "Value #C": { heading: "Time left", unit: "dtdurations", noValue: "no end" },
      "Value #D": { heading: "Target rate", unit: "cps", noValue: "closed loop" },
    },
    noValue: "no scenario",
  });
}

export function scenarioStates(): Builder<Panel> {
  const numbered = STATES.map(
    ({ state }, index) =>
      `(${ofScenario(METRICS.scenarioState, `state="${state}"`)} == 1) * ${index + 1}`,
  );
  return stateBands({
    title: "Scenario state over time",
    description:
      "When each scenario was waiting for its startAfter, warming up, running, draining (waiting for results before it ends) or stopped. Healthy: running for as long as you planned. A gap means that the daemon was not scraped. Of several daemons with the same scenario the one furthest in this order is shown.",
    unit: "none",
    width: 12,
    height: 6,
    queries: [
      { expr: aggregate("max", "scenario", numbered.join(" or ")), legend: "{{scenario}}" },
    ],
    states: Object.fromEntries(
      STATES.map(({ state, colour }, index) => [String(index + 1), [state, colour]] as const),
    ),
  });
}

export function targetAndAchieved(): Builder<Panel> {
  const panel = lines({
    title: "Target, planned and published rate",
    description:
      "Wanted by the profile (target), due by the plan (planned), accepted by the broker (published). Healthy: the three lie on each other, shifted a little at a change of stage. Planned above published: starts are dropped or refused (row Errors). Target above planned: the generator itself is late (row Can we trust this?). Not narrowed by the variable Task.",
    unit: "cps",
    width: 24,
    height: 9,
    queries: [
      {
        expr: aggregate("sum", "scenario", ofScenario(METRICS.targetRate)),
        legend: "{{scenario}} target",
      },
      {
        expr: perSecond("scenario", ofScenario(METRICS.planned)),
        legend: "{{scenario}} planned",
      },
      {
        expr: perSecond("scenario", ofScenario(METRICS.published)),
        legend: "{{scenario}} published",
      },
    ],
  });
  return dashed(panel, "/ target$/");
}

function connections(): Builder<Panel> {
  return stateBands({
    title: "Connections over time",
    description:
      "Whether each connection answered, by its role (broker, backend). Healthy: up throughout. While a broker is down, planned starts are dropped with the reason not_connected and are never caught up later.",
    unit: "none",
    width: 12,
    height: 6,
    queries: [
      {
        expr: aggregate("min", "connection, role", ofDaemon(METRICS.connectionUp)),
        legend: "{{connection}} {{role}}",
      },
    ],
    states: CONNECTION_STATES,
  });
}

function saturation(): Builder<Panel> {
  return stateBands({
    title: "Generator saturated",
    description:
      "Whether the daemon itself was the bottleneck, by cause. Healthy: keeps up throughout. While it is saturated the latency includes the daemon's own delay: give it more CPU or a lower rate before you blame the workers.",
    unit: "none",
    width: 12,
    height: 6,
    queries: [
      { expr: aggregate("max", "cause", ofDaemon(METRICS.saturated)), legend: "{{cause}}" },
    ],
    states: SATURATION_STATES,
  });
}
