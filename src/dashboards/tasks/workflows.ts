import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../../exposition/metrics.js";
import { lines, stackedAreas } from "../panels.js";
import { aggregate, ofMembers, ofWorkflow, perSecond, quantile } from "../promql.js";

/** Inside chains, groups, chords and callbacks: which member is slow, which one breaks it? */
export function workflowPanels(): Builder<Panel>[] {
  return [membersPublished(), memberOutcomes(), memberLatency(), membersInFlight()];
}

function membersPublished(): Builder<Panel> {
  return stackedAreas({
    title: "Members by workflow",
    description:
      "Tasks a second that belong to published workflows, by the workflow's key and the member's name. Healthy: the rate of the workflow times the members that it has. Empty without workflows in the configuration. The variable Task chooses workflows by their keys.",
    unit: "cps",
    width: 12,
    height: 8,
    queries: [
      {
        expr: perSecond("workflow, task", ofWorkflow(METRICS.membersPublished)),
        legend: "{{workflow}} {{task}}",
      },
    ],
  });
}

function memberOutcomes(): Builder<Panel> {
  return stackedAreas({
    title: "Members that did not succeed",
    description:
      "Members a second by workflow, task and outcome, without those that succeeded. Healthy: 0. not_run: what came before it had failed, so look for the failed member of the same workflow. timed_out of all members behind one: that one is stuck.",
    unit: "cps",
    width: 12,
    height: 8,
    queries: [
      {
        expr: perSecond(
          "workflow, task, outcome",
          ofWorkflow(METRICS.memberOutcomes, 'outcome!="succeeded"'),
        ),
        legend: "{{workflow}} {{task}} {{outcome}}",
      },
    ],
  });
}

function memberLatency(): Builder<Panel> {
  return lines({
    title: "Member latency quantile $quantile",
    description:
      "From the planned start, or from the last result of the stage before, to the member's own result. Healthy: level. The member whose line climbs is the one that makes its workflow slow.",
    unit: "s",
    width: 12,
    height: 8,
    queries: [
      {
        expr: quantile("$quantile", "workflow, task", ofMembers(METRICS.memberLatency)),
        legend: "{{workflow}} {{task}}",
      },
    ],
  });
}

function membersInFlight(): Builder<Panel> {
  return lines({
    title: "Members in flight",
    description:
      "Members of published workflows that wait for their result or for their turn. Healthy: level at a level rate. One member that grows is where workflows pile up; members behind it wait too.",
    unit: "short",
    width: 12,
    height: 8,
    queries: [
      {
        expr: aggregate("sum", "workflow, task", ofWorkflow(METRICS.membersInFlight)),
        legend: "{{workflow}} {{task}}",
      },
    ],
  });
}
