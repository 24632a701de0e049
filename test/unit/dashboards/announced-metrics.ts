import type { KnownMetric } from "./known-metrics.js";

/**
 * Metrics of the daemon that the dashboards show already and that no part of it exposes yet. A name
 * leaves this list with the change that brings the metric; a test holds that.
 */
export const ANNOUNCED_METRICS: Readonly<Record<string, KnownMetric>> = {};

/** Values of labels that are announced for metrics that exist, by metric and label. */
export const ANNOUNCED_VALUES: Readonly<
  Record<string, Readonly<Record<string, readonly string[]>>>
> = {};
