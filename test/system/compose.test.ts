import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { mustRun } from "../../src/setup/programs.js";
import { missingPrograms } from "../support/debian-packages.js";
import { type Composition, PROFILES, servicesOf } from "../unit/containers/composition.js";

const inCheckout = { cwd: CHECKOUT };

const noCompose = await missingPrograms({ "docker-compose": "docker-compose" });

describe("docker-compose.yml", { skip: noCompose ?? false }, () => {
  for (const profile of PROFILES) {
    test(`docker-compose takes it and starts what profile ${profile} has`, async () => {
      const args = ["--profile", profile, "config"];
      const { stdout, stderr } = await mustRun("read it", "docker-compose", args, inCheckout);
      assert.equal(stderr, "");
      const { services } = parse(stdout) as Composition;
      const started = Object.entries(services).filter(([, { profiles }]) =>
        profiles.includes(profile),
      );
      assert.deepEqual(
        started.map(([name]) => name).sort(),
        Object.keys(servicesOf(profile)).sort(),
      );
      for (const [name, service] of started) {
        assert.deepEqual(service.cap_drop, ["ALL"], `${name}: merges are not read`);
      }
    });
  }
});

const noAmtool = await missingPrograms({ amtool: "prometheus-alertmanager" });

describe("alertmanager.yml", { skip: noAmtool ?? false }, () => {
  test("amtool takes it", async () => {
    const args = ["check-config", "prometheus/alertmanager.yml"];
    await mustRun("check alertmanager.yml", "amtool", args, inCheckout);
  });

  for (const [severity, receiver] of [
    ["critical", "pager"],
    ["warning", "tickets"],
    ["info", "nobody"],
  ] as const) {
    test(`an alert of severity ${severity} goes to ${receiver}`, async () => {
      const file = "--config.file=prometheus/alertmanager.yml";
      const args = ["config", "routes", "test", file, `severity=${severity}`];
      const { stdout } = await mustRun("ask for the route", "amtool", args, inCheckout);
      assert.equal(stdout.trim(), receiver);
    });
  }
});
