/**
 * What belongs together: all daemons of a job, whichever pod or address they have at the moment. Labels
 * that a Prometheus does not have are empty, and then the same everywhere.
 */
export const JOB = "cluster, namespace, job";

/** `sum by (job and labels) (expression)`; labels as in "slo" or "scenario, task". */
export function sumBy(labels: string, expression: string): string {
  return `sum by (${by(labels)}) (${expression})`;
}

export function maxBy(labels: string, expression: string): string {
  return `max by (${by(labels)}) (${expression})`;
}

/** The labels of a job and further ones. */
export function by(labels: string): string {
  return labels === "" ? JOB : `${JOB}, ${labels}`;
}

/**
 * A gauge as it was last, for up to five minutes: a scrape that fails ends a series at once, and would
 * set an alert back that has been waiting.
 */
export function last(selector: string): string {
  return `last_over_time(${selector}[5m])`;
}

/** Puts the parts on lines of their own. */
export function lines(...parts: readonly string[]): string {
  return parts.join("\n");
}
