import * as bargauge from "@grafana/grafana-foundation-sdk/bargauge";
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import * as heatmap from "@grafana/grafana-foundation-sdk/heatmap";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as statetimeline from "@grafana/grafana-foundation-sdk/statetimeline";
import * as table from "@grafana/grafana-foundation-sdk/table";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";

/** Every query goes to the data source that the reader has chosen. */
export const dataSource: common.DataSourceRef = { type: "prometheus", uid: "$datasource" };

/** What every panel says about itself. `unit` is one of Grafana's unit ids; width and height count grid cells. */
export interface PanelText {
  readonly title: string;
  /** What is shown, what healthy looks like, what to do otherwise. */
  readonly description: string;
  readonly unit: string;
  readonly width: number;
  readonly height: number;
  readonly queries: readonly Query[];
}

/** One PromQL expression; `legend` names its series. Columns of a table take their name in `columns`. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

/** A colour, and the value from which on it is used; `null` starts at minus infinity. */
export type ColourStep = readonly [from: number | null, colour: string];

/** Lines over time. */
export function lines(text: PanelText): timeseries.PanelBuilder {
  return describe(new timeseries.PanelBuilder(), text)
    .targets(text.queries.map((query, position) => overTime(query, position)))
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.Table)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(["lastNotNull", "max"])
        .sortBy("Last *")
        .sortDesc(true),
    )
    .tooltip(tooltip())
    .lineWidth(1)
    .fillOpacity(8)
    .showPoints(common.VisibilityMode.Never)
    .axisSoftMin(0);
}

/** Areas on top of each other: only for values whose sum means something. */
export function stackedAreas(text: PanelText): timeseries.PanelBuilder {
  return lines(text).fillOpacity(40).stacking(stacked());
}

/** Lines at values from which on something is wrong, in a panel of lines. */
export function limits(
  panel: timeseries.PanelBuilder,
  steps: readonly ColourStep[],
): timeseries.PanelBuilder {
  return panel
    .thresholds(colourSteps(steps))
    .thresholdsStyle(
      new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed),
    );
}

/** Draws the series whose legend matches as something to compare with: a target, a limit. */
export function dashed(panel: timeseries.PanelBuilder, legend: string): timeseries.PanelBuilder {
  return panel.overrideByRegexp(legend, [
    { id: "custom.lineStyle", value: { fill: "dash", dash: [8, 6] } },
    { id: "custom.lineWidth", value: 2 },
    { id: "custom.fillOpacity", value: 0 },
  ]);
}

/** Puts the series whose legend matches on an axis of their own, at the right. */
export function onTheRight(
  panel: timeseries.PanelBuilder,
  legend: string,
  unit: string,
): timeseries.PanelBuilder {
  return panel.overrideByRegexp(legend, [
    { id: "unit", value: unit },
    { id: "custom.axisPlacement", value: "right" },
    { id: "custom.fillOpacity", value: 0 },
  ]);
}

/** Bars on top of each other. */
export function stackedBars(text: PanelText): timeseries.PanelBuilder {
  return lines(text)
    .drawStyle(common.GraphDrawStyle.Bars)
    .fillOpacity(60)
    .lineWidth(0)
    .stacking(stacked());
}

/** One large number: the last value. `noValue` is shown when there is none, and says why. */
export function number(
  text: PanelText & { readonly steps: readonly ColourStep[]; readonly noValue: string },
): stat.PanelBuilder {
  return describe(new stat.PanelBuilder(), text)
    .targets(text.queries.map((query, position) => overTime(query, position)))
    .reduceOptions(lastValue())
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.Area)
    .textMode(common.BigValueTextMode.Auto)
    .thresholds(colourSteps(text.steps))
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds))
    .noValue(text.noValue);
}

/** Words and colours for numbers. */
export type States = Readonly<Record<string, readonly [word: string, colour: string]>>;

/** A coloured band a series. `states` maps its numbers to words and colours. */
export function stateBands(
  text: PanelText & { readonly states: States },
): statetimeline.PanelBuilder {
  return describe(new statetimeline.PanelBuilder(), text)
    .targets(text.queries.map((query, position) => overTime(query, position)))
    .mappings([wordsFor(text.states)])
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(tooltip())
    .mergeValues(true)
    .showValue(common.VisibilityMode.Auto)
    .rowHeight(0.8)
    .lineWidth(0)
    .fillOpacity(75);
}

/** Horizontal bars, one a series, over the whole time range. */
export function ranking(text: PanelText & { readonly noValue: string }): bargauge.PanelBuilder {
  return describe(new bargauge.PanelBuilder(), text)
    .targets(text.queries.map((query, position) => atTheEnd(query, position)))
    .reduceOptions(lastValue())
    .orientation(common.VizOrientation.Horizontal)
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .thresholds(colourSteps([[null, "red"]]))
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds))
    .min(0)
    .noValue(text.noValue);
}

/** Distribution of a classic histogram over time; its one query is summed by `le`. */
export function distribution(text: PanelText): heatmap.PanelBuilder {
  return describe(new heatmap.PanelBuilder(), text)
    .targets(
      text.queries.map((query, position) =>
        overTime(query, position).format(prometheus.PromQueryFormat.Heatmap),
      ),
    )
    .calculate(false)
    .color(
      new heatmap.HeatmapColorOptionsBuilder()
        .mode(heatmap.HeatmapColorMode.Scheme)
        .scheme("Oranges")
        .scale(heatmap.HeatmapColorScale.Exponential)
        .exponent(0.5)
        .steps(64),
    )
    .filterValues(new heatmap.FilterValueRangeBuilder().le(1e-9))
    .yAxis(new heatmap.YAxisConfigBuilder().unit(text.unit))
    .cellValues(new heatmap.CellValuesBuilder().unit("cps"))
    .cellGap(1)
    .showLegend()
    .tooltip(
      new heatmap.HeatmapTooltipBuilder()
        .mode(common.TooltipDisplayMode.Single)
        .yHistogram(true)
        .showColorScale(true),
    );
}

/** A column of a table: its heading, and how its values are shown. */
export interface Column {
  readonly heading: string;
  readonly unit?: string;
  readonly noValue?: string;
  readonly steps?: readonly ColourStep[];
  /** Words and colours for its numbers. */
  readonly states?: States;
  readonly link?: { readonly title: string; readonly url: string };
}

/**
 * One row for each value of the label `key`. The values of query A are the field `Value #A`, and so on;
 * `columns` says in their order which labels and values are shown, everything else is left out.
 */
export function rowsBy(
  key: string,
  text: PanelText & {
    readonly columns: Readonly<Record<string, Column>>;
    readonly noValue: string;
  },
): table.PanelBuilder {
  const fields = Object.keys(text.columns);
  const panel = describe(new table.PanelBuilder(), text)
    .targets(
      text.queries.map((query, position) =>
        atTheEnd(query, position).format(prometheus.PromQueryFormat.Table),
      ),
    )
    .withTransformation({ id: "joinByField", options: { byField: key, mode: "outer" } })
    .withTransformation({ id: "filterFieldsByName", options: { include: { names: fields } } })
    .withTransformation({
      id: "organize",
      options: {
        excludeByName: {},
        indexByName: Object.fromEntries(fields.map((field, index) => [field, index])),
        renameByName: Object.fromEntries(
          fields.map((field) => [field, text.columns[field]!.heading]),
        ),
      },
    })
    .showHeader(true)
    .noValue(text.noValue);
  for (const column of Object.values(text.columns)) {
    const properties = columnProperties(column);
    if (properties.length > 0) panel.overrideByName(column.heading, properties);
  }
  return panel;
}

/** Gives series that always mean the same the same colour in every panel. */
export function colourByName<Panel extends { overrideByName: OverrideByName<Panel> }>(
  panel: Panel,
  colours: Readonly<Record<string, string>>,
): Panel {
  for (const [name, colour] of Object.entries(colours)) {
    panel.overrideByName(name, [
      { id: "color", value: { mode: dashboard.FieldColorModeId.Fixed, fixedColor: colour } },
    ]);
  }
  return panel;
}

type OverrideByName<Panel> = (name: string, properties: dashboard.DynamicConfigValue[]) => Panel;

/** What all kinds of panels share, as far as the SDK's builders do not say so themselves. */
interface DescribedPanel {
  title(text: string): this;
  description(text: string): this;
  unit(unit: string): this;
  span(width: number): this;
  height(height: number): this;
  datasource(reference: common.DataSourceRef): this;
}

function describe<Panel extends DescribedPanel>(panel: Panel, text: PanelText): Panel {
  return panel
    .title(text.title)
    .description(text.description)
    .unit(text.unit)
    .span(text.width)
    .height(text.height)
    .datasource(dataSource);
}

function overTime(query: Query, position: number): prometheus.DataqueryBuilder {
  return target(query, position).range();
}

function atTheEnd(query: Query, position: number): prometheus.DataqueryBuilder {
  return target(query, position).instant();
}

function target(query: Query, position: number): prometheus.DataqueryBuilder {
  return new prometheus.DataqueryBuilder()
    .datasource(dataSource)
    .editorMode(prometheus.QueryEditorMode.Code)
    .expr(query.expr)
    .legendFormat(query.legend)
    .refId(String.fromCharCode("A".charCodeAt(0) + position));
}

function tooltip(): common.VizTooltipOptionsBuilder {
  return new common.VizTooltipOptionsBuilder()
    .mode(common.TooltipDisplayMode.Multi)
    .sort(common.SortOrder.Descending);
}

function stacked(): common.StackingConfigBuilder {
  return new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group("A");
}

function lastValue(): common.ReduceDataOptionsBuilder {
  return new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]).fields("").values(false);
}

function colourSteps(steps: readonly ColourStep[]): dashboard.ThresholdsConfigBuilder {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(steps.map(([value, color]) => ({ value, color })));
}

function wordsFor(states: States): dashboard.ValueMapping {
  const options = Object.entries(states).map(
    ([value, [word, color]], index) => [value, { text: word, color, index }] as const,
  );
  return { type: dashboard.MappingType.ValueToText, options: Object.fromEntries(options) };
}

function columnProperties(column: Column): dashboard.DynamicConfigValue[] {
  const properties: dashboard.DynamicConfigValue[] = [];
  if (column.unit) properties.push({ id: "unit", value: column.unit });
  if (column.noValue) properties.push({ id: "noValue", value: column.noValue });
  if (column.steps) {
    properties.push({ id: "thresholds", value: colourSteps(column.steps).build() });
    properties.push({ id: "custom.cellOptions", value: { type: "color-text" } });
    properties.push({ id: "color", value: { mode: dashboard.FieldColorModeId.Thresholds } });
  }
  if (column.states) {
    properties.push({ id: "mappings", value: [wordsFor(column.states)] });
    properties.push({ id: "custom.cellOptions", value: { type: "color-text" } });
  }
  if (column.link) properties.push({ id: "links", value: [column.link] });
  return properties;
}
