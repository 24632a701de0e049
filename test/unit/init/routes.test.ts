import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Route, routeOf } from "../../../src/init/routes.js";

const to = (queue: string): Route => ({ kind: "queue", queue });
const none: Route = { kind: "none" };
const unknown = (why: string): Route => ({ kind: "unknown", why });

/** A sentence, `task_routes` as a worker tells it, a task, and where it goes. */
const cases: [string, unknown, string, Route][] = [
  ["no routes", null, "a.b", none],
  ["an empty mapping", {}, "a.b", none],
  ["a name", { "a.b": { queue: "q" } }, "a.b", to("q")],
  ["a name with a plain queue", { "a.b": "q" }, "a.b", to("q")],
  ["another name", { "a.b": "q" }, "a.bc", none],
  ["a glob", { "a.*": { queue: "q" } }, "a.b.c", to("q")],
  ["a glob in the middle", { "*.mail.*": "q" }, "shop.mail.send", to("q")],
  ["a glob that is not of the whole name", { "a.*": "q" }, "xa.b", none],
  ["a dot in a glob, which is no wildcard", { "a.*": "q" }, "ab", none],
  ["the first glob of two", { "a.*": "first", "a.b*": "second" }, "a.b", to("first")],
  ["the name before a glob", { "a.*": "glob", "a.b": "name" }, "a.b", to("name")],
  ["? and sets, where a * makes it a glob", { "a?[!x-z]*": "q" }, "abcd", to("q")],
  ["a set that does not fit", { "a?[!x-z]*": "q" }, "abxd", none],
  ["? without a *, which is a name", { "a.?": "q" }, "a.b", none],
  ["a range the wrong way round", { "a[z-a]*": "q" }, "ab", none],
  ["upper case, which is another", { "A.*": "q" }, "a.b", none],
  [
    "a list of mappings, the first with an answer",
    [{ "x.*": "x" }, { "a.*": "q" }],
    "a.b",
    to("q"),
  ],
  ["a list of pairs", [[["a.*", { queue: "q" }]]], "a.b", to("q")],
  ["a kombu.Queue", { "a.b": { queue: { name: "q", exchange: {} } } }, "a.b", to("q")],
  ["a route that has nothing, so the default queue", [{ "a.b": {} }, { "a.*": "q" }], "a.b", none],
  ["a priority only, so the default queue", { "a.b": { priority: 3 } }, "a.b", none],
  ["a function", "shop.routers.route_task", "a.b", unknown("task_routes has a function")],
  ["a function behind", [{ "a.*": "q" }, "shop.route"], "a.b", to("q")],
  [
    "a function in front",
    ["shop.route", { "a.*": "q" }],
    "a.b",
    unknown("task_routes has a function"),
  ],
  [
    "a regular expression in a list",
    [[["re.compile('a\\\\..*')", { queue: "q" }]]],
    "a.b",
    unknown("task_routes has a regular expression"),
  ],
  ["a masked queue", { "api.b": "********" }, "api.b", unknown("its route is masked")],
  ["a masked setting", "********", "a.b", unknown("task_routes is masked")],
  [
    "an exchange",
    { "a.b": { exchange: "x", routing_key: "********" } },
    "a.b",
    unknown("its route is an exchange or a routing key"),
  ],
  ["a number", { "a.b": 3 }, "a.b", unknown("its route is not readable")],
];

for (const [name, routes, task, expected] of cases) {
  test(`the route by ${name}`, () => assert.deepEqual(routeOf(routes, task), expected));
}

for (const version of ["5.2", "5.7"]) {
  test(`routes as a worker of Celery ${version} tells them`, () => {
    const file = `../../../../test/vectors/settings/celery-${version}.json`;
    const { django } = JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8"));
    const routes = django.conf.task_routes;
    assert.deepEqual(routeOf(routes, "shop.tasks.resize"), to("images"));
    assert.deepEqual(routeOf(routes, "shop.pdf.render"), to("pdf"));
    assert.deepEqual(routeOf(routes, "shop.api.call"), unknown("its route is masked"));
    assert.deepEqual(routeOf(routes, "shop.tasks.other"), none);
    // By a regular expression, of which nothing is told.
    assert.deepEqual(routeOf(routes, "shop.mail.send"), none);
  });
}
