import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { KNOWN_OPTIONS, optionIn } from "../../../src/celery/messages/known-options.js";
import { ensurePython } from "../../../src/setup/python.js";

/** What the libraries themselves read, by the place in which it would be written here. */
const READ_BY_THE_LIBRARIES = `
import inspect, json, re
import amqp, kombu.connection, redis
from kombu.transport import redis as transport
from celery.backends import redis as backend

def names(pattern, *sources):
    return sorted({name for source in sources for name in re.findall(pattern, inspect.getsource(source))})

def arguments(function):
    return [name for name in inspect.signature(function).parameters if name not in ("self", "kwargs")]

client = inspect.getsource(kombu.connection.Connection)
print(json.dumps({
    "options": [
        *transport.SentinelChannel.from_transport_options,
        *names(r"transport_options\\.get\\(\\s*'(\\w+)'", transport, kombu.transport.virtual.base),
        *names(r"transport_opts\\['(\\w+)'\\]", kombu.connection.Connection),
        *arguments(amqp.Connection.__init__),
    ],
    "backendOptions": names(r"_?transport_options(?:\\.get\\(\\s*|\\[)[\\"'](\\w+)", backend, backend.BaseKeyValueStoreBackend),
    "redis URL": [*arguments(redis.connection.Connection.__init__), *arguments(redis.connection.SSLConnection.__init__), *redis.connection.URL_QUERY_ARGUMENT_PARSERS],
    "amqp URL": arguments(kombu.connection.Connection._init_params),
}))
`;

/** Not options: they are the URL itself, or hooks that a program gives and no configuration. */
const NO_OPTIONS = new Set(
  (
    "host port path userid password virtual_host hostname ssl transport on_open args connection_class retry " +
    "redis_connect_func command_packer event_dispatcher maint_notifications_config " +
    "maint_notifications_pool_handler maintenance_state maintenance_notification_hash orig_host_address " +
    "orig_socket_timeout orig_socket_connect_timeout oss_cluster_maint_notifications_handler parser himport_registry"
  ).split(" "),
);

for (const version of ["current", "debian"] as const) {
  test(`every option that kombu, py-amqp, redis-py and Celery read is known: ${version}`, async () => {
    const python = await ensurePython(version);
    const { status, stdout, stderr } = spawnSync(python, ["-c", READ_BY_THE_LIBRARIES], {
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    const read = JSON.parse(stdout) as Record<string, readonly string[]>;
    for (const [place, names] of Object.entries(read)) {
      assert.ok(names.length > 3, `${place}: ${names}`);
      const unknown = names.filter(
        (name) => !NO_OPTIONS.has(name) && optionIn(place as "options", name) === undefined,
      );
      assert.deepEqual(unknown, [], place);
    }
  });
}

test("an option says once for each place what it comes to", () => {
  const rows = KNOWN_OPTIONS.flatMap(({ name, places }) =>
    places.map((place) => `${place} ${name}`),
  );
  assert.deepEqual(
    rows.filter((row, index) => rows.indexOf(row) !== index),
    [],
  );
});
