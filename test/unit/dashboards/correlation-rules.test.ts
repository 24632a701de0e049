import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ensurePrometheus } from "../../../src/setup/prometheus.js";
import { repositoryPath } from "./classic-board.js";

const { promtool } = await ensurePrometheus();
const RULES = repositoryPath("prometheus/rules.yml");

/** Series a minute apart, and what an expression must be ten minutes later: labels and value. */
interface Case {
  readonly what: string;
  readonly series: Readonly<Record<string, string>>;
  readonly expr: string;
  readonly expected: Readonly<Record<string, number>>;
}

const RECEIVED = 'celery_task_received_total{job="ce", name="app.add", hostname="a"}';
const ENDED =
  'celery_load_task_outcomes_total{job="us", scenario="s", task="app.add", outcome="succeeded"}';
const BUILD = 'celery_load_build_info{job="us"}';

const cases: readonly Case[] = [
  {
    what: "without any source all of them are absent",
    series: { [BUILD]: "1x10" },
    expr: "celery_load:source_state",
    expected: {
      '{source="observer"}': 0,
      '{source="rabbitmq"}': 0,
      '{source="celery-exporter"}': 0,
      '{source="flower"}': 0,
      '{source="redis"}': 0,
    },
  },
  {
    what: "a source that has seen all of our tasks is believed",
    series: {
      [BUILD]: "1x10",
      [ENDED]: "0+60x10",
      [RECEIVED]: "0+60x10",
      celery_worker_up: "1x10",
    },
    expr: 'celery_load:source_state{source="celery-exporter"}',
    expected: { '{source="celery-exporter"}': 2 },
  },
  {
    what: "one that has seen half of them is in doubt",
    series: {
      [BUILD]: "1x10",
      [ENDED]: "0+60x10",
      [RECEIVED]: "0+30x10",
      celery_worker_up: "1x10",
    },
    expr: 'celery_load:source_state{source="celery-exporter"}',
    expected: { '{source="celery-exporter"}': 1 },
  },
  {
    what: "one that has lost the names of some is in doubt, although it has seen all",
    series: {
      [BUILD]: "1x10",
      [ENDED]: "0+60x10",
      [RECEIVED]: "0+60x10",
      'celery_task_received_total{job="ce", name="None"}': "0+6x10",
      celery_worker_up: "1x10",
    },
    expr: 'celery_load:source_state{source="celery-exporter"}',
    expected: { '{source="celery-exporter"}': 1 },
  },
  {
    what: "tasks of others do not make up for ours that a source has not seen",
    series: {
      [BUILD]: "1x10",
      [ENDED]: "0+60x10",
      [RECEIVED]: "0+30x10",
      'celery_task_received_total{job="ce", name="other.task"}': "0+600x10",
    },
    expr: 'celery_load:source_seen:ratio{source="celery-exporter"}',
    expected: { '{source="celery-exporter"}': 0.5 },
  },
  {
    what: "of a workflow its members are what a source can have seen",
    series: {
      [BUILD]: "1x10",
      [ENDED]: "0+60x10",
      'celery_load_task_outcomes_total{task="flow", outcome="succeeded"}': "0+30x10",
      'celery_load_workflow_members_in_flight{workflow="flow", task="app.add"}': "0x10",
      'celery_load_workflow_member_outcomes_total{workflow="flow", task="app.add", outcome="succeeded"}':
        "0+60x10",
      [RECEIVED]: "0+120x10",
    },
    expr: 'celery_load:source_seen:ratio{source="celery-exporter"}',
    expected: { '{source="celery-exporter"}': 1 },
  },
  {
    what: "of several that know a queue the most exact one is taken, of each queue by itself",
    series: {
      'celery_load_queue_length{connection="main", queue="a"}': "5x10",
      'celery_queue_length{queue_name="a"}': "1x10",
      'celery_queue_length{queue_name="b"}': "2x10",
      'rabbitmq_detailed_queue_messages_ready{queue="b", vhost="/"}': "3x10",
    },
    expr: "celery_load:queue_ready",
    expected: {
      '{queue="a", source="observer"}': 5,
      '{queue="b", source="rabbitmq"}': 3,
    },
  },
  {
    what: "the priorities of a queue on Redis add up, and keys that are no queue are left out",
    series: {
      'redis_key_size{db="db0", key="celery"}': "4x10",
      'redis_key_size{db="db0", key="celery\\x06\\x163"}': "2x10",
      'redis_key_size{db="db0", key="unacked"}': "9x10",
    },
    expr: "celery_load:queue_ready",
    expected: { '{queue="celery", source="redis"}': 6 },
  },
  {
    what: "RabbitMQ's queues of replies, events and remote control are no queues of tasks",
    series: {
      'rabbitmq_detailed_queue_messages_ready{queue="celery"}': "1x10",
      'rabbitmq_detailed_queue_messages_ready{queue="celeryev.be03df51-3228-40d7-b918-67b7bd32930c"}':
        "1x10",
      'rabbitmq_detailed_queue_messages_ready{queue="w@host.celery.pidbox"}': "1x10",
      'rabbitmq_detailed_queue_messages_ready{queue="be03df51-3228-40d7-b918-67b7bd32930c"}':
        "1x10",
      'rabbitmq_detailed_queue_messages_ready{queue="celery-load.d0e9f4b4"}': "1x10",
    },
    expr: "celery_load:queue_ready",
    expected: { '{queue="celery", source="rabbitmq"}': 1 },
  },
  {
    what: "two daemons that observe the same queue and workers count them once",
    series: {
      'celery_load_queue_length{instance="1", connection="main", queue="a"}': "5x10",
      'celery_load_queue_length{instance="2", connection="main", queue="a"}': "5x10",
      'celery_load_worker_up{instance="1", connection="main", worker="w"}': "1x10",
      'celery_load_worker_up{instance="2", connection="main", worker="w"}': "1x10",
    },
    expr: "celery_load:queue_ready or celery_load:workers_up:by_source",
    expected: { '{queue="a", source="observer"}': 5, '{source="observer"}': 1 },
  },
  {
    what: "deployments that have the label are kept apart",
    series: {
      'celery_queue_length{deployment="one", queue_name="celery"}': "1x10",
      'celery_queue_length{deployment="two", queue_name="celery"}': "2x10",
    },
    expr: "celery_load:queue_ready",
    expected: {
      '{deployment="one", queue="celery", source="celery-exporter"}': 1,
      '{deployment="two", queue="celery", source="celery-exporter"}': 2,
    },
  },
  {
    what: "celery-exporter tells how busy a pool is where one queue has workers, and else nothing",
    series: {
      'celery_worker_tasks_active{deployment="one"}': "2x10",
      'celery_active_process_count{deployment="one", queue_name="a"}': "4x10",
      'celery_active_process_count{deployment="one", queue_name="b"}': "0x10",
      'celery_worker_tasks_active{deployment="two"}': "2x10",
      'celery_active_process_count{deployment="two", queue_name="a"}': "4x10",
      'celery_active_process_count{deployment="two", queue_name="b"}': "4x10",
    },
    expr: "celery_load:worker_busy:ratio",
    expected: { '{deployment="one", source="celery-exporter"}': 0.5 },
  },
];

for (const each of cases) {
  test(each.what, () => {
    const { status, output } = ruleTest(each);
    assert.equal(status, 0, output);
  });
}

test("promtool finds a wrong number", () => {
  const [first] = cases;
  assert.notEqual(ruleTest({ ...first!, expected: { '{source="redis"}': 1 } }).status, 0);
});

test("promtool's lint finds no fault in the rules", () => {
  const checked = spawnSync(promtool, ["check", "rules", "--lint=all", "--lint-fatal", RULES], {
    encoding: "utf8",
  });
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
});

function ruleTest({ series, expr, expected }: Case): { status: number | null; output: string } {
  const directory = mkdtempSync(join(tmpdir(), "celery-load-rules-"));
  try {
    const file = join(directory, "test.yml");
    const records = Object.keys(expected).map((labels) => ({ labels, value: expected[labels]! }));
    const tested = {
      interval: "1m",
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [
        {
          expr: `(${expr}) + 0`,
          eval_time: "10m",
          exp_samples: records,
        },
      ],
    };
    // JSON is YAML, so nothing has to be quoted by hand.
    writeFileSync(
      file,
      JSON.stringify({ rule_files: [RULES], evaluation_interval: "1m", tests: [tested] }),
    );
    const { status, stdout, stderr } = spawnSync(promtool, ["test", "rules", file], {
      encoding: "utf8",
    });
    return { status, output: stdout + stderr };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
