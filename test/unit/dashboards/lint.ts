import type { ClassicBoard, ClassicPanel, ClassicTarget } from "./classic-board.js";
import { FOREIGN_METRICS } from "./foreign-metrics.js";
import { KNOWN_METRICS, type KnownMetric } from "./known-metrics.js";

/**
 * The rules of grafana/dashboard-linter that fit these dashboards, and some of our own.
 * Returns one sentence for each fault; none when the dashboard is in order.
 */
export function dashboardFaults(board: ClassicBoard): string[] {
  return [
    ...boardFaults(board),
    ...variableFaults(board),
    ...annotationFaults(board),
    ...layoutFaults(board.panels),
    ...board.panels.filter((panel) => panel.type !== "row").flatMap(panelFaults),
  ];
}

const PANEL_TYPES = new Set([
  "timeseries",
  "stat",
  "table",
  "heatmap",
  "bargauge",
  "state-timeline",
]);
const UNITS = new Set(["none", "short", "cps", "s", "percentunit", "bytes", "dtdurations"]);
const PANELS_WITH_LEGEND = new Set(["timeseries", "state-timeline"]);

/** These metrics belong to no daemon and no deployment, or are chosen by a variable of their own. */
const CHOSEN_OTHERWISE = /^(ALERTS|container_)|job=~"\$worker_processes"/;

/** The ledger's sums are exact, so its two panels compare counters as they are instead of their rates. */
const COUNTERS_AS_THEY_ARE = new Set(["Ledger: planned starts", "Ledger: published tasks"]);

function boardFaults(board: ClassicBoard): string[] {
  return faults([
    [board.id !== null, "id must be null"],
    [!/^celery-load-[a-z]+$/.test(board.uid), `uid "${board.uid}" is not celery-load-…`],
    [board.schemaVersion > 41, `schemaVersion ${board.schemaVersion} is newer than 41`],
    [board.editable, "the dashboard must not be editable"],
    [!board.tags.includes("celery-load"), "the tag celery-load is missing"],
    [
      !board.links.some(
        ({ type, tags, keepTime, includeVars }) =>
          type === "dashboards" && tags.includes("celery-load") && keepTime && includeVars,
      ),
      "no link leads to the other dashboards with the time and what is chosen",
    ],
  ]);
}

function variableFaults(board: ClassicBoard): string[] {
  const variables = new Map(board.templating.list.map((variable) => [variable.name, variable]));
  const source = variables.get("datasource");
  const found = faults([
    [source?.type !== "datasource", "there is no variable datasource of type datasource"],
    [source?.query !== "prometheus", "the variable datasource does not choose a Prometheus"],
    [source?.label !== "Data source", 'the variable datasource must be labelled "Data source"'],
  ]);
  for (const name of CHAIN) {
    if (!variables.has(name)) found.push(`there is no query variable ${name}`);
  }
  for (const [name, variable] of variables) {
    if (!variable.label) found.push(`the variable ${name} has no label`);
    if (!usedVariables(board).has(name)) found.push(`the variable ${name} is used nowhere`);
    if (variable.type !== "query") continue;
    const label = name === "slo" ? "SLO" : name[0]!.toUpperCase() + name.slice(1);
    // Where scrape jobs have no label deployment, only .* matches.
    const all = name === "deployment" ? ".*" : ".+";
    found.push(
      ...faults([
        [variable.label !== label, `the variable ${name} must be labelled ${label}`],
        [!usesVariable(variable), `the variable ${name} does not use the data source variable`],
        [!variable.multi || !variable.includeAll, `the variable ${name} must allow several`],
        [variable.allValue !== all, `All of the variable ${name} must be ${all}`],
        [variable.refresh !== 2, `the variable ${name} must reload with the time range`],
      ]),
    );
  }
  for (const name of usedVariables(board)) {
    if (!variables.has(name)) found.push(`there is no variable ${name}, which is used`);
  }
  return found;
}

/** The variables that every dashboard has, so that links from one to another keep them. */
const CHAIN = ["job", "instance", "scenario", "task"];

/** Names of the dashboard's variables in what it asks, shows and links to; Grafana's own begin with `__`. */
function usedVariables(board: ClassicBoard): Set<string> {
  const text = JSON.stringify({ ...board, title: "", links: [] });
  const names = [...text.matchAll(/\$\{?(\w+)/g)].map(([, name = ""]) => name);
  return new Set(names.filter((name) => !name.startsWith("__") && !/^\d/.test(name)));
}

function annotationFaults(board: ClassicBoard): string[] {
  return board.annotations.list.flatMap((annotation) => [
    ...faults([
      [!usesVariable(annotation), `annotation ${annotation.name} has a fixed data source`],
      [
        annotation.useValueForTime && !annotation.expr.endsWith("* 1000"),
        `annotation ${annotation.name} must give its time in milliseconds`,
      ],
    ]),
    ...selectorFaults(annotation.expr, `annotation ${annotation.name}`),
  ]);
}

function layoutFaults(panels: readonly ClassicPanel[]): string[] {
  const found: string[] = [];
  for (const [index, panel] of panels.entries()) {
    const { x, w } = panel.gridPos;
    if (x + w > 24) found.push(`${panel.title} is wider than the page`);
    for (const other of panels.slice(index + 1)) {
      if (other.id === panel.id) found.push(`${panel.title} and ${other.title} have the same id`);
      if (overlap(panel, other)) found.push(`${panel.title} and ${other.title} overlap`);
    }
  }
  return found;
}

function panelFaults(panel: ClassicPanel): string[] {
  const place = panel.title || `panel ${panel.id}`;
  const targets = panel.targets ?? [];
  const refIds = new Set(targets.map((target) => target.refId));
  return [
    ...faults([
      [!PANEL_TYPES.has(panel.type), `${place}: panels of type ${panel.type} are not used here`],
      [!panel.title, `${place} has no title`],
      [(panel.description ?? "").length < 80, `${place} does not explain itself`],
      [!/\bHealthy\b/.test(panel.description ?? ""), `${place} does not say what is healthy`],
      [!UNITS.has(panel.fieldConfig?.defaults.unit ?? ""), `${place} has no known unit`],
      [!usesVariable(panel), `${place} has a fixed data source`],
      [targets.length === 0, `${place} has no query`],
      [refIds.size !== targets.length, `${place} has two queries of one name`],
      [
        PANELS_WITH_LEGEND.has(panel.type) && panel.options?.legend?.showLegend !== true,
        `${place} has no legend`,
      ],
    ]),
    ...targets.flatMap((target) => targetFaults(panel, target, `${place} ${target.refId}`)),
  ];
}

function targetFaults(panel: ClassicPanel, target: ClassicTarget, place: string): string[] {
  return [
    ...faults([
      [!usesVariable(target), `${place} has a fixed data source`],
      [!target.legendFormat, `${place} does not name its series`],
      [/\birate\(/.test(target.expr), `${place} uses irate, which hides what is between samples`],
    ]),
    ...selectorFaults(target.expr, place),
    ...groupingFaults(target.expr, place),
    ...legendFaults(panel, target, place),
    ...windowFaults(target.expr, place),
    ...(COUNTERS_AS_THEY_ARE.has(panel.title ?? "") ? [] : counterFaults(target.expr, place)),
  ];
}

function selectorFaults(expr: string, place: string): string[] {
  const selectors = [...expr.matchAll(SELECTOR)];
  if (selectors.length === 0) return [`${place} reads no metric`];
  return selectors.flatMap(([, name = "", matchers = ""]) => [
    ...faults([[typeOf(name) === undefined, `${place}: nobody has a metric ${name}`]]),
    ...narrowingLabels(name, matchers)
      .filter((label) => !matchers.includes(`${label}=~"$${label}"`))
      .map((label) => `${place}: ${name} is not narrowed by the variable ${label}`),
    ...matcherFaults(name, matchers, place),
  ]);
}

/** Which variables must narrow a metric: the daemon's by job and instance, others by what they are part of. */
function narrowingLabels(name: string, matchers: string): string[] {
  if (CHOSEN_OTHERWISE.test(name) || CHOSEN_OTHERWISE.test(matchers)) return [];
  return KNOWN_METRICS.has(familyOf(name)) ? ["job", "instance"] : ["deployment"];
}

function matcherFaults(name: string, matchers: string, place: string): string[] {
  const labels = labelsOf(name);
  return [...matchers.matchAll(/(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"/g)].flatMap(
    ([, label = "", operator, value = ""]) => {
      if (!labels.has(label)) return [`${place}: ${name} has no label ${label}`];
      const values = labels.get(label) ?? null;
      const isPossible = operator !== "=" || values === null || values.includes(value);
      return isPossible ? [] : [`${place}: ${label} of ${name} is never "${value}"`];
    },
  );
}

/** Every label that series are grouped by must be one of every metric in the group's brackets. */
function groupingFaults(expr: string, place: string): string[] {
  return [...expr.matchAll(/\bby \(([\w, ]+)\) \(/g)].flatMap((match) => {
    const inside = bracketAt(expr, match.index + match[0].length - 1);
    const names = [...inside.matchAll(SELECTOR)].map(([, name = ""]) => name);
    return namesIn(match[1]!).flatMap((label) =>
      names
        .filter((name) => !labelsOf(name).has(label))
        .map((name) => `${place}: ${name} has no label ${label} to group by`),
    );
  });
}

/** What is from an opening bracket to the one that closes it. */
function bracketAt(expr: string, start: number): string {
  let depth = 0;
  for (let index = start; index < expr.length; index++) {
    if (expr[index] === "(") depth++;
    if (expr[index] === ")") depth--;
    if (depth === 0) return expr.slice(start, index + 1);
  }
  return expr.slice(start);
}

/** A legend may use, and a table may show, the labels that the outermost grouping leaves. */
function legendFaults(panel: ClassicPanel, target: ClassicTarget, place: string): string[] {
  const groupings = [...target.expr.matchAll(/\b(?:sum|min|max|count) (?:by \(([\w, ]+)\) )?\(/g)];
  const [, outermost = ""] = groupings[0] ?? [];
  const left = new Set(namesIn(outermost));
  const used = [...(target.legendFormat ?? "").matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name!);
  const joined = panel.transformations?.find(({ id }) => id === "joinByField")?.options.byField;
  return [...used, ...(joined === undefined ? [] : [joined])]
    .filter((label) => !left.has(label))
    .map((label) => `${place}: its series have no label ${label}`);
}

function namesIn(list: string): string[] {
  return list.split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));
}

/** Labels of a series as it is stored; those of the scrape are on all of them, and a rule has its own. */
function labelsOf(name: string): KnownMetric["labels"] {
  const scraped = [
    ["job", null],
    ["instance", null],
  ] as const;
  const le = name.endsWith("_bucket") ? ([["le", null]] as const) : [];
  return new Map([...scraped, ...le, ...(metricOf(name)?.labels ?? [])]);
}

/** The name of a metric, and the matchers in braces behind it if there are any. */
const SELECTOR =
  /\b((?:celery_load|celery|flower|rabbitmq|redis|process|nodejs|container|scrape)[_:][\w:]+|ALERTS)(?:\{([^}]*)\})?/g;

/** What each function may look back over; a burn rate has windows of its own. */
const WINDOWS: Readonly<Record<string, readonly string[]>> = {
  rate: ["$__rate_interval"],
  increase: ["$__rate_interval", "$__range", "$__interval"],
  resets: ["$__interval"],
  changes: ["$__interval"],
  min_over_time: ["$__interval"],
  deriv: ["$__range"],
};
const BURN_WINDOWS = ["5m", "1h"];

function windowFaults(expr: string, place: string): string[] {
  const found: string[] = [];
  const windowed = [...expr.matchAll(/(\w+)\(([^()[\]]*)\[([^\]]*)\]/g)];
  for (const [, name = "", selector = "", window = ""] of windowed) {
    const isBurn = name === "rate" && /^celery_load_slo_/.test(selector);
    const allowed = [...(WINDOWS[name] ?? []), ...(isBurn ? BURN_WINDOWS : [])];
    if (!allowed.includes(window)) {
      found.push(`${place}: ${name}(…[${window}]) has a fixed or wrong window`);
    }
  }
  const subqueries = expr.split("[$__range:$__interval]").length - 1;
  if (expr.split("[").length - 1 !== windowed.length + subqueries) {
    found.push(`${place}: the windows of ${expr} are not understood`);
  }
  return found;
}

function counterFaults(expr: string, place: string): string[] {
  const outside = expr.replaceAll(
    /\b(?:rate|increase|resets)\([^()[\]]*\[[^\]]*\](?: offset \S+?| @ end\(\))?\)/g,
    "",
  );
  return [...outside.matchAll(SELECTOR)]
    .map(([, name = ""]) => name)
    .filter((name) => typeOf(name) === "counter" || typeOf(name) === "histogram")
    .map((name) => `${place}: ${name} is shown outside rate or increase`);
}

function typeOf(name: string): string | undefined {
  return metricOf(name)?.type;
}

function metricOf(name: string): KnownMetric | undefined {
  const family = familyOf(name);
  return KNOWN_METRICS.get(family) ?? FOREIGN_METRICS.get(family);
}

/** The metric that a series is of: a histogram's have suffixes. */
function familyOf(name: string): string {
  const family = name.replace(/_(bucket|sum|count)$/, "");
  const type = (KNOWN_METRICS.get(family) ?? FOREIGN_METRICS.get(family))?.type;
  return type === "histogram" ? family : name;
}

function usesVariable(subject: { datasource?: { type: string; uid: string } } | undefined) {
  return subject?.datasource?.type === "prometheus" && subject.datasource.uid === "$datasource";
}

function overlap(one: ClassicPanel, other: ClassicPanel): boolean {
  const a = one.gridPos;
  const b = other.gridPos;
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

function faults(rules: readonly (readonly [broken: boolean, sentence: string])[]): string[] {
  return rules.filter(([broken]) => broken).map(([, sentence]) => sentence);
}
