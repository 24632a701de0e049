// npm run pictures: the dashboards of docs/images, drawn from a real run of four minutes.
// Broker, worker, daemon and Prometheus are real and started here, and so is every number: each panel's
// queries are asked as Grafana asks them. Only the drawing is ours, so that no Grafana is needed.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../src/setup/ports.js";
import { ensurePrometheus, startPrometheusServer } from "../../src/setup/prometheus.js";
import { startDaemon } from "../support/daemon.js";
import { startRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { startWorker } from "../support/worker.js";
import { committedBoard, repositoryPath } from "../unit/dashboards/classic-board.js";
import { answered, type Span } from "./answers.js";
import { type DrawnPanel, drawn } from "./draw.js";
import { page, text } from "./svg.js";

/** Two rates that four places in the pool can work off, between them one that they cannot. */
const CONFIG = (broker: string) => `
connections: { main: { broker: ${broker} } }
tasks:
  add:    { name: tests.add, args: [1, 2] }
  resize: { name: tests.sleep, args: [0.12] }
  charge: { name: tests.fail, args: [PaymentDeclined] }
  order:  { chain: [resize, { task: add, immutable: true }] }
scenarios:
  shop:
    profile: { steps: [15/s for 60s, 90/s for 40s, 15/s for 140s] }
    mix: { add: 45, resize: 45, charge: 1, order: 5 }
slos:
  - { name: resize-in-1s, task: tests.sleep, objective: 90%, latency: 1s, window: 7d }
  - { name: all-succeed, objective: 95%, window: 7d }
server: { linger: 60s }
`;
const RUN_SECONDS = 235;

const CELL = { width: 56, height: 26 };

const { prometheus } = await ensurePrometheus();
await using redis = await startRedis();
await using worker = await startWorker({ broker: redis.url(), extraArgs: ["--events"] });
await using daemon = await startDaemon({ configText: CONFIG(redis.url()) });
const directory = await scratchFile("prometheus");
await mkdir(directory);
const port = await freePort();
const url = `http://127.0.0.1:${port}`;
const server = await startPrometheusServer(prometheus, {
  port,
  directory,
  logFile: await scratchFile("prometheus.log"),
  target: `127.0.0.1:${daemon.port}`,
});
try {
  await loadRules();
  const start = Date.now() / 1000;
  console.log(`A run of ${RUN_SECONDS} s with worker ${worker.pid}.`);
  await sleep(RUN_SECONDS * 1000);
  for (const name of ["overview", "tasks", "correlation"]) {
    await draw(name, { start, end: Date.now() / 1000 });
  }
} finally {
  await server.stop(0);
}

async function loadRules(): Promise<void> {
  const file = join(directory, "prometheus.yml");
  const rules = JSON.stringify([repositoryPath("prometheus/correlation-rules.yml")]);
  await writeFile(file, `${await readFile(file, "utf8")}rule_files: ${rules}\n`);
  server.signal("SIGHUP");
}

async function draw(name: string, span: Span): Promise<void> {
  const board = committedBoard(`celery-load-${name}`);
  const elements: string[] = [];
  let bottom = 0;
  for (const panel of board.panels as DrawnPanel[]) {
    const { x, y, w, h } = panel.gridPos;
    const place = {
      x: x * CELL.width + 4,
      y: y * CELL.height + 40,
      width: w * CELL.width - 6,
      height: h * CELL.height - 6,
    };
    bottom = Math.max(bottom, place.y + place.height);
    if (panel.type === "row") {
      elements.push(text(place.x, place.y + 16, panel.title ?? "", { size: 15, weight: "bold" }));
      continue;
    }
    const answers = await Promise.all(
      (panel.targets ?? []).map((target) => answered(url, target, span)),
    );
    elements.push(drawn({ panel, ...place, span, answers }));
  }
  elements.unshift(text(8, 26, board.title, { size: 18, weight: "bold" }));
  const file = `docs/images/dashboard-${name}.svg`;
  await writeFile(repositoryPath(file), page(24 * CELL.width, bottom + 10, elements));
  console.log(`wrote ${file}`);
}
