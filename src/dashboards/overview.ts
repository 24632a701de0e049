import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { board } from "./board.js";
import { guardPanels } from "./overview/guards.js";
import { resultPanels } from "./overview/results.js";
import { sloPanels } from "./overview/slo.js";
import { statePanels } from "./overview/state.js";
import { trustPanels } from "./overview/trust.js";
import { commonVariables, sloVariable } from "./variables.js";

/** One look: does the load run as planned, are the objectives met, and can the numbers be believed? */
export function overviewDashboard(): Dashboard {
  return board({
    name: "overview",
    title: "Overview and SLOs",
    description:
      "Synthetic traffic of celery-load-exporter at a glance: state, objectives and their error budgets, results, and whether the numbers can be trusted.",
    looksBack: "1h",
    variables: [...commonVariables(), sloVariable()],
    rows: {
      State: statePanels(),
      SLOs: sloPanels(),
      Guards: guardPanels(),
      Results: resultPanels(),
      "Can we trust this?": trustPanels(),
    },
  });
}
