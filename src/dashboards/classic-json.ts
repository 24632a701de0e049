import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";

/**
 * The newest schema that every supported Grafana (11 and later) reads without a migration.
 * The SDK writes its own, newer number although it uses nothing that is new in it.
 */
const SCHEMA_VERSION = 41;

/**
 * The text of a dashboard as Classic JSON: panels numbered from 1 in reading order, nothing in it
 * that belongs to one Grafana (id, version), keys sorted so that a change shows as a small diff.
 */
export function dashboardText(built: Dashboard): string {
  const { version: _belongsToOneGrafana, ...portable } = built;
  const panels = (built.panels ?? []).map((panel, index) => ({ ...panel, id: index + 1 }));
  const dashboard = { ...portable, id: null, schemaVersion: SCHEMA_VERSION, panels };
  return `${JSON.stringify(dashboard, tidy, 2)}\n`;
}

function tidy(key: string, value: unknown): unknown {
  // The SDK hides every link and annotation in a menu of newer Grafanas unless it is told a place, and knows no other.
  if (key === "placement" && value === "inControlsMenu") return undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
