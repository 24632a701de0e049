// npm run pictures [-- NAME…]: the live page and the dashboards of docs/images, from three real runs of a few minutes.
// Broker, worker, exporters, daemon and Prometheus are real and started here, and so is every number. The page is
// photographed in Chromium. Each panel's queries are asked as Grafana asks them; only its drawing is ours, so that no
// Grafana is needed.
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../src/setup/ports.js";
import { startDaemon } from "../support/daemon.js";
import { startCeleryExporter, startFlower, startRedisExporter } from "../support/exporters.js";
import { type ScrapeJob, startPrometheus, type TestPrometheus } from "../support/prometheus.js";
import { startRedis } from "../support/redis.js";
import { startWorker } from "../support/worker.js";
import { committedBoard, repositoryPath } from "../unit/dashboards/classic-board.js";
import { answered, type Span } from "./answers.js";
import { type DrawnPanel, drawn } from "./draw.js";
import { drawPage, orderByPage } from "./page-picture.js";
import { page, text } from "./svg.js";

const TASKS = (broker: string) => `
connections: { main: { broker: ${broker} } }
tasks:
  add:    { name: tests.add, args: [1, 2] }
  resize: { name: tests.sleep, args: [0.12] }
  charge: { name: tests.fail, args: [PaymentDeclined] }
  order:  { chain: [resize, { task: add, immutable: true }] }
slos:
  - { name: resize-in-1s, task: tests.sleep, objective: 90%, latency: 1s, window: 7d }
  - { name: all-succeed, objective: 95%, window: 7d }
server: { linger: 60s }
`;

interface Run {
  readonly boards: readonly string[];
  readonly profile: string;
  readonly seconds: number;
  /** How much of its end is drawn. */
  readonly shownSeconds: number;
  readonly before: string;
}

const RUNS: readonly Run[] = [
  {
    // Two rates that four places in the pool can work off, between them one that they cannot.
    boards: ["overview", "tasks", "correlation"],
    profile: "[15/s for 60s, 90/s for 40s, 15/s for 140s]",
    seconds: 235,
    shownSeconds: 235,
    before: "1m",
  },
  {
    // The same cycle again and again, so that a time can be compared with the one a cycle before.
    boards: ["soak"],
    profile: "[10/s for 40s, 20/s for 40s], repeat: true",
    seconds: 330,
    shownSeconds: 160,
    before: "160s",
  },
];

const CELL = { width: 56, height: 26 };

/** What the page is photographed of: a step, and a change by hand that is a little too much. */
const PAGE_SCENARIO = `
scenarios:
  shop: { profile: { steps: [15/s for 60s, 30/s for 10m] }, mix: { add: 45, resize: 45, charge: 1, order: 5 } }
guards:
  - { name: deep-queue, watch: queueLength, queue: celery, above: 5000 }
`;
const PAGE_SECONDS = { before: 100, after: 75 };

const asked = process.argv.slice(2);
if (asked.length === 0 || asked.includes("page")) await photographPage();
for (const run of RUNS) {
  const boards = run.boards.filter((name) => asked.length === 0 || asked.includes(name));
  if (boards.length > 0) await drawRun(run, boards);
}

async function photographPage(): Promise<void> {
  await using redis = await startRedis({ args: ["--maxmemory", "200mb"] });
  await using worker = await startWorker({ broker: redis.url(), extraArgs: ["--events"] });
  const control = `127.0.0.1:${await freePort()}`;
  await using _daemon = await startDaemon({
    configText: TASKS(redis.url()) + PAGE_SCENARIO,
    args: ["--control", control],
  });
  console.log(`A run of ${PAGE_SECONDS.before + PAGE_SECONDS.after} s with worker ${worker.pid}.`);
  await sleep(PAGE_SECONDS.before * 1000);
  await orderByPage(`http://${control}/`, "75/s", "what can the workers take?");
  await sleep(PAGE_SECONDS.after * 1000);
  await drawPage(`http://${control}/`);
}

async function drawRun(run: Run, boards: readonly string[]): Promise<void> {
  await using redis = await startRedis({ args: ["--maxmemory", "200mb"] });
  await using worker = await startWorker({ broker: redis.url(), extraArgs: ["--events"] });
  await using celeryExporter = await startCeleryExporter(redis.url());
  await using flower = await startFlower(redis.url());
  await using redisExporter = await startRedisExporter(redis.port, ["celery"]);
  const scenario = `scenarios: { shop: { profile: { steps: ${run.profile} }, mix: { add: 45, resize: 45, charge: 1, order: 5 } } }`;
  await using daemon = await startDaemon({ configText: TASKS(redis.url()) + scenario });
  await using prometheus = await startPrometheus(
    [
      job("celery-load", `127.0.0.1:${daemon.port}`),
      job("celery-exporter", celeryExporter.target),
      job("flower", flower.target),
      job("redis", redisExporter.target),
    ],
    [repositoryPath("prometheus/rules.yml")],
    "5s",
  );
  console.log(`A run of ${run.seconds} s with worker ${worker.pid}.`);
  await sleep(run.seconds * 1000);
  const end = Date.now() / 1000;
  for (const name of boards) {
    await draw(prometheus, name, { start: end - run.shownSeconds, end, before: run.before });
  }
}

function job(name: string, target: string): ScrapeJob {
  return { job_name: name, static_configs: [{ targets: [target] }] };
}

async function draw(prometheus: TestPrometheus, name: string, span: Span): Promise<void> {
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
      (panel.targets ?? []).map((target) => answered(prometheus, target, span)),
    );
    elements.push(drawn({ panel, ...place, span, answers }));
  }
  elements.unshift(text(8, 26, board.title, { size: 18, weight: "bold" }));
  const file = `docs/images/dashboard-${name}.svg`;
  await writeFile(repositoryPath(file), page(24 * CELL.width, bottom + 10, elements));
  console.log(`wrote ${file}`);
}
