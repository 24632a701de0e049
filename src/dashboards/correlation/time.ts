import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import * as common from "@grafana/grafana-foundation-sdk/common";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import type { Side } from "../../diagnosis/bottleneck.js";
import { METRICS } from "../../exposition/metrics.js";
import { SIDES_RECORDS } from "../../rules/recordings/records.js";
import { colourByName, lines, onTheRight, stackedAreas, stateBands } from "../panels.js";
import { aggregate, ofDeployment, ofTaskName, ofTasks, phaseSeconds, quantile } from "../promql.js";
import { PHASE_COLOURS, phaseMeans } from "../tasks/latency.js";

/** Which part of the latency is the broker's, the queue's, the workers', the backend's? */
export function timePanels(): Builder<Panel>[] {
  return [slowSide(), phaseShare(), phaseMeans(), runTimes(), waitAndDepth()];
}

/** Which side makes a task slow, as the daemon decides it; the number is only how it travels to the panel. */
const SIDES = [
  { side: "none", words: "nothing", colour: "green" },
  { side: "code", words: "the task's code", colour: "blue" },
  { side: "workers_busy", words: "workers busy", colour: "yellow" },
  { side: "workers_idle_but_waiting", words: "waits beside idle workers", colour: "red" },
  { side: "broker", words: "broker", colour: "orange" },
  { side: "backend", words: "backend", colour: "purple" },
  { side: "generator", words: "this daemon", colour: "text" },
] as const satisfies readonly { side: Side; words: string; colour: string }[];

function slowSide(): Builder<Panel> {
  const numbered = SIDES.map(
    ({ side }, index) => `(${ofTaskName(METRICS.bottleneck, `side="${side}"`)} == 1) * ${index}`,
  );
  return stateBands({
    title: "What makes each task slow",
    description:
      "The side that the daemon holds responsible, task by task, from phases, queues and pools of the last half minute. Healthy: nothing, or the task's code. Workers busy: add workers. Waits beside idle workers: wrong queue, prefetch, or a worker that takes nothing any more. This daemon: do not believe the latency. The panels below show what it is concluded from.",
    unit: "none",
    width: 24,
    height: 7,
    queries: [{ expr: aggregate("max", "task", numbered.join(" or ")), legend: "{{task}}" }],
    states: Object.fromEntries(
      SIDES.map(({ words, colour }, index) => [String(index), [words, colour]] as const),
    ),
  });
}

function phaseShare(): Builder<Panel> {
  const panel = stackedAreas({
    title: "Who is slow? Share of each phase",
    description:
      "All time that tasks take, divided among the phases; the areas fill 100 %. Healthy: mostly run. queue: too few workers, or they do not take (see Busy or idle). publish: the broker is slow to accept. delivery: the backend or the way back. dispatch: this daemon. work: queue and run together, where workers send no events.",
    unit: "s",
    width: 12,
    height: 9,
    queries: [{ expr: phaseSeconds(), legend: "{{phase}}" }],
  }).stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Percent).group("A"));
  return colourByName(panel, PHASE_COLOURS);
}

function runTimes(): Builder<Panel> {
  return lines({
    title: "Run time p95: every source",
    description:
      "How long tasks run by our phase run, by celery-exporter and by Flower, as each measures it over five minutes. Healthy: the lines of a task lie on each other within a bucket. Far apart: failures run longer or shorter (the exporters count successes only), others send the same task with other arguments, or the value is beyond an exporter's highest bucket (10 s).",
    unit: "s",
    width: 12,
    height: 9,
    queries: [
      {
        expr: aggregate(
          "max",
          "task, source",
          ofDeployment(SIDES_RECORDS.workerRunP95, 'task=~"$task"'),
        ),
        legend: "{{task}} {{source}}",
      },
    ],
  });
}

function waitAndDepth(): Builder<Panel> {
  const panel = lines({
    title: "Wait quantile $quantile against queue length",
    description:
      "Time in the queue (left: phase queue; work, which running is part of, is there without task events too) and messages that wait, by queue (right). Healthy: both low. Both climb: more arrives than is worked off, add workers. Wait climbs over empty queues: tasks sit prefetched in busy workers, lower the prefetch multiplier. Length climbs and the wait does not: it is not our tasks that wait.",
    unit: "s",
    width: 12,
    height: 9,
    queries: [
      {
        expr: quantile("$quantile", "phase", ofTasks(METRICS.phase, 'phase=~"queue|work"')),
        legend: "{{phase}}",
      },
      {
        expr: aggregate("sum", "queue, source", ofDeployment(SIDES_RECORDS.queueReady)),
        legend: "{{queue}} waiting, {{source}}",
      },
    ],
  });
  return onTheRight(panel, "/ waiting, /", "short");
}
