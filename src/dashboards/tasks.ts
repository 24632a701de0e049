import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { board } from "./board.js";
import { errorPanels } from "./tasks/errors.js";
import { latencyPanels } from "./tasks/latency.js";
import { throughputPanels } from "./tasks/throughput.js";
import { userPanels } from "./tasks/users.js";
import { workflowPanels } from "./tasks/workflows.js";
import { commonVariables, quantileVariable } from "./variables.js";

/** Each task by its name: how much of it, how long it takes and where that time goes, what breaks. */
export function tasksDashboard(): Dashboard {
  return board({
    name: "tasks",
    title: "Tasks",
    description:
      "Synthetic traffic of celery-load-exporter by task: rate, latency, phases, errors, and the members of workflows.",
    looksBack: "1h",
    variables: [...commonVariables(), quantileVariable()],
    rows: {
      Throughput: throughputPanels(),
      Latency: latencyPanels(),
      Errors: errorPanels(),
      Workflows: workflowPanels(),
      Users: userPanels(),
    },
  });
}
