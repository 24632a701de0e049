import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { committedBoard, repository, repositoryText } from "./classic-board.js";

interface Service {
  image?: string;
  build?: { context: string; dockerfile?: string };
  volumes?: string[];
  ports?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  stop_grace_period?: string;
}

const compose = yamlOf<{ services: Record<string, Service>; volumes: Record<string, unknown> }>(
  "docker-compose.yml",
);
const services = Object.entries(compose.services);
const dockerfile = repositoryText("Dockerfile");

test("the composition has a broker, a worker, the daemon, Prometheus and Grafana", () => {
  assert.deepEqual(Object.keys(compose.services).sort(), [
    "daemon",
    "grafana",
    "prometheus",
    "redis",
    "worker",
  ]);
});

test("every file that a service mounts is in the repository, or is a declared volume", () => {
  for (const { name, source } of mounts()) {
    const known = source.startsWith("./") ? inRepository(source) : source in compose.volumes;
    assert.ok(known, `${name} mounts ${source}, which does not exist`);
  }
});

test("every Dockerfile that a service is built from is in the repository", () => {
  for (const [name, { build }] of services) {
    if (!build) continue;
    const path = `${build.context}/${build.dockerfile ?? "Dockerfile"}`;
    assert.ok(inRepository(path), `${name} is built from ${path}, which does not exist`);
  }
});

test("every image is pinned to a version, and every service says when it is healthy", () => {
  for (const [name, service] of services) {
    if (service.image) assert.match(service.image, /:v?\d+\.\d+\.\d+/, name);
    const ownCheck = service.healthcheck !== undefined;
    assert.ok(ownCheck || (name === "daemon" && dockerfile.includes("HEALTHCHECK")), name);
  }
});

test("a service waits only for services that exist, until they are healthy", () => {
  for (const [name, service] of services) {
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      assert.ok(other in compose.services, `${name} waits for ${other}, which does not exist`);
      assert.equal(condition, "service_healthy", `${name} waits for ${other}`);
    }
  }
});

test("published ports are open on this machine only, each one once", () => {
  const ports = services.flatMap(([, service]) => service.ports ?? []);
  for (const port of ports) assert.match(port, /^127\.0\.0\.1:(\d+):\1$/);
  assert.equal(new Set(ports).size, ports.length);
});

test("the daemon gets the time that a graceful stop takes", () => {
  assert.equal(compose.services.daemon?.stop_grace_period, "45s");
});

test("the configuration is mounted where the image's default command reads it", () => {
  const command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? "[]") as string[];
  assert.deepEqual(command, ["run", "/etc/celery-load/load.yml"]);
  const mounted = mounts().filter(({ name }) => name === "daemon");
  assert.deepEqual(mounted, [
    { name: "daemon", source: "./demo/load.yml", target: "/etc/celery-load/load.yml" },
  ]);
});

test("the image starts Node as process 1, without root's rights", () => {
  assert.match(dockerfile, /^ENTRYPOINT \["node", .*"\/app\/dist\/src\/main\.js"\]$/m);
  assert.match(dockerfile, /^USER node$/m);
});

test("the image copies only what is sent to the build", () => {
  const sent = repositoryText(".dockerignore").match(/^!(.+)$/gm) ?? [];
  const allowed = new Set(sent.map((line) => line.slice(1)));
  for (const [, sources = ""] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
    for (const source of sources.split(" ")) {
      const path = source.replace("./", "");
      assert.ok(allowed.has(path), `${path} is left out by .dockerignore`);
      assert.ok(inRepository(path), `${path} does not exist`);
    }
  }
});

test("the daemon listens where other containers reach it, whatever its file says", () => {
  const environment = compose.services.daemon?.environment ?? {};
  assert.equal(environment.CELERY_LOAD_SERVER__LISTEN, "0.0.0.0:9809");
});

test("Prometheus scrapes the daemon where the image listens, as often as Grafana believes", () => {
  const prometheus = yamlOf<{
    global: { scrape_interval: string };
    scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
  }>("prometheus/prometheus.yml");
  const port = /^EXPOSE (\d+)$/m.exec(dockerfile)?.[1];
  assert.deepEqual(prometheus.scrape_configs[0]?.static_configs[0]?.targets, [`daemon:${port}`]);
  assert.equal(prometheus.global.scrape_interval, dataSource().jsonData.timeInterval);
});

test("Grafana's data source is the Prometheus of the composition", () => {
  const { type, url, isDefault } = dataSource();
  assert.deepEqual(
    { type, url, isDefault },
    { type: "prometheus", url: "http://prometheus:9090", isDefault: true },
  );
  assert.deepEqual(compose.services.prometheus?.ports, ["127.0.0.1:9090:9090"]);
});

test("Grafana loads its dashboards from the folder where they are mounted", () => {
  const { providers } = yamlOf<{ providers: { type: string; options: { path: string } }[] }>(
    "grafana/provisioning/dashboards/celery-load.yml",
  );
  const mounted = mounts().find(({ source }) => source === "./grafana/dashboards");
  assert.equal(providers[0]?.type, "file");
  assert.equal(providers[0]?.options.path, mounted?.target);
});

test("Grafana opens with the overview, readable without a login", () => {
  const environment = compose.services.grafana?.environment ?? {};
  const { uid } = committedBoard("celery-load-overview");
  assert.equal(environment.GF_AUTH_ANONYMOUS_ENABLED, "true");
  assert.equal(environment.GF_AUTH_ANONYMOUS_ORG_ROLE, "Viewer");
  assert.equal(
    environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH,
    `/var/lib/grafana/dashboards/${uid}.json`,
  );
});

function mounts(): { name: string; source: string; target: string }[] {
  return services.flatMap(([name, service]) =>
    (service.volumes ?? []).map((volume) => {
      const [source = "", target = ""] = volume.split(":");
      return { name, source, target };
    }),
  );
}

function dataSource() {
  const { datasources } = yamlOf<{
    datasources: {
      type: string;
      url: string;
      isDefault: boolean;
      jsonData: { timeInterval: string };
    }[];
  }>("grafana/provisioning/datasources/prometheus.yml");
  return datasources[0]!;
}

function inRepository(path: string): boolean {
  return existsSync(new URL(path, repository));
}

function yamlOf<Shape>(path: string): Shape {
  return parse(repositoryText(path)) as Shape;
}
