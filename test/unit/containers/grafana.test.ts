import assert from "node:assert/strict";
import { test } from "node:test";
import { committedBoard } from "../dashboards/classic-board.js";
import { composition, mountsOf, yamlOf } from "./composition.js";

const grafana = composition.services.grafana!;
const environment = grafana.environment ?? {};

test("Grafana's data source is the Prometheus of the composition", () => {
  const { apiVersion, datasources } = yamlOf<{
    apiVersion: number;
    datasources: { type: string; access: string; url: string; isDefault: boolean }[];
  }>("grafana/provisioning/datasources/prometheus.yml");
  assert.equal(apiVersion, 1);
  assert.equal(datasources.length, 1);
  const { type, access, url, isDefault } = datasources[0]!;
  assert.deepEqual(
    { type, access, url, isDefault },
    { type: "prometheus", access: "proxy", url: "http://prometheus:9090", isDefault: true },
  );
  assert.deepEqual(composition.services.prometheus?.ports, ["127.0.0.1:9090:9090"]);
});

test("Grafana loads its dashboards from the folder where they are mounted", () => {
  const { apiVersion, providers } = yamlOf<{
    apiVersion: number;
    providers: { type: string; folder: string; options: { path: string } }[];
  }>("grafana/provisioning/dashboards/celery-load.yml");
  const mounted = mountsOf(grafana).find(({ source }) => source === "./grafana/dashboards");
  assert.equal(apiVersion, 1);
  assert.equal(providers.length, 1);
  assert.equal(providers[0]?.type, "file");
  assert.equal(providers[0]?.options.path, mounted?.target);
  assert.ok(providers[0]?.folder);
});

test("Grafana finds its provisioning where it looks by itself", () => {
  const mounted = mountsOf(grafana).find(({ source }) => source === "./grafana/provisioning");
  assert.equal(mounted?.target, "/etc/grafana/provisioning");
});

test("Grafana opens with the overview, readable without a login, and nobody can log in", () => {
  const { uid } = committedBoard("celery-load-overview");
  assert.equal(environment.GF_AUTH_ANONYMOUS_ENABLED, "true");
  assert.equal(environment.GF_AUTH_ANONYMOUS_ORG_ROLE, "Viewer");
  assert.equal(environment.GF_AUTH_DISABLE_LOGIN_FORM, "true");
  assert.equal(environment.GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION, "true");
  assert.equal(
    environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH,
    `/var/lib/grafana/dashboards/${uid}.json`,
  );
});
