import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The part of Grafana's Classic JSON that the tests look at. */
export interface ClassicBoard {
  uid: string;
  title: string;
  id: number | null;
  schemaVersion: number;
  editable: boolean;
  tags: string[];
  links: { type: string; tags: string[]; keepTime: boolean; includeVars: boolean }[];
  panels: ClassicPanel[];
  templating: { list: ClassicVariable[] };
  annotations: { list: ClassicAnnotation[] };
}

export interface ClassicPanel {
  id: number;
  type: string;
  title?: string;
  description?: string;
  datasource?: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: ClassicTarget[];
  fieldConfig?: { defaults: { unit?: string } };
  options?: { legend?: { showLegend?: boolean } };
  transformations?: { id: string; options: { byField?: string } }[];
}

export interface ClassicTarget {
  refId: string;
  expr: string;
  legendFormat?: string;
  format?: string;
  /** Asked at the end of the time range only. */
  instant?: boolean;
  datasource?: { type: string; uid: string };
}

export interface ClassicVariable {
  name: string;
  type: string;
  label?: string;
  query: string;
  datasource?: { type: string; uid: string };
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string;
  refresh?: number;
}

export interface ClassicAnnotation {
  name: string;
  expr: string;
  datasource: { type: string; uid: string };
  useValueForTime: boolean;
}

/** The root of the repository, from where this file lies when it is compiled. */
export const repository = new URL("../../../../", import.meta.url);

/** Reads a file of the repository by its path in it. */
export function repositoryText(path: string): string {
  return readFileSync(new URL(path, repository), "utf8");
}

/** The file system's path of a file of the repository. */
export function repositoryPath(path: string): string {
  return fileURLToPath(new URL(path, repository));
}

/** Reads a dashboard as it is committed. Every call gives a copy of its own. */
export function committedBoard(name: string): ClassicBoard {
  return JSON.parse(repositoryText(`grafana/dashboards/${name}.json`)) as ClassicBoard;
}

/** Every PromQL expression of a dashboard, with the place where it stands. */
export function expressionsOf(board: ClassicBoard): { place: string; expr: string }[] {
  const queries = board.panels.flatMap((panel) =>
    (panel.targets ?? []).map(({ refId, expr }) => ({ place: `${panel.title} ${refId}`, expr })),
  );
  const annotations = board.annotations.list.map(({ name, expr }) => ({ place: name, expr }));
  const variables = board.templating.list.flatMap(({ name, query }) => {
    const selector = /^label_values\((.*), \w+\)$/.exec(query)?.[1];
    return selector === undefined ? [] : [{ place: `variable ${name}`, expr: selector }];
  });
  return [...queries, ...annotations, ...variables];
}
