import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { repositoryText } from "../dashboards/classic-board.js";
import {
  dockerfileSettings,
  durationMs,
  PROFILES,
  type Service,
  serviceAt,
  yamlOf,
} from "./composition.js";

interface StaticTargets {
  readonly targets: readonly string[];
}

interface Job {
  readonly job_name: string;
  readonly scrape_interval?: string;
  readonly scrape_timeout?: string;
  readonly static_configs?: readonly StaticTargets[];
  readonly dns_sd_configs?: readonly {
    readonly names: readonly string[];
    readonly type: string;
    readonly port: number;
  }[];
}

interface Configuration {
  readonly global: { scrape_interval: string; scrape_timeout: string };
  readonly rule_files: string[];
  readonly alerting: { alertmanagers: { static_configs: StaticTargets[] }[] | null };
  readonly scrape_configs: Job[];
}

/** The one of the composition. */
const prometheus = yamlOf<Configuration>("demo/prometheus.yml");

/** The one for everybody else, as it is, and with all that it holds ready. */
const bundled = yamlOf<Configuration>("prometheus/prometheus.yml");
const ready = parse(
  repositoryText("prometheus/prometheus.yml").replaceAll(/^ {2}#(- | {2})/gm, "  $1"),
) as Configuration;

test("the bundled configuration scrapes a daemon and a Prometheus of this machine, and nothing that may be absent", () => {
  assert.deepEqual(bundled.scrape_configs.map(addressOf), [
    ["celery-load", `localhost:${IMAGE_PORTS.daemon}`],
    ["prometheus", `localhost:${IMAGE_PORTS.prometheus}`],
  ]);
  assert.equal(bundled.alerting.alertmanagers, null);
});

test("the bundled configuration holds the jobs of the composition ready, on this machine", () => {
  const settings = ({ static_configs, dns_sd_configs, ...job }: Job & Relabelled) => {
    const ports = [
      ...(static_configs ?? []).flatMap(({ targets }) => targets.map((at) => at.split(":")[1])),
      ...(dns_sd_configs ?? []).map(({ port }) => String(port)),
    ];
    return [job.job_name, { ...job, relabel_configs: undefined, ports }] as const;
  };
  const ofJobs = (configuration: Configuration) =>
    Object.fromEntries(configuration.scrape_configs.map(settings));
  assert.deepEqual(ofJobs(ready), ofJobs(prometheus));
  for (const job of ready.scrape_configs) assert.match(addressOf(job)[1] ?? "", /^localhost:\d+$/);
  assert.deepEqual(ready.alerting.alertmanagers, [
    { static_configs: [{ targets: ["localhost:9093"] }] },
  ]);
  const { global, rule_files } = ready;
  assert.deepEqual([global, rule_files], [prometheus.global, prometheus.rule_files]);
});

test("all that has to be changed in the bundled configuration is in its first part", () => {
  const [first = "", rest = ""] = repositoryText("prometheus/prometheus.yml").split(
    "# Up to here.",
  );
  assert.match(first, /change the addresses in this first part/);
  assert.doesNotMatch(rest, /localhost|targets/);
});

/** The parts of a job that say how its targets are found by name. */
interface Relabelled {
  readonly relabel_configs?: unknown;
}

function addressOf({ job_name, static_configs }: Job): [string, string | undefined] {
  return [job_name, static_configs?.[0]?.targets[0]];
}

interface Route {
  readonly receiver: string;
  readonly matchers?: readonly string[];
  readonly routes?: readonly Route[];
}

const alertmanager = yamlOf<{
  route: Route;
  receivers: { name: string }[];
  inhibit_rules: { source_matchers: string[]; target_matchers: string[] }[];
}>("prometheus/alertmanager.yml");

test("all that has metrics is scraped, each under the name that dashboards and rules expect", () => {
  assert.deepEqual(
    prometheus.scrape_configs.map(({ job_name }) => job_name),
    [
      ...["celery-load", "celery-exporter", "flower", "redis", "rabbitmq", "rabbitmq-queues"],
      ...["prometheus", "alertmanager"],
    ],
  );
});

for (const profile of PROFILES) {
  test(`every fixed target is a service of profile ${profile}, at the port where it listens`, () => {
    for (const { job_name, static_configs = [] } of prometheus.scrape_configs) {
      for (const target of static_configs.flatMap(({ targets }) => targets)) {
        const [host = "", port] = target.split(":");
        const service = serviceAt(profile, host === "127.0.0.1" ? job_name : host);
        assert.ok(service, `${target} is nobody in profile ${profile}`);
        assert.equal(Number(port), listeningPort(service), target);
      }
    }
  });
}

test("every target that is found by name is a service of one profile, at the port where it listens", () => {
  for (const { dns_sd_configs = [] } of prometheus.scrape_configs) {
    for (const { names, type, port } of dns_sd_configs) {
      assert.equal(type, "A");
      for (const name of names) {
        const found = PROFILES.flatMap((profile) => serviceAt(profile, name) ?? []);
        assert.equal(found.length, 1, `${name} is in ${found.length} profiles`);
        assert.equal(port, listeningPort(found[0]!), name);
      }
    }
  }
});

test("a scrape has less time than there is between two", () => {
  const { scrape_interval, scrape_timeout } = prometheus.global;
  for (const job of [
    { job_name: "global", scrape_interval, scrape_timeout },
    ...prometheus.scrape_configs,
  ]) {
    const intervalMs = durationMs(job.scrape_interval ?? scrape_interval);
    assert.ok(durationMs(job.scrape_timeout ?? scrape_timeout) < intervalMs, job.job_name);
  }
});

test("a celery-exporter gets the two seconds of the workers' answers, and more", () => {
  const job = prometheus.scrape_configs.find(({ job_name }) => job_name === "celery-exporter");
  assert.ok(durationMs(job?.scrape_timeout ?? "0s") >= 5000);
});

test("the daemon is scraped as often as Grafana believes", () => {
  const { datasources } = yamlOf<{ datasources: { jsonData: { timeInterval: string } }[] }>(
    "grafana/provisioning/datasources/prometheus.yml",
  );
  const job = prometheus.scrape_configs.find(({ job_name }) => job_name === "celery-load");
  const interval = job?.scrape_interval ?? prometheus.global.scrape_interval;
  assert.equal(datasources[0]?.jsonData.timeInterval, interval);
});

test("Prometheus tells the Alertmanager of the composition", () => {
  const [{ static_configs } = { static_configs: [] }] = prometheus.alerting.alertmanagers ?? [];
  assert.deepEqual(static_configs, [{ targets: ["alertmanager:9093"] }]);
});

test("every route of Alertmanager leads to a receiver, by each severity that rules use", () => {
  const names = alertmanager.receivers.map(({ name }) => name);
  const routes = [alertmanager.route, ...(alertmanager.route.routes ?? [])];
  for (const { receiver } of routes) assert.ok(names.includes(receiver), receiver);
  const receiverOf = (severity: string) =>
    routes.find(({ matchers }) => matchers?.includes(`severity="${severity}"`))?.receiver ??
    alertmanager.route.receiver;
  assert.deepEqual(["critical", "warning", "info"].map(receiverOf), ["pager", "tickets", "nobody"]);
});

test("only a page keeps another page back", () => {
  for (const { source_matchers, target_matchers } of alertmanager.inhibit_rules) {
    const isPage = source_matchers.some((matcher) =>
      ['severity="critical"', 'alertname="CeleryLoadDown"'].includes(matcher),
    );
    const sparesPages = target_matchers.includes('severity=~"warning|info"');
    assert.ok(isPage || sparesPages, source_matchers.join());
  }
});

/** Where a service listens for scrapes, by its command, or else by what its image does by itself. */
function listeningPort(service: Service): number {
  const [, port] =
    /(?:--port=|--web\.listen-address=:)(\d+)/.exec((service.command ?? []).join(" ")) ?? [];
  if (port !== undefined) return Number(port);
  const image = /([^/:]+):[^:]+$/.exec(service.image ?? "daemon:built")?.[1] ?? "";
  const known = IMAGE_PORTS[image];
  assert.ok(known, `nobody knows where ${image} listens`);
  return known;
}

const IMAGE_PORTS: Readonly<Record<string, number>> = {
  daemon: dockerfileSettings().port,
  prometheus: 9090,
  alertmanager: 9093,
  /** Of the plugin rabbitmq_prometheus, which demo/rabbitmq/enabled_plugins turns on. */
  rabbitmq: 15_692,
};

test("Prometheus finds its configuration and its rules where they are mounted", () => {
  const { volumes = [], command = [] } = serviceAt("redis", "prometheus") ?? {};
  assert.ok(command.includes("--config.file=/etc/prometheus/prometheus.yml"));
  assert.ok(volumes.includes("./demo/prometheus.yml:/etc/prometheus/prometheus.yml:ro"));
  for (const file of prometheus.rule_files) {
    assert.ok(volumes.includes(`./prometheus/${file}:/etc/prometheus/${file}:ro`), file);
  }
});

test("RabbitMQ's metrics are turned on", () => {
  const file = "./demo/rabbitmq/enabled_plugins:/etc/rabbitmq/enabled_plugins:ro";
  assert.ok(serviceAt("rabbitmq", "rabbitmq")?.volumes?.includes(file));
});
