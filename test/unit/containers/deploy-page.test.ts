import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseAllDocuments } from "yaml";
import type { Config } from "../../../src/config/schema.js";
import { EXIT } from "../../../src/errors.js";
import { ensurePrometheus } from "../../../src/setup/prometheus.js";
import { repositoryText } from "../dashboards/classic-board.js";
import { KNOWN_METRICS } from "../dashboards/known-metrics.js";
import { dockerfileSettings, durationMs } from "./composition.js";
import { assertCommandLineTakes, configOf, stopMs } from "./daemon-call.js";

/*
 * docs/deploy.md is copied by people: its manifests, its unit and its commands are held against the
 * image, the command line and the configuration that there really are.
 */

const page = repositoryText("docs/deploy.md");
const image = dockerfileSettings();
const { promtool } = await ensurePrometheus();

const directory = mkdtempSync(join(tmpdir(), "celery-load-deploy-"));
after(() => rmSync(directory, { recursive: true }));

/** What the page puts into a secret or an environment file. */
const URLS = {
  CELERY_BROKER_URL: "redis://redis.celery.svc:6379/0",
  CELERY_RESULT_BACKEND: "redis://redis.celery.svc:6379/1",
};

const [example, ...manifestBlocks] = blocks("yaml");

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Labels };
  // Every kind has its own; what is read of it is asserted where it is read.
  // biome-ignore lint/suspicious/noExplicitAny: the shapes of six kinds of Kubernetes objects
  readonly spec: any;
  readonly data: Readonly<Record<string, string>>;
}

type Labels = Readonly<Record<string, string>>;

const manifests = manifestBlocks.flatMap((block) =>
  parseAllDocuments(block).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS() as Manifest;
  }),
);

function manifest(kind: string): Manifest {
  const found = manifests.filter((candidate) => candidate.kind === kind);
  assert.equal(found.length, 1, kind);
  return found[0]!;
}

const pod = manifest("Deployment").spec.template;
const container = pod.spec.containers[0];

test("the example of a configuration is taken, and the cluster runs the same", () => {
  assert.deepEqual(configOfText(manifest("ConfigMap").data["load.yml"] ?? ""), ours());
});

test("the pod's command and variables are taken, and its file lies where it is mounted", () => {
  const [mount] = container.volumeMounts;
  const [file] = Object.keys(manifest("ConfigMap").data);
  assert.deepEqual(container.args, ["run", `${mount.mountPath}/${file}`]);
  assert.deepEqual(container.args, image.command);
  const volume = pod.spec.volumes.find(({ name }: { name: string }) => name === mount.name);
  assert.equal(volume.configMap.name, manifest("ConfigMap").metadata.name);
  const names = container.env.map(({ name }: { name: string }) => name);
  assert.deepEqual(names, Object.keys(URLS));
});

test("with secrets as files the variables lead to what is mounted, in the composition and in the pod", () => {
  const [compose, patch] = blocks("yml").map((block) => parseAllDocuments(block)[0]?.toJS());
  const { load } = compose.services;
  assert.deepEqual(Object.keys(compose.secrets), load.secrets);
  const ofCompose = Object.values(load.environment);
  assert.deepEqual(
    ofCompose,
    load.secrets.map((name: string) => `/run/secrets/${name}`),
  );
  const [{ env, volumeMounts }] = patch.containers;
  const { mountPath } = volumeMounts.find(({ name }: { name: string }) => name === "secret");
  const { secretKeyRef } = container.env[0].valueFrom;
  assert.equal(patch.volumes[1].secret.secretName, secretKeyRef.name);
  for (const [index, { name, value }] of env.entries()) {
    assert.equal(name, `${container.env[index].name}_FILE`);
    assert.equal(value, `${mountPath}/${container.env[index].valueFrom.secretKeyRef.key}`);
    assert.equal(Object.keys(load.environment)[index], name);
  }
});

test("one pod runs, and never two at a time", () => {
  const { replicas, strategy } = manifest("Deployment").spec;
  assert.deepEqual({ replicas, strategy }, { replicas: 1, strategy: { type: "Recreate" } });
});

test("the pod gets the time that a graceful stop takes", () => {
  assert.ok(pod.spec.terminationGracePeriodSeconds * 1000 > stopMs(ours()));
});

test("probes ask routes that there are, at the port where the daemon listens", () => {
  const [port] = container.ports;
  assert.equal(port.containerPort, image.port);
  assert.equal(port.containerPort, ours().server.listen.port);
  const routes = repositoryText("src/http/read-routes.ts");
  for (const { httpGet } of [container.livenessProbe, container.readinessProbe]) {
    assert.equal(httpGet.port, port.name);
    assert.ok(routes.includes(`router.get("${httpGet.path}"`), httpGet.path);
  }
  assert.equal(container.livenessProbe.httpGet.path, "/healthz");
});

test("the pod needs no rights", () => {
  assert.equal(pod.spec.securityContext.runAsNonRoot, true);
  assert.match(image.user, /^\d+:\d+$/);
  assert.deepEqual(container.securityContext, {
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
  });
});

test("selectors find what they are to find", () => {
  const labels = pod.metadata.labels as Labels;
  const service = manifest("Service");
  assert.deepEqual(manifest("Deployment").spec.selector.matchLabels, labels);
  assert.deepEqual(service.spec.selector, labels);
  assert.deepEqual(manifest("NetworkPolicy").spec.podSelector.matchLabels, labels);
  const monitor = manifest("ServiceMonitor").spec;
  assert.deepEqual(monitor.selector.matchLabels, service.metadata.labels);
  assert.equal(monitor.endpoints[0].port, service.spec.ports[0].name);
  assert.equal(service.spec.ports[0].targetPort, container.ports[0].name);
  assert.equal(service.metadata.labels?.[monitor.jobLabel], "celery-load");
  assert.equal(manifest("NetworkPolicy").spec.ingress[0].ports[0].port, image.port);
});

test("a scrape of the ServiceMonitor has less time than there is between two", () => {
  const [{ interval, scrapeTimeout }] = manifest("ServiceMonitor").spec.endpoints;
  assert.ok(durationMs(scrapeTimeout) < durationMs(interval));
});

test("promtool takes the rules, and they read metrics that there are", () => {
  const file = join(directory, "rules.json");
  const { groups } = manifest("PrometheusRule").spec;
  writeFileSync(file, JSON.stringify({ groups }));
  const { status, stdout, stderr } = spawnSync(promtool, ["check", "rules", file], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stdout + stderr);
  const rules = groups.flatMap(({ rules }: { rules: { expr: string }[] }) => rules);
  for (const { expr } of rules as { expr: string }[]) {
    for (const [metric] of expr.matchAll(/\bcelery_load_\w+/g)) {
      assert.ok(KNOWN_METRICS.has(metric), metric);
    }
    assert.ok(expr.includes('job="celery-load"'), expr);
  }
});

test("the unit's command is taken, and has the time that a graceful stop takes", () => {
  const [unit = ""] = blocks("ini");
  const setting = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(unit)?.[1] ?? "";
  const [program, ...words] = setting("ExecStart").split(" ");
  assert.equal(program, "/usr/bin/node");
  const main = words.findIndex((word) => word.endsWith("/dist/src/main.js"));
  assert.deepEqual(words.slice(0, main), image.entrypoint.slice(1, -1));
  assertCommandLineTakes({ args: words.slice(main + 1), env: URLS });
  assert.ok(durationMs(setting("TimeoutStopSec")) > stopMs(ours()));
  assert.equal(setting("RestartPreventExitStatus"), String(EXIT.badConfiguration));
});

test("docker run gives the image what it takes", () => {
  const [command = ""] = blocks("bash").filter((block) => block.startsWith("docker run "));
  const words = command.replaceAll("\\\n", "").trim().split(/\s+/);
  const given = (flag: string) => words[words.indexOf(flag) + 1] ?? "";
  const name = words.findIndex((word) => word.startsWith("celery-load-exporter:"));
  assert.deepEqual(words.slice(name + 1), image.command);
  assert.equal(given("--publish"), `127.0.0.1:${image.port}:${image.port}`);
  assert.ok(given("--volume").endsWith(`:${image.command[1]}:ro"`));
  assert.ok(Number(given("--stop-timeout")) * 1000 > stopMs(ours()));
  const passedOn = words.flatMap((word, at) => (word === "--env" ? [words[at + 1]] : []));
  assert.deepEqual(passedOn, Object.keys(URLS));
});

test("what is said of versions is so", () => {
  const { version } = JSON.parse(repositoryText("package.json")) as { version: string };
  for (const [, tag] of page.matchAll(/celery-load-exporter:([\w.]+)/g)) assert.equal(tag, version);
  const [, node] = /^ARG NODE_VERSION=(.+)$/m.exec(repositoryText("Dockerfile")) ?? [];
  assert.ok(page.includes(`Node ${node} on Debian 12`));
});

/** The configuration of the page's example. */
function ours(): Config {
  return configOfText(example ?? "");
}

function configOfText(text: string): Config {
  const file = join(directory, "load.yml");
  writeFileSync(file, text, { mode: 0o600 });
  assertCommandLineTakes({ args: ["run", file], env: URLS });
  return configOf({ args: ["run", file], env: URLS });
}

/** The blocks of code of a language, in their order. */
function blocks(language: string): string[] {
  const fences = page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"));
  return [...fences].map(([, text = ""]) => text);
}
