import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { parseAmqpUrl } from "../../../src/celery/urls/amqp-url.js";
import { parseManagementUrl } from "../../../src/celery/urls/management-url.js";
import { parseRedisUrl } from "../../../src/celery/urls/redis-url.js";
import { withPassword } from "../../../src/celery/urls/url-password.js";
import { runCheck } from "../../../src/commands/check.js";
import { overridesOf } from "../../../src/commands/run.js";
import { type LoadOptions, loadConfig } from "../../../src/config/load.js";
import { quickForm } from "../../../src/config/sources/quick.js";
import { originAt } from "../../../src/config/sources/tree.js";
import { ConfigError } from "../../../src/errors.js";

const directory = mkdtempSync(join(tmpdir(), "celery-load-secrets-"));
after(() => rmSync(directory, { recursive: true }));

/** Written to a file of its own in the directory that all paths here start from. */
function file(name: string, content: string | Uint8Array, mode = 0o600): string {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
  return name;
}

const REST = `tasks: {add: {name: app.add, kwargs: {card: "\${CARD:-none}"}}}
scenarios: {steady: {profile: "\${RATE:-20/s}"}}
`;

function load(broker: string, options: Partial<LoadOptions> = {}, rest = REST) {
  file("load.yml", `connections: {main: {broker: ${broker}}}\n${rest}`);
  return loadConfig({ env: {}, files: ["load.yml"], cwd: directory, ...options });
}

function faultsOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return assert.fail("it was accepted");
}

const SECRET = "hunter2/@:%41 é";

test("a URL comes from a file, without the line ends at its end", () => {
  for (const end of ["", "\n", "\r\n", "\n\n"]) {
    file("broker_url", `redis://:canary@h/2${end}`);
    const { config, warnings } = load("{urlFile: broker_url}");
    assert.equal(config.connections.main?.broker, "redis://:canary@h/2");
    assert.equal(config.connections.main?.backend, "redis://:canary@h/2");
    assert.deepEqual(warnings, []);
  }
});

test("a path starts from the file that it stands in, from the environment and flags from the directory", () => {
  file("conf/secrets/url", "redis://conf");
  file("secrets/url", "redis://cwd");
  file("conf/load.yml", `connections: {main: {broker: {urlFile: secrets/url}}}\n${REST}`);
  const brokerWith = (options: Partial<LoadOptions>) =>
    loadConfig({ env: {}, files: ["conf/load.yml"], cwd: directory, ...options }).config.connections
      .main?.broker;
  assert.equal(brokerWith({}), "redis://conf");
  for (const options of [
    { env: { CELERY_LOAD_CONNECTIONS__MAIN__BROKER_FILE: "secrets/url" } },
    { env: { CELERY_LOAD_CONNECTIONS__MAIN__BROKER__URL_FILE: "secrets/url" } },
    { overrides: [{ set: "connections.main.broker.urlFile=secrets/url" }] },
  ]) {
    assert.equal(brokerWith(options), "redis://cwd", JSON.stringify(options));
  }
});

test("a password from a file is percent-encoded and put into the URL, whatever is in it", () => {
  file("pw", `${SECRET}\n`);
  const main = (text: string) => load(text).config.connections.main!;
  const redis = parseRedisUrl(main("{url: redis://h/2, passwordFile: pw}").broker);
  assert.deepEqual({ ...redis }, { host: "h", port: 6379, db: 2, password: SECRET });
  const both = main(
    "{url: amqp://load@h/shop, passwordFile: pw}, management: {url: http://load@h:15672, passwordFile: pw}",
  );
  assert.equal(parseAmqpUrl(both.broker).password, SECRET);
  assert.equal(parseManagementUrl(both.management ?? "").password, SECRET);
  const sentinel = main(
    '{url: "sentinel://a:1/0;sentinel://b:2", passwordFile: pw}, options: {master_name: m, sentinel_kwargs: {passwordFile: pw}}',
  );
  const address = parseRedisUrl(sentinel.broker);
  assert.equal(address.password, SECRET);
  assert.equal(address.sentinel?.password, SECRET);
});

test("withPassword() puts it behind the user of every URL", () => {
  for (const [url, result] of [
    ["redis://h", "redis://:p%2F@h"],
    ["redis://@h", "redis://:p%2F@h"],
    ["redis://u@h:1/2", "redis://u:p%2F@h:1/2"],
    ["redis://u:@h", "redis://u:p%2F@h"],
    ["redis://u%40:@h", "redis://u%40:p%2F@h"],
    [
      "redis+socket:///run/r.sock?virtual_host=2",
      "redis+socket://:p%2F@/run/r.sock?virtual_host=2",
    ],
    ["amqp://a@x//;amqp://b@y//", "amqp://a:p%2F@x//;amqp://b:p%2F@y//"],
  ] as const) {
    assert.equal(withPassword(url, "p/"), result);
  }
  for (const url of ["redis://u:x@h", "rpc://", "disabled", "redis://u:x@a;redis://b"]) {
    assert.throws(() => withPassword(url, "p"), /^UserError: must (be|hold)/, url);
  }
});

test("a file that cannot be used is refused with its place and what to do", () => {
  file("empty", "");
  file("newline", "\n");
  file("binary", new Uint8Array([0x72, 0x00, 0x01]));
  file("latin", new Uint8Array([0x72, 0xe9]));
  file("large", "x".repeat(64 * 1024 + 1));
  file("lines", "redis://h\nredis://i\n");
  file("other", "canary-without-a-scheme");
  file("a/file", "x");
  execFileSync("ln", ["-sf", "loop", join(directory, "loop")]);
  const named = "the file that is named here";
  for (const [path, message] of [
    [
      "./missing",
      `Cannot read the file "${directory}/missing": there is no such file. Check the path.`,
    ],
    // A bare word may be the secret itself.
    ["canary", `Cannot read ${named}: there is no such file. Check the path.`],
    ["redis://:canary@h", "Cannot read the file: this must be the path of a file, and is a URL."],
    ["a", `Cannot read ${named}: it is a directory. Name the file in it.`],
    ["a/file/x", "a part of its path is no directory. Check the path."],
    ["loop", "its symbolic links lead in a circle. Check the path."],
    ["empty", `Cannot use ${named}: it is empty. Put the value there, on one line.`],
    ["newline", "it is empty."],
    ["binary", "it is no text in UTF-8."],
    ["latin", "it is no text in UTF-8."],
    ["large", "it is larger than 64 KiB."],
    ["/dev/zero", "it is a device. Name a file."],
    ["lines", "it has more than one line."],
  ] as const) {
    for (const text of [`{urlFile: "${path}"}`, `{url: redis://h, passwordFile: "${path}"}`]) {
      const fault = faultsOf(() => load(text));
      assert.ok(fault.startsWith("load.yml:1:30: Cannot "), fault);
      assert.ok(fault.includes(message), fault);
      assert.equal(fault.split("\n").length, 1, fault);
      assert.doesNotMatch(fault, /canary/);
    }
    if (path === "lines") continue;
    const env = { CELERY_LOAD_CONNECTIONS__MAIN__BROKER_FILE: path, RATE_FILE: path };
    const [variable, reference] = faultsOf(() => load("redis://h", { env })).split("\n");
    assert.ok(
      variable?.startsWith("CELERY_LOAD_CONNECTIONS__MAIN__BROKER_FILE: Cannot "),
      variable,
    );
    assert.ok(reference?.startsWith("load.yml:3:31: Cannot "), reference);
    assert.match(reference ?? "", /It is named by RATE_FILE\.$/);
    assert.doesNotMatch(`${variable}${reference}`, /canary/);
  }
  assert.equal(
    faultsOf(() => load("{urlFile: other}")),
    `load.yml:1:40: Cannot read broker of connection "main" (from ${directory}/other): must be a URL that starts with redis://, rediss://, redis+socket://, sentinel://, amqp:// or amqps://. Write redis://host:6379/0 or amqp://user:password@host:5672/vhost.`,
  );
});

test("a file without rights for this user is refused", () => {
  file("closed", "redis://h", 0o000);
  chmodSync(directory, 0o755);
  const isRoot = process.getuid?.() === 0;
  file("load.yml", `connections: {main: {broker: {urlFile: closed}}}\n${REST}`, 0o644);
  const read = () => loadConfig({ env: {}, files: ["load.yml"], cwd: directory });
  // Root may read everything: then as somebody else.
  if (isRoot) process.seteuid?.(65_534);
  try {
    assert.match(faultsOf(read), /permission denied\. Give this user the right to read it\./);
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});

test("a mapping in the place of a URL has one of two forms", () => {
  file("pw", SECRET);
  for (const [text, message] of [
    ["{}", 'broker of connection "main": must be a URL, or have urlFile, or url and passwordFile.'],
    [
      "{urlfile: pw}",
      'key "urlfile" in broker of connection "main": there is no such key. Did you mean "urlFile"?',
    ],
    [
      "{urlFile: pw, passwordFile: pw}",
      "must have either urlFile, or url and passwordFile. Remove one.",
    ],
    [
      "{passwordFile: pw}",
      'broker.url of connection "main": it is missing, and there is a passwordFile.',
    ],
    ["{urlFile: 123456}", 'broker.urlFile of connection "main": must be text that is not empty.'],
    ["{urlFile: }", 'broker.urlFile of connection "main": must be text that is not empty.'],
    [
      "{url: redis://u:canary@h, passwordFile: pw}",
      "must hold no password, as there is a file with one. Remove one of them.",
    ],
    ["{url: rpc://, passwordFile: pw}", "must be the URL of a server"],
    [
      "redis://h, options: {sentinel_kwargs: {password: canary, passwordFile: pw}}",
      "Cannot use password and passwordFile of sentinel_kwargs together.",
    ],
  ] as const) {
    const fault = faultsOf(() => load(text));
    assert.ok(fault.includes(message), fault);
    assert.match(fault, /^load\.yml:1:\d+: Cannot /);
    assert.doesNotMatch(fault, /canary|hunter2|123456/);
  }
});

test("a file over a URL with its password is a new form, and not both", () => {
  file("pw", SECRET);
  file("broker_url", "redis://file");
  const split = "{url: redis://u@split, passwordFile: pw}";
  for (const [lower, higher, host] of [
    [split, "{urlFile: broker_url}", "file"],
    ["{urlFile: broker_url}", split, "split"],
    [split, "{url: redis://u@other}", "other"],
    [split, "redis://text", "text"],
  ] as const) {
    file("higher.yml", `connections: {main: {broker: ${higher}}}`);
    const { config } = load(lower, { files: ["load.yml", "higher.yml"] });
    assert.equal(parseRedisUrl(config.connections.main!.broker).host, host);
  }
});

test("NAME_FILE stands for NAME in a file, for CELERY_LOAD_* and for the variables of the quick form", () => {
  file("rate", "7/s\n");
  file("pw", "a%2Fb");
  const env = {
    PW_FILE: "pw",
    RATE_FILE: "rate",
    CELERY_LOAD_SEED_FILE: "seed",
    CELERY_LOAD_SCENARIOS__STEADY__MAX_IN_FLIGHT_FILE: "",
  };
  file("seed", "12\n");
  const { config, effective } = load(`"redis://:\${PW}@h/\${DB:-3}"`, { env });
  assert.equal(config.connections.main?.broker, "redis://:a%2Fb@h/3");
  assert.deepEqual(config.scenarios.steady?.profile, { kind: "constant", ratePerSecond: 7 });
  assert.equal(config.seed, 12);
  assert.deepEqual(originAt(effective(), ["seed"]), {
    kind: "environment",
    variable: "CELERY_LOAD_SEED_FILE",
  });

  file("broker_url", "amqp://file");
  file("backend_url", "rpc://");
  const quick = (flags: object, variables: Record<string, string>) =>
    loadConfig({
      files: [],
      cwd: directory,
      env: {},
      overrides: quickForm({ task: "app.add", ...flags }, variables),
    }).config.connections.main!;
  const urlFiles = {
    CELERY_BROKER_URL_FILE: "broker_url",
    CELERY_RESULT_BACKEND_FILE: "backend_url",
  };
  assert.equal(quick({}, urlFiles).broker, "amqp://file");
  assert.equal(quick({}, urlFiles).backend, "rpc://");
  assert.equal(quick({ broker: "redis://flag" }, urlFiles).backend, "redis://flag");
  assert.equal(quick({}, { CELERY_BROKER_URL_FILE: "" }).broker, "redis://127.0.0.1:6379/0");
});

test("a key of its own name is no file for the key before it", () => {
  const env = { CELERY_LOAD_CONNECTIONS__MAIN__TLS__CA_FILE: "missing.pem" };
  assert.match(
    faultsOf(() => load("rediss://h", { env })),
    /Cannot use the CA certificates "[^"]*missing\.pem": there is no such file/,
  );
});

test("both NAME and NAME_FILE are an error that names both, as in the official images", () => {
  file("rate", "7/s");
  const names = (name: string) =>
    `Cannot use ${name} and ${name}_FILE together: both are set. Unset one of them.`;
  const set = (name: string) => ({ [name]: "canary", [`${name}_FILE`]: "rate" });
  assert.equal(
    faultsOf(() => load("redis://h", { env: set("RATE") })),
    `load.yml:3:31: ${names("RATE")}`,
  );
  const key = "CELERY_LOAD_SCENARIOS__STEADY__CONNECTION";
  assert.ok(
    faultsOf(() => load("redis://h", { env: set(key) })).includes(`${key}_FILE: ${names(key)}`),
  );
  for (const name of ["CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"]) {
    const flags = { task: "app.add", files: [] };
    assert.equal(
      faultsOf(() => overridesOf(flags, set(name))),
      `${name}_FILE: ${names(name)}`,
    );
  }
  // An empty one is none, as compositions pass variables on that are not set.
  assert.doesNotThrow(() => load("redis://h", { env: { RATE: "", RATE_FILE: "rate" } }));
  assert.doesNotThrow(() => load("redis://h", { env: { RATE: "3/s", RATE_FILE: "" } }));
});

test("check says where a secret comes from and shows nothing of it but a URL without its password", () => {
  file("broker_url", "redis://load:canary@h/2");
  file("pw", "canary");
  file("rate", "7/s");
  file("hook", "https://hooks.example/services/canary");
  const written = { stdout: "", stderr: "" };
  file(
    "load.yml",
    `connections: {main: {broker: {urlFile: broker_url}}, b: {broker: {url: amqp://u@r, passwordFile: pw}}, c: {broker: "redis://u:\${PW}@h"}}
tasks: {add: {name: app.add, kwargs: {card: "no. \${PW}", hook: "http://h/\${PW}", all: "\${HOOK}"}}}
scenarios: {steady: {connection: main, profile: "\${RATE}"}}
`,
  );
  const code = runCheck(
    {
      files: [join(directory, "load.yml")],
      jsonSchema: false,
      set: [],
      env: {
        PW_FILE: join(directory, "pw"),
        RATE_FILE: join(directory, "rate"),
        HOOK_FILE: join(directory, "hook"),
      },
    },
    {
      stdout: { write: (text) => (written.stdout += text) },
      stderr: { write: (text) => (written.stderr += text) },
    },
  );
  assert.equal(code, 0, written.stderr);
  const lines = written.stdout.replaceAll(`${directory}/`, "").split("\n");
  for (const line of [
    '    broker: "redis://load:***@h/2" # load.yml:1:40, broker_url',
    '    broker: "amqp://u:***@r" # load.yml:1:72, pw',
    '    broker: "redis://u:***@h" # load.yml:1:116, PW_FILE',
    '      card: "no. ***" # load.yml:2:45, PW_FILE',
    '      hook: "http://h/***" # load.yml:2:64, PW_FILE',
    '      all: "***" # load.yml:2:87, HOOK_FILE',
    '    profile: "***" # load.yml:3:49, RATE_FILE',
  ]) {
    assert.ok(lines.includes(line), `${line}\n${written.stdout}`);
  }
  assert.doesNotMatch(`${written.stdout}${written.stderr}`, /canary/);
});

test("no fault shows what came from a file, wherever it was put", () => {
  for (const secret of [
    "canary 7",
    "canary",
    "c:a:n:a:r:y",
    "'canary'",
    "[canary",
    "98765432101",
  ]) {
    file("secret", secret);
    const places = [
      ...["SEED", "SLOS", "BUCKETS", "SEGMENT", "SERVER__LISTEN", "LIMITS__MAX_RATE"],
      ...["SCENARIOS__STEADY__PROFILE", "SCENARIOS__STEADY__MIX", "SCENARIOS__STEADY__CONNECTION"],
      ...[
        "TASKS__ADD__QUEUE",
        "TASKS__ADD__LINK",
        "TASKS__ADD__PRIORITY",
        "TASKS__ADD__SERIALIZER",
      ],
      ...["CONNECTIONS__MAIN__BROKER", "CONNECTIONS__MAIN__TLS__SERVER_NAME"],
      ...["CONNECTIONS__MAIN__ALLOW__HOSTS", "CONNECTIONS__MAIN__OPTIONS__SEP"],
    ];
    for (const place of places) {
      const env = { [`CELERY_LOAD_${place}_FILE`]: "secret" };
      try {
        load("redis://h", { env });
      } catch (error) {
        assert.ok(error instanceof ConfigError);
        assert.doesNotMatch(error.message, /canary|98765|c:a:n/, place);
      }
    }
    for (const text of ["profile", "connection", "mix", "arrival", "warmup"]) {
      const rest = `tasks: {add: {name: app.add}}\nscenarios: {steady: {profile: 1/s, ${text}: "\${X}"}}\n`;
      const once = text === "profile" ? rest.replace("profile: 1/s, ", "") : rest;
      const fault = faultsOf(() => load("redis://h", { env: { X_FILE: "secret" } }, once));
      assert.doesNotMatch(fault, /canary|98765|c:a:n/, text);
    }
  }
});

test("every user's access to a file on disk gives one warning, the group's none", (t) => {
  const isInMemory = statfsSync(directory).type === 0x01021994;
  if (isInMemory)
    return t.skip("the directory for temporary files is in memory, where no warning is given");
  for (const [mode, count] of [
    [0o600, 0],
    [0o640, 0],
    [0o644, 1],
    [0o602, 1],
  ] as const) {
    file("open", "redis://:canary@h", mode);
    const { warnings } = load("{urlFile: open}, backend: {urlFile: open}");
    assert.equal(warnings.length, count, mode.toString(8));
    for (const warning of warnings) {
      assert.equal(
        warning,
        `Every user of this machine has access to the secret in "${directory}/open". Run chmod o= on it.`,
      );
    }
  }
});

test("in memory, as Kubernetes and Docker mount secrets, mode 644 and links are as they should be", (t) => {
  let folder: string;
  try {
    folder = mkdtempSync("/dev/shm/celery-load-secrets-");
  } catch {
    return t.skip("there is no /dev/shm to write to");
  }
  try {
    mkdirSync(join(folder, "..data"));
    writeFileSync(join(folder, "..data", "url"), "redis://:canary@h", { mode: 0o644 });
    execFileSync("ln", ["-s", "..data/url", join(folder, "url")]);
    const { warnings, config } = load(`{urlFile: ${folder}/url}`);
    assert.deepEqual(warnings, []);
    assert.equal(config.connections.main?.broker, "redis://:canary@h");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
