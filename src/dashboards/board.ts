import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { markers } from "./annotations.js";

/** What tells one dashboard from the others; the rest is the same for all. */
export interface BoardText {
  /** Behind `celery-load-`, and in the name of the file. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** How far the page looks back when it is opened: "1h". */
  readonly looksBack: string;
  readonly variables: readonly Builder<dashboard.VariableModel>[];
  /** By the heading of the row, from top to bottom. */
  readonly rows: Readonly<Record<string, readonly Builder<dashboard.Panel>[]>>;
}

const TAG = "celery-load";

/** A dashboard with what all have in common: markers, links to the others, one crosshair for all panels. */
export function board(text: BoardText): dashboard.Dashboard {
  const built = new dashboard.DashboardBuilder(`Celery load / ${text.title}`)
    .uid(`celery-load-${text.name}`)
    .description(text.description)
    .tags([TAG])
    .timezone("browser")
    .time({ from: `now-${text.looksBack}`, to: "now" })
    .refresh("30s")
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .readonly()
    .variables([...text.variables])
    .annotations(markers())
    .link(
      // One link for each dashboard with the tag: all of them are one click away, with what is chosen here.
      new dashboard.DashboardLinkBuilder("Celery load")
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(false)
        .keepTime(true)
        .includeVars(true),
    );
  for (const [title, panels] of Object.entries(text.rows)) {
    built.withRow(new dashboard.RowBuilder(title));
    for (const panel of panels) built.withPanel(panel);
  }
  return built.build();
}

/**
 * The address of a dashboard with everything that is chosen on this one, except the variables in `set`,
 * which take these values. For links in tables and legends.
 */
export function addressOf(
  name: string,
  kept: readonly string[],
  set: Readonly<Record<string, string>>,
): string {
  const chosen = Object.entries(set).map(([variable, value]) => `var-${variable}=${value}`);
  const others = kept.map((variable) => `\${${variable}:queryparam}`);
  return `/d/celery-load-${name}?${[...chosen, ...others, `\${__url_time_range}`].join("&")}`;
}
