import assert from "node:assert/strict";
import { test } from "node:test";
import { repositoryText } from "../dashboards/classic-board.js";
import {
  composition,
  dockerfileSettings,
  durationMs,
  inRepository,
  mountsOf,
  PROFILES,
  type Service,
  serviceAt,
  servicesOf,
} from "./composition.js";
import { assertCommandLineTakes, configOf, type DaemonCall, stopMs } from "./daemon-call.js";

const services = Object.entries(composition.services);

/** Ports on which the brokers' images listen by themselves. */
const BROKER_PORTS: Readonly<Record<string, number>> = { redis: 6379, rabbitmq: 5672 };

test("each profile has its broker and all that works and watches", () => {
  const common = ["alertmanager", "celery-exporter", "daemon", "flower", "grafana", "prometheus"];
  for (const profile of PROFILES) {
    for (const host of [...common, profile]) {
      assert.ok(serviceAt(profile, host), `nothing answers to ${host} in profile ${profile}`);
    }
    assert.ok(servicesOf(profile)[`worker-${profile}`], `profile ${profile} has no worker`);
  }
  assert.ok(serviceAt("redis", "redis-exporter"));
  const known = new Set<string>(PROFILES);
  for (const [name, { profiles }] of services) {
    assert.ok(profiles.length > 0 && profiles.every((profile) => known.has(profile)), name);
  }
});

test("a service waits only for services of its own profiles, until they are healthy", () => {
  for (const profile of PROFILES) {
    const there = servicesOf(profile);
    for (const [name, { depends_on = {} }] of Object.entries(there)) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        assert.ok(other in there, `${name} waits for ${other}, which profile ${profile} lacks`);
        assert.equal(condition, "service_healthy", `${name} waits for ${other}`);
      }
    }
  }
});

test("no URL in a command or a variable names a host that its profile lacks", () => {
  for (const profile of PROFILES) {
    for (const [name, { command = [], environment = {} }] of Object.entries(servicesOf(profile))) {
      const texts = [...command, ...Object.values(environment)].join("\n");
      for (const [url, host = "", port] of texts.matchAll(
        /\b(?:redis|amqp):\/\/([^:/\s]+):(\d+)/g,
      )) {
        assert.ok(host in servicesOf(profile), `${name} of profile ${profile} uses ${url}`);
        assert.equal(Number(port), BROKER_PORTS[host], `${name} uses ${url}`);
      }
    }
  }
});

test("every file that a service mounts is in the repository and read-only, or is a declared volume", () => {
  for (const [name, service] of services) {
    for (const { source, mode } of mountsOf(service)) {
      if (!source.startsWith("./")) {
        assert.ok(source in composition.volumes, `${name} mounts ${source}, which is not declared`);
        continue;
      }
      assert.ok(inRepository(source), `${name} mounts ${source}, which does not exist`);
      assert.equal(mode, "ro", `${name} mounts ${source}`);
    }
  }
  const mounted = services.flatMap(([, service]) => mountsOf(service).map(({ source }) => source));
  for (const volume of Object.keys(composition.volumes)) {
    assert.ok(mounted.includes(volume), `nobody mounts the volume ${volume}`);
  }
});

test("every Dockerfile that a service is built from is in the repository", () => {
  for (const [name, { build }] of services) {
    if (build === undefined) continue;
    const path = `${build.context}/${build.dockerfile ?? "Dockerfile"}`;
    assert.ok(inRepository(path), `${name} is built from ${path}, which does not exist`);
  }
});

test("every image is pinned to a full version, those of the Dockerfiles too", () => {
  for (const [name, { image, build }] of services) {
    assert.ok((image === undefined) !== (build === undefined), `${name}: an image or a build`);
    if (image !== undefined) assertPinned(image, name);
  }
  for (const path of ["Dockerfile", "demo/worker.Dockerfile"]) {
    const text = repositoryText(path);
    const defaults = Object.fromEntries(
      [...text.matchAll(/^ARG (\w+)=(.+)$/gm)].map(([, name, value]) => [name, value]),
    );
    const bases = [...text.matchAll(/^FROM (\S+)/gm)].map(([, base = ""]) =>
      base.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => defaults[name] ?? ""),
    );
    assert.ok(bases.length > 0);
    for (const base of bases) assertPinned(base, path);
  }
});

test("what pip installs in the worker's image is pinned", () => {
  for (const line of repositoryText("demo/requirements.txt").split("\n")) {
    if (line !== "" && !line.startsWith("#")) assert.match(line, /^[\w-]+==[\w.]+(;.*)?$/);
  }
});

test("every service says when it is healthy", () => {
  for (const [name, service] of services) {
    if (isDaemon(service)) continue; // its image does
    const [kind = "", ...words] = service.healthcheck?.test ?? [];
    assert.match(kind, /^CMD(-SHELL)?$/, name);
    assert.ok(words.length > 0, name);
  }
  assert.match(repositoryText("Dockerfile"), /^HEALTHCHECK /m);
});

test("published ports are open on this machine only, and no two services of a profile share one", () => {
  for (const profile of PROFILES) {
    const ports = Object.values(servicesOf(profile)).flatMap((service) => service.ports ?? []);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:(\d+):\1$/);
    assert.equal(new Set(ports).size, ports.length, profile);
  }
});

test("services have no rights that they do not need, and an upper bound of memory", () => {
  /** RabbitMQ writes to more places than its volume. */
  const WRITABLE = ["rabbitmq"];
  for (const [name, service] of services) {
    assert.deepEqual(service.cap_drop, ["ALL"], name);
    assert.deepEqual(service.security_opt, ["no-new-privileges:true"], name);
    assert.equal(service.read_only, !WRITABLE.includes(name), name);
    assert.match(service.mem_limit ?? "", /^\d+m$/, name);
    // Without capabilities these two cannot change from root to their own user by themselves.
    if (name in BROKER_PORTS) assert.equal(service.user, name);
  }
});

test("nothing has a password", () => {
  for (const [name, { command = [], environment = {} }] of services) {
    for (const text of [...command, ...Object.values(environment)]) {
      assert.doesNotMatch(text, /:\/\/[^/\s]*@/, name);
    }
    for (const variable of Object.keys(environment)) {
      assert.doesNotMatch(variable, /PASSWORD|SECRET|TOKEN|_KEY$/, name);
    }
  }
});

for (const profile of PROFILES) {
  const daemon = serviceAt(profile, "daemon")!;
  const call = callOf(daemon);

  test(`the daemon of profile ${profile} takes its command and its variables`, () => {
    assertCommandLineTakes(call);
    const { connections } = configOf(call);
    assert.equal(connections.main?.broker, daemon.environment?.CELERY_BROKER_URL);
    assert.equal(connections.main?.backend, daemon.environment?.CELERY_RESULT_BACKEND);
  });

  test(`the daemon of profile ${profile} runs steps and a steady rate, of several tasks, with objectives`, () => {
    const { scenarios, tasks, slos } = configOf(call);
    assert.deepEqual(
      slos.map(({ name }) => name),
      ["pulse-latency", "mail-sent"],
    );
    assert.deepEqual(Object.keys(scenarios), ["shop", "pulse"]);
    assert.ok(Object.keys(tasks).length > 3);
  });

  test(`the daemon of profile ${profile} listens where the image says, for other containers`, () => {
    const { port } = dockerfileSettings();
    assert.deepEqual(configOf(call).server.listen, { host: "0.0.0.0", port });
    assert.deepEqual(daemon.ports, [`127.0.0.1:${port}:${port}`]);
  });

  test(`the daemon of profile ${profile} gets the time that a graceful stop takes`, () => {
    const graceMs = durationMs(daemon.stop_grace_period ?? "0s");
    assert.ok(graceMs > stopMs(configOf(call)), `${graceMs} ms`);
  });

  test(`worker and daemon of profile ${profile} use the same broker and result backend`, () => {
    const worker = servicesOf(profile)[`worker-${profile}`]!;
    assert.deepEqual(worker.environment, daemon.environment);
    const application = repositoryText("demo/app.py");
    const files = call.args.slice(1).map((path) => repositoryText(path));
    for (const name of Object.keys(worker.environment ?? {})) {
      assert.ok(application.includes(`os.environ.get("${name}"`), `the worker ignores ${name}`);
      assert.ok(
        files.some((text) => text.includes(`\${${name}:-`)),
        `the daemon ignores ${name}`,
      );
    }
  });
}

test("a daemon with a wrong configuration is not started for ever", () => {
  for (const profile of PROFILES) {
    assert.match(serviceAt(profile, "daemon")?.restart ?? "", /^on-failure:\d$/);
  }
});

function isDaemon({ build }: Service): boolean {
  return build !== undefined && build.context === ".";
}

/** The call that the container makes, with the files that are mounted in it. */
function callOf(service: Service): DaemonCall {
  const sources = new Map(mountsOf(service).map(({ source, target }) => [target, source.slice(2)]));
  const command = service.command ?? dockerfileSettings().command;
  return {
    args: command.map((word) => sources.get(word) ?? word),
    env: service.environment ?? {},
  };
}

function assertPinned(image: string, place: string): void {
  assert.match(image, /:v?\d+\.\d+\.\d+(-[a-z0-9.-]+)?$/, place);
}
