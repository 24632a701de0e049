import assert from "node:assert/strict";
import { test } from "node:test";
import { repositoryText } from "../dashboards/classic-board.js";
import { dockerfileSettings, inRepository } from "./composition.js";
import { assertCommandLineTakes } from "./daemon-call.js";

const dockerfile = repositoryText("Dockerfile");
const settings = dockerfileSettings();

test("the image starts Node as process 1, so that signals reach the daemon", () => {
  assert.deepEqual(settings.entrypoint, ["node", "--enable-source-maps", "/app/dist/src/main.js"]);
});

test("without arguments the image runs the file that is mounted at /etc/celery-load", () => {
  assert.deepEqual(settings.command, ["run", "/etc/celery-load/load.yml"]);
  assertCommandLineTakes({ args: settings.command, env: {} });
});

test("the image's user is a number, as Kubernetes cannot check that a name is not root", () => {
  assert.match(settings.user, /^[1-9]\d*:[1-9]\d*$/);
  const worker = repositoryText("demo/worker.Dockerfile");
  assert.match(worker, /^USER [1-9]\d*:[1-9]\d*$/m);
});

test("the image's health check asks the port that it exposes, without other programs", () => {
  const check = /^HEALTHCHECK [^\n]+\\\n {2}CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? "[]";
  const [program, flag, script = ""] = JSON.parse(check) as string[];
  assert.deepEqual([program, flag], ["node", "-e"]);
  assert.ok(script.includes(`http://127.0.0.1:${settings.port}/healthz`), script);
});

test("the daemon accepts the variables that the image sets", () => {
  const last = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
  const env = Object.fromEntries(
    [...last.matchAll(/^ENV (.+)$/gm)].flatMap(([, pairs = ""]) =>
      pairs.split(" ").map((pair) => pair.split("=") as [string, string]),
    ),
  );
  assert.deepEqual(Object.keys(env), ["NODE_ENV", "CELERY_LOAD_COMMIT"]);
  assertCommandLineTakes({ args: ["run", "demo/load.yml"], env });
});

test("the image copies only what is sent to the build, and nothing else is sent", () => {
  const sent = [...repositoryText(".dockerignore").matchAll(/^!(.+)$/gm)].map(([, path]) => path);
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
    ([, sources = ""]) => sources.split(" "),
  );
  assert.deepEqual([...new Set(copied)].sort(), sent.sort());
  for (const path of copied) assert.ok(inRepository(path), `${path} does not exist`);
});

test("any engine builds it: nothing of BuildKit is used", () => {
  assert.doesNotMatch(dockerfile, /^# syntax=|--mount=|<<EOF/m);
});
