import { Document, visit } from "yaml";
import { daemonAlerts } from "./daemon-alerts.js";
import { driftAlerts } from "./drift-alerts.js";
import type { RuleFormat } from "./formats.js";
import { guardAlerts } from "./guard-alerts.js";
import { correlationRules, recordingGroups } from "./recordings/groups.js";
import { ALERT_PREFIX, type Alert, alertingRule, type Links, type RuleGroup } from "./rule.js";
import { sloAlerts } from "./slo-alerts.js";
import { sourceAlerts } from "./source-alerts.js";
import { trafficAlerts } from "./traffic-alerts.js";
import { workerAlerts } from "./worker-alerts.js";

export const DEFAULT_LINKS: Links = {
  runbooks: "docs/runbooks",
  grafana: "http://localhost:3000",
};

/** The names of all alerts, each once. */
export function alertNames(): string[] {
  const alerts = Object.values(alertGroups()).flat();
  return [...new Set(alerts.map(({ name }) => ALERT_PREFIX + name))];
}

export function ruleGroups(links: Links): RuleGroup[] {
  const alerting = Object.entries(alertGroups()).map(([name, alerts]) => ({
    name,
    rules: alerts.map((alert) => alertingRule(alert, links)),
  }));
  return [...recordingGroups(), ...alerting];
}

/** The whole file as YAML. The objectives are read from the metrics: it is the same for everybody. */
export function rulesText(format: RuleFormat, links: Links = DEFAULT_LINKS): string {
  const groups = ruleGroups(links);
  const file =
    format === "prometheus"
      ? { groups }
      : {
          apiVersion: "monitoring.coreos.com/v1",
          kind: "PrometheusRule",
          metadata: { name: "celery-load", labels: { "app.kubernetes.io/name": "celery-load" } },
          spec: { groups },
        };
  const document = new Document(file, { aliasDuplicateObjects: false });
  writeComments(document);
  return `${HEADER}${document.toString({ lineWidth: 0 })}`;
}

const HEADER = `# Made by \`celery-load rules\`. What each alert means: docs/runbooks; how they work: docs/slo.md.
# celery-load-correlation is the workers' and the broker's side of the traffic, from whichever of our observer,
# celery-exporter, Flower, rabbitmq_prometheus and redis_exporter this Prometheus scrapes. Does it scrape several
# Celery deployments? Give the scrape jobs of each a label \`deployment\`.
`;

/** Above each rule that has one: what it is, and why it is computed like this. */
function writeComments(document: Document): void {
  const comments = new Map<string, string>(
    correlationRules().map(({ record, comment }) => [record, comment]),
  );
  visit(document, {
    Map(_, rule) {
      const comment = comments.get(String(rule.get("record")));
      if (comment !== undefined) rule.commentBefore = ` ${comment}`;
    },
  });
}

function alertGroups(): Readonly<Record<string, readonly Alert[]>> {
  return {
    "celery-load-slo-alerts": sloAlerts(),
    "celery-load-daemon-alerts": daemonAlerts(),
    "celery-load-guard-alerts": guardAlerts(),
    "celery-load-traffic-alerts": trafficAlerts(),
    "celery-load-worker-alerts": workerAlerts(),
    "celery-load-drift-alerts": driftAlerts(),
    "celery-load-source-alerts": sourceAlerts(),
  };
}
