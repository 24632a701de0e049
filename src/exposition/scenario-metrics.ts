import type { ReloadReading } from "../control/reload-port.js";
import type { SteeringReading } from "../control/steering-reading.js";
import { SCENARIO_STATES } from "../ledger/layout.js";
import type { LedgerView } from "../readings/ledger-view.js";
import { haveUsers, type Subject } from "../readings/subject.js";
import type { LedgerMetric, MakeMetric } from "./ledger-metric.js";
import { METRICS } from "./metrics.js";

export function scenarioMetrics(
  subject: Subject,
  metric: MakeMetric,
  steering: () => SteeringReading,
  reload: () => ReloadReading,
): LedgerMetric[] {
  const { scenarios } = subject;
  const hasUsers = haveUsers(subject);
  const stages = scenarios.flatMap((scenario, index) =>
    scenario.stages.map((stage, number) => ({
      scenario: index,
      number,
      labels: {
        scenario: scenario.name,
        stage: `${number + 1}: ${stage.name}`,
        kind: stage.kind,
      },
    })),
  );
  const isCurrent = (ledger: LedgerView, scenario: number, stage: number) =>
    ledger.scenario(scenario, "startedAt") > 0 && ledger.scenario(scenario, "stage") === stage;
  return [
    metric(METRICS.targetRate, (ledger, emit) => {
      for (const [index, { name }] of scenarios.entries()) {
        emit({ scenario: name }, ledger.scenario(index, "targetRate"));
      }
    }),
    metric(METRICS.users, (ledger, emit) => {
      for (const [index, { name }] of scenarios.entries()) {
        if (hasUsers[index]) emit({ scenario: name }, ledger.scenario(index, "users"));
      }
    }),
    metric(METRICS.scenarioState, (ledger, emit) => {
      for (const [index, { name }] of scenarios.entries()) {
        const current = ledger.scenarioState(index);
        for (const state of SCENARIO_STATES) {
          emit({ scenario: name, state }, state === current ? 1 : 0);
        }
      }
    }),
    metric(METRICS.scenarioRemaining, (ledger, emit) => {
      for (const [index, { name }] of scenarios.entries()) {
        emit({ scenario: name }, ledger.scenario(index, "remainingSeconds"));
      }
    }),
    metric(METRICS.stageInfo, (ledger, emit) => {
      for (const { scenario, number, labels } of stages) {
        emit(labels, isCurrent(ledger, scenario, number) ? 1 : 0);
      }
    }),
    metric(METRICS.stageRemaining, (ledger, emit) => {
      for (const { scenario, number, labels } of stages) {
        const remaining = ledger.scenario(scenario, "stageRemainingSeconds");
        emit(labels, isCurrent(ledger, scenario, number) ? remaining : 0);
      }
    }),
    metric(METRICS.lastChange, (ledger, emit) => {
      for (const [index, { name }] of scenarios.entries()) {
        emit({ scenario: name, kind: "start" }, ledger.scenario(index, "startedAt"));
        emit({ scenario: name, kind: "stage" }, ledger.scenario(index, "stageChangedAt"));
      }
      const reloadedUnixMs = reload().revision > 1 ? reload().doneUnixMs : 0;
      for (const { name, lastOverrideUnixMs, lastPauseUnixMs } of steering().scenarios) {
        emit({ scenario: name, kind: "override" }, lastOverrideUnixMs / 1000);
        emit({ scenario: name, kind: "pause" }, lastPauseUnixMs / 1000);
        emit({ scenario: name, kind: "reload" }, reloadedUnixMs / 1000);
      }
    }),
  ];
}
