import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { board } from "./board.js";
import { creepPanels } from "./soak/creep.js";
import { daemonPanels } from "./soak/daemon.js";
import { driftPanels } from "./soak/drift.js";
import { leakPanels } from "./soak/leaks.js";
import { stagePanels } from "./soak/stages.js";
import { unrestPanels } from "./soak/unrest.js";
import {
  beforeVariable,
  commonVariables,
  deploymentVariable,
  sloVariable,
  workerProcessesVariable,
} from "./variables.js";

/** Days of the same load: what grows, slows down or fills up, and which hour has cost the budget? */
export function soakDashboard(): Dashboard {
  return board({
    name: "soak",
    title: "Soak",
    description:
      "Synthetic traffic of celery-load-exporter over days: stages and budgets, drift of latency, leaks of workers, broker and backend, unrest, and the daemon itself.",
    looksBack: "2d",
    variables: [
      ...commonVariables(),
      sloVariable(),
      deploymentVariable(),
      beforeVariable(),
      workerProcessesVariable(),
    ],
    rows: {
      "Stages and budget": stagePanels(),
      Drift: driftPanels(),
      "Creeping levels": creepPanels(),
      "Leaks and residue": leakPanels(),
      Unrest: unrestPanels(),
      "The daemon itself": daemonPanels(),
    },
  });
}
