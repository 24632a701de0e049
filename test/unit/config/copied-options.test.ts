import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { optionsIn } from "../../../src/celery/messages/known-options.js";
import { parseAmqpUrl } from "../../../src/celery/urls/amqp-url.js";
import { parseRedisUrl } from "../../../src/celery/urls/redis-url.js";
import { DEFAULT_TRANSPORT } from "../../../src/celery/urls/transport.js";
import { runCheck } from "../../../src/commands/check.js";
import { ConfigError } from "../../../src/errors.js";
import { loadTexts } from "./configurations.js";

/** A configuration with one connection and one task. */
function textOf(connection: object, task: object = {}): string {
  return JSON.stringify({
    connections: { main: { broker: "redis://h/0", ...connection } },
    tasks: { add: { name: "app.add", ...task } },
    scenarios: { steady: { profile: "1/s" } },
  });
}

const load = (connection: object, task: object = {}) => loadTexts([textOf(connection, task)]);

function faultOf(connection: object): string {
  try {
    load(connection);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return assert.fail("it was accepted");
}

test("each option that is known and does nothing takes any value, and is named once, with the reason", () => {
  for (const place of ["options", "backendOptions"] as const) {
    for (const { name, does, text } of optionsIn(place)) {
      if (does === "acts" || name === "visibility_timeout") continue;
      for (const value of [1, "app.x", { a: [1] }, true, null]) {
        const { notes, warnings } = load({ [place]: { [name]: value } });
        const told = [...notes, ...warnings].filter((line) => line.includes(name));
        assert.equal(told.length, 1, name);
        assert.ok(told[0]?.includes(text), told[0]);
        assert.equal(warnings.length, does === "warns" ? 1 : 0, name);
      }
    }
  }
});

const SAMPLES: Readonly<Record<string, unknown>> = {
  ...DEFAULT_TRANSPORT,
  ...{ socket_timeout: 20, socket_connect_timeout: 2.5, socket_keepalive: false },
  ...{ health_check_interval: 7, client_name: "shop", heartbeat: 20, connect_timeout: 4 },
  ...{ login_method: "AMQPLAIN", frame_max: 8192, client_properties: { team: "shop" } },
  ...{ master_name: "orders", sentinel_kwargs: { password: "x", db: 1 } },
};

const URLS = { redis: "sentinel://h/0", amqp: "amqp://h//" } as const;

test("an option that acts is named where its server is another one, and not where it acts", () => {
  for (const { name, does, of } of optionsIn("options")) {
    if (does !== "acts") continue;
    const options = { master_name: "orders", [name]: SAMPLES[name] };
    assert.notEqual(SAMPLES[name], undefined, name);
    for (const kind of ["redis", "amqp"] as const) {
      const backend = kind === "redis" ? "sentinel://h/0" : "rpc://";
      const { notes } = load({ broker: URLS[kind], backend, options });
      const isNamed = notes.join().replace("sentinel_kwargs.db", "").includes(` ${name} (`);
      assert.equal(isNamed, of !== "both" && of !== kind, `${name} ${kind}: ${notes}`);
    }
  }
});

test("what says how to connect reaches the URL that is connected to, over what the URL says", () => {
  const socket = { socket_timeout: 20, socket_connect_timeout: 2.5, socket_keepalive: false };
  const { broker, backend } = load({
    broker: "redis://a/0?socket_timeout=9;redis://b/0",
    backend: "redis://c/1",
    options: { ...socket, health_check_interval: 7, client_name: "shop", max_connections: 3 },
    backendOptions: { client_name: "results" },
  }).config.connections.main!;
  const expected = {
    ...{ timeoutMs: 20_000, connectTimeoutMs: 2_500, keepAlive: false },
    ...{ healthCheckMs: 7_000, clientName: "shop" },
  };
  const { alternatives, ...first } = parseRedisUrl(broker);
  assert.deepEqual([first.socket, alternatives?.[0]?.socket], [expected, expected]);
  assert.deepEqual(parseRedisUrl(backend).socket, { clientName: "results" });

  const amqp = load({
    broker: "amqp://h//?heartbeat=5",
    options: {
      ...{ heartbeat: 20, connect_timeout: 4, login_method: "EXTERNAL", frame_max: 8192 },
      ...{ client_properties: { team: "a&b=ü" }, socket_timeout: 3, channel_max: 9 },
    },
  }).config.connections.main!;
  const { host, port, username, password, vhost, isTls, ...rest } = parseAmqpUrl(amqp.broker);
  assert.deepEqual(rest, {
    ...{ heartbeatSeconds: 20, connectTimeoutMs: 4_000, loginMethod: "EXTERNAL", frameMax: 8192 },
    clientProperties: { team: "a&b=ü" },
  });
});

test("Python's None is as good as nothing", () => {
  const names = ["socket_timeout", "socket_keepalive", "client_name", "heartbeat", "login_method"];
  const options = Object.fromEntries(names.map((name) => [name, null]));
  assert.equal(load({ options }).config.connections.main?.broker, "redis://h/0");
});

test("the names of exchanges are Celery's own unless they are said", () => {
  const names = { control_exchange: "a", event_exchange: "b", event_queue_prefix: "c" };
  const { options } = load({ options: names }).config.connections.main!;
  assert.deepEqual(options, { ...DEFAULT_TRANSPORT, ...names });
});

for (const [what, task, told] of [
  ["a longer countdown", { countdown: "2m", timeout: "3m" }, /"add" \(countdown 2m\)/],
  ["a longer timeout", { timeout: "3m" }, /"add" \(timeout 3m\)/],
  ["nothing longer", { countdown: "50s" }, null],
] as const) {
  test(`visibility_timeout with ${what}`, () => {
    const { notes, warnings } = load({ options: { visibility_timeout: 60 } }, task);
    assert.match(notes.join(), /visibility_timeout \(only workers need it\)/);
    assert.equal(warnings.length, told === null ? 0 : 1);
    if (told !== null) assert.match(warnings.join(), told);
    const onRabbitmq = load({ broker: "amqp://h", options: { visibility_timeout: 60 } }, task);
    assert.deepEqual(onRabbitmq.warnings, []);
  });
}

test("a query is named for what of it does nothing", () => {
  const { notes, warnings } = load({
    broker: "redis://h/0?retry_on_timeout=1&socket_timeout=3;redis://g/0?protocol=3",
    backend: "redis://h/0?credential_provider=app.Provider&ssl_ca_path=x",
  });
  assert.match(notes.join(), /retry_on_timeout \(nothing is sent twice\); protocol \(both/);
  assert.doesNotMatch(notes.join(), /socket_timeout/);
  assert.match(warnings.join(), /credential_provider of connection "main" has no effect here/);
  assert.match(warnings.join(), /ssl_ca_path of connection "main" has no effect here/);
});

test("a whole set of options of a real deployment is one note of check", () => {
  const directory = mkdtempSync(join(tmpdir(), "celery-load-options-"));
  try {
    const file = join(directory, "load.yml");
    const options = {
      ...{ visibility_timeout: 43_200, socket_keepalive: true, health_check_interval: 10 },
      max_retries: 3,
    };
    const backendOptions = { retry_policy: { timeout: 5.0 }, result_chord_ordered: false };
    writeFileSync(file, textOf({ options, backendOptions }), { mode: 0o600 });
    let [out, err] = ["", ""];
    const stream = (write: (text: string) => void) => ({ isTTY: false, write });
    const streams = {
      stdout: stream((text) => {
        out += text;
      }),
      stderr: stream((text) => {
        err += text;
      }),
    };
    const code = runCheck({ files: [file], jsonSchema: false, env: {}, set: [] }, streams);
    assert.equal(code, 0, err);
    assert.match(out, /visibility_timeout: 43200/);
    assert.equal(
      err.replace(file, "load.yml"),
      'Note: load.yml:1:59: Without effect in connection "main": visibility_timeout, retry_policy, result_chord_ordered (only workers need it); max_retries (a lost connection is made anew for ever, with growing pauses).\n',
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});

const REFUSED: [what: string, connection: object, told: RegExp][] = [
  [
    "a misspelt option",
    { options: { visibilty_timeout: 3 } },
    /Did you mean "visibility_timeout"\?/,
  ],
  ["an option of nobody", { options: { foo_bar_baz: 3 } }, /Known here: priority_steps, sep,/],
  ["TLS in options", { options: { ssl: { ca_certs: "x" } } }, /Write tls: \{caFile/],
  [
    "a setting in options",
    { options: { redis_socket_timeout: 3 } },
    /Did you mean "socket_timeout"\?/,
  ],
  [
    "options in options",
    { options: { broker_transport_options: {} } },
    /Write what is in it here, without this key\./,
  ],
  [
    "broker_transport_options",
    { broker_transport_options: { sep: ":" } },
    /Did you mean "options"\?/,
  ],
  ["redis_max_connections", { redis_max_connections: 3 }, /Write backendOptions: \{max_conn/],
  ["control_exchange", { control_exchange: "shop" }, /Write options: \{control_exchange: …\}/],
  ["broker_heartbeat", { broker_heartbeat: 3 }, /Write options: \{heartbeat: …\}/],
  ["a name of redis-py's", { options: { service_name: "orders" } }, /Did you mean "master_name"\?/],
  ["a database in options", { options: { db: 3 } }, /Write it in the URL\./],
  ["a unit", { options: { socket_timeout: "30s" } }, /found "30s"\. Write 30\./],
  ["GSSAPI", { options: { login_method: "GSSAPI" } }, /must be PLAIN, AMQPLAIN or EXTERNAL/],
];

for (const [what, connection, told] of REFUSED) {
  test(`refused, and told what to write: ${what}`, () => {
    assert.match(faultOf(connection), told);
  });
}

const SENTINELS = { options: { master_name: "m" } };

for (const [kind, a, b, more] of [
  ["Redis", "redis://:pw@a/0", "redis://b/0", {}],
  ["RabbitMQ", "amqp://u:pw@a//", "amqps://b/v", {}],
  ["Sentinel", "sentinel://:pw@a/0", "sentinel://b", SENTINELS],
] as const) {
  const wanted = load({ broker: `${a};${b}`, ...more }).config.connections.main?.broker;
  const ways: [how: string, value: unknown][] = [
    ["a list", [a, b]],
    ["a list in which one ends in a semicolon", [`${a};`, ` ${b} ;\n`]],
    ["a list of a list", [`${a};${b}`]],
    ["a text", `${a};${b};`],
    ["lines", `${a};\n${b};\n`],
  ];
  for (const [how, value] of ways) {
    test(`several URLs of ${kind} as ${how}`, () => {
      const { config } = load({ broker: value, ...more });
      assert.equal(config.connections.main?.broker.replace(/\s/g, ""), wanted);
    });
  }

  test(`several URLs of ${kind} in a variable and after --set`, () => {
    for (const text of [`["${a}", "${b}"]`, `${a};${b};`, ` [ '${a}','${b}' ]`]) {
      for (const options of [
        { env: { CELERY_LOAD_CONNECTIONS__MAIN__BROKER: text } },
        { overrides: [{ set: `connections.main.broker=${text}` }] },
      ]) {
        const { config } = loadTexts([textOf({ ...more, broker: "redis://x" })], options);
        assert.equal(config.connections.main?.broker, wanted);
      }
    }
  });
}

test("a list may hold files, and shows nothing of them", () => {
  const directory = mkdtempSync(join(tmpdir(), "celery-load-list-"));
  try {
    const url = join(directory, "url");
    const password = join(directory, "password");
    writeFileSync(url, "redis://:canary@a/0\n", { mode: 0o600 });
    writeFileSync(password, "can/ary\n", { mode: 0o600 });
    const broker = [{ urlFile: url }, { url: "redis://b/0", passwordFile: password }];
    const { config, effective } = load({ broker });
    assert.equal(config.connections.main?.broker, "redis://:canary@a/0;redis://:can%2Fary@b/0");
    const shown = JSON.stringify(effective(), (_, value) =>
      value instanceof Map ? [...value] : value,
    );
    assert.match(shown, /redis:\/\/:\*\*\*@a\/0;redis:\/\/:\*\*\*@b\/0/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

for (const [what, broker] of [
  ["nothing", []],
  ["a number", ["redis://a", 5]],
  ["a list", [["redis://a"]]],
] as const) {
  test(`a list of URLs with ${what} in it is refused`, () => {
    assert.match(faultOf({ broker }), /must have URLs in its list, and nothing else/);
  });
}

test("management is one URL", () => {
  assert.match(
    faultOf({ broker: "amqp://h", management: ["http://h"] }),
    /must be a URL\. Write one/,
  );
});
