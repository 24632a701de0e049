import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { board } from "./board.js";
import { brokerPanels } from "./correlation/broker.js";
import { queuePanels } from "./correlation/queues.js";
import { sourcePanels } from "./correlation/sources.js";
import { timePanels } from "./correlation/time.js";
import { workerPanels } from "./correlation/workers.js";
import { commonVariables, deploymentVariable, quantileVariable } from "./variables.js";

/** Our latency beside what workers, broker and backend say of the same tasks: who is slow? */
export function correlationDashboard(): Dashboard {
  return board({
    name: "correlation",
    title: "Correlation",
    description:
      "The latency that celery-load-exporter measures, beside metrics of workers, broker and backend from whichever exporters are scraped. Needs the rules of `celery-load rules` in Prometheus.",
    looksBack: "1h",
    variables: [...commonVariables(), deploymentVariable(), quantileVariable()],
    rows: {
      "Which sources feed this page?": sourcePanels(),
      "Who is slow?": timePanels(),
      Queues: queuePanels(),
      Workers: workerPanels(),
      "Broker and backend": brokerPanels(),
    },
  });
}
