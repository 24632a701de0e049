import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { correlationDashboard } from "./correlation.js";
import { overviewDashboard } from "./overview.js";
import { soakDashboard } from "./soak.js";
import { tasksDashboard } from "./tasks.js";

/** Every dashboard, in the order in which they are read. Its file is its uid and `.json`. */
export function allDashboards(): Dashboard[] {
  return [overviewDashboard(), tasksDashboard(), correlationDashboard(), soakDashboard()];
}
