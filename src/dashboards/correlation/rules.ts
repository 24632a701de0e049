import { queueRules } from "./queue-rules.js";
import type { RecordingRule } from "./rule.js";
import { sourceRules } from "./source-rules.js";
import { workerRules } from "./worker-rules.js";

/** All rules, each one behind those that it reads. */
export function correlationRules(): RecordingRule[] {
  return [...sourceRules(), ...queueRules(), ...workerRules()];
}

/** The rules as a file for Prometheus. */
export function correlationRulesText(): string {
  const rules = correlationRules().map(({ record, comment, expr }) =>
    [
      `      # ${comment}`,
      `      - record: ${record}`,
      "        expr: |-",
      ...expr.split("\n").map((line) => `          ${line}`),
    ].join("\n"),
  );
  return `# Generated from src/dashboards/correlation/rules.ts: change that, then run \`npm run generate\`.
#
# What the dashboard Correlation reads: the workers' and the broker's side of the traffic, from whichever of
# our observer, celery-exporter, Flower, rabbitmq_prometheus and redis_exporter this Prometheus scrapes.
# Does it scrape several Celery deployments? Give the scrape jobs of each a label \`deployment\`.
groups:
  - name: celery-load-correlation
    rules:
${rules.join("\n\n")}
`;
}
