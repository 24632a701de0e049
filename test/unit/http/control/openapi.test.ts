import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Express, Router } from "express";
import { createApp } from "../../../../src/http/app.js";
import { createControlApp } from "../../../../src/http/control/app.js";
import { openApiDocument } from "../../../../src/http/control/openapi.js";
import { EventLog } from "../../../../src/http/events.js";
import { ask, controlServer, sourceOf } from "../../../support/control-server.js";
import { StandInReloading, StandInSteering } from "../../../support/steering.js";
import { repository, repositoryText } from "../../dashboards/classic-board.js";

const steering = new StandInSteering();
const source = sourceOf(steering, new EventLog());
const open = (_request: unknown, _response: unknown, next: () => void) => next();

const APPS: readonly (readonly [string, Express, boolean])[] = [
  [
    "control.listen",
    createControlApp(
      source,
      { steering, reloading: new StandInReloading() },
      { served: open, token: null },
    ),
    true,
  ],
  ["server.listen", createApp(source, open), false],
];
for (const [name, app, hasOrders] of APPS) {
  test(`the document and the routes of ${name} are the same`, () => {
    const routes = routesOf(app.router).sort();
    assert.ok(routes.length >= 7);
    assert.deepEqual(operationsOf(openApiDocument({ hasOrders })), routes);
  });
}

/** `GET /metrics`, of all routers; what answers 405 is no operation, and files of the page are none. */
function routesOf(router: Router): string[] {
  return router.stack.flatMap((layer) => {
    const { route, handle } = layer;
    if (route !== undefined) {
      // `all` of express is every method there is.
      const methods = route.stack
        .map(({ method }) => method)
        .filter((method) => method !== undefined);
      if (new Set(methods).size > 4 || route.path.startsWith("/page/")) return [];
      const path = route.path.replace(/:(\w+)/, "{$1}");
      return [...new Set(methods)].map((method) => `${method.toUpperCase()} ${path}`);
    }
    return "stack" in handle ? routesOf(handle as unknown as Router) : [];
  });
}

function operationsOf(document: object): string[] {
  const { paths } = document as { paths: Record<string, object> };
  return Object.entries(paths)
    .flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    .sort();
}

test("docs/openapi.json is what the code makes", () => {
  const text = `${JSON.stringify(openApiDocument({ hasOrders: true }), null, 2)}\n`;
  assert.equal(repositoryText("docs/openapi.json"), text, "run npm run generate");
});

test("what is served is the document", async () => {
  await using server = await controlServer();
  const { json } = await ask(server, "GET", "/api/v1/openapi.json");
  assert.deepEqual(json, JSON.parse(JSON.stringify(openApiDocument({ hasOrders: true }))));
});

test("a linter finds nothing to complain of", () => {
  const cli = join(fileURLToPath(repository), "node_modules", "@redocly", "cli", "bin", "cli.js");
  const args = [
    cli,
    "lint",
    "docs/openapi.json",
    "--extends",
    "recommended-strict",
    "--format",
    "json",
  ];
  const found = execFileSync(process.execPath, args, {
    cwd: fileURLToPath(repository),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
  });
  const { totals } = JSON.parse(found.slice(found.indexOf("{")));
  assert.deepEqual(totals, { errors: 0, warnings: 0, ignored: 0 });
});

test("the examples and words of the bodies are there, and no variables of files", () => {
  const text = JSON.stringify(openApiDocument({ hasOrders: true }));
  assert.doesNotMatch(text, /\\\\\$\\\\\{/);
  assert.match(text, /After so long it undoes itself/);
  assert.match(text, /"oneOf":\[\{"required":\["rate"\]\}/);
});
