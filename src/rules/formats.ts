/** `prometheus`: a file for `rule_files`. `operator`: a PrometheusRule for the Prometheus Operator. */
export const RULE_FORMATS = ["prometheus", "operator"] as const;
export type RuleFormat = (typeof RULE_FORMATS)[number];
