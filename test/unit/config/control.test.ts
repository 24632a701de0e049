import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { overridesOf } from "../../../src/commands/run.js";
import { type LoadOptions, loadConfig } from "../../../src/config/load.js";
import { printEffective } from "../../../src/config/print/print.js";
import { ConfigError } from "../../../src/errors.js";
import { HEAD, SCENARIO } from "./configurations.js";

const directory = mkdtempSync(join(tmpdir(), "celery-load-control-"));
after(() => rmSync(directory, { recursive: true }));

const TOKEN = "canary-0123456789abcdef";
writeFileSync(join(directory, "token"), `${TOKEN}\n`, { mode: 0o600 });
writeFileSync(join(directory, "short"), "canary-short", { mode: 0o600 });
writeFileSync(join(directory, "strange"), "canary with blanks in it", { mode: 0o600 });
writeFileSync(join(directory, "lines"), `${TOKEN}\n${TOKEN}\n`, { mode: 0o600 });

function load(control: string, options: Partial<LoadOptions> = {}) {
  const text = `${HEAD}${SCENARIO}${control === "" ? "" : `control: ${control}\n`}`;
  writeFileSync(join(directory, "load.yml"), text, { mode: 0o600 });
  return loadConfig({ env: {}, files: ["load.yml"], cwd: directory, ...options });
}

const GOOD: readonly (readonly [string, unknown])[] = [
  ["", { listen: { host: "127.0.0.1", port: 9810 }, isListenChosen: false, token: null }],
  ["{}", { listen: { host: "127.0.0.1", port: 9810 }, isListenChosen: false, token: null }],
  ["{listen: off}", { listen: null, isListenChosen: true, token: null }],
  ["{listen: false}", { listen: null, isListenChosen: true, token: null }],
  [
    '{listen: "127.0.0.1:0"}',
    { listen: { host: "127.0.0.1", port: 0 }, isListenChosen: true, token: null },
  ],
  ['{listen: "[::1]:9"}', { listen: { host: "::1", port: 9 }, isListenChosen: true, token: null }],
  [
    '{listen: ":9810", tokenFile: token}',
    { listen: { host: "0.0.0.0", port: 9810 }, isListenChosen: true, token: TOKEN },
  ],
  [
    "{tokenFile: ./token}",
    { listen: { host: "127.0.0.1", port: 9810 }, isListenChosen: false, token: TOKEN },
  ],
];
for (const [text, control] of GOOD) {
  test(`control: ${text || "nothing"} is read`, () => {
    assert.deepEqual(load(text).config.control, control);
  });
}

const BAD: readonly (readonly [string, string])[] = [
  [
    "{listen: 0.0.0.0:9810}",
    'load.yml:13:19: Cannot read control.listen: must be on loopback, as there is no control.tokenFile; found "0.0.0.0:9810". Write 127.0.0.1:9810, or name the file of a token: tokenFile: token.',
  ],
  [
    "{listen: load.example.com:9810}",
    "load.yml:13:19: Cannot read control.listen: must be on loop",
  ],
  ["{listen: 9810}", "load.yml:13:19: Cannot read control.listen: must be host:port such as"],
  ["{tokenFile: short}", "must name a file with a token of at least 16 characters. Make one"],
  ["{tokenFile: strange}", "must name a file with a token of letters, digits and"],
  ["{tokenFile: lines}", "it has more than one line"],
  ["{tokenFile: nowhere}", "Cannot read the file that is named here: there is no such file"],
  ["{tokenFile: [token]}", "must be the path of a file"],
  [
    "{token: canary}",
    'Cannot read key "token" in control: there is no such key. Did you mean "tokenFile"?',
  ],
  [
    "9810",
    "Cannot read control: must be a mapping; found 9810. Write control: {listen: 127.0.0.1:9810}.",
  ],
];
for (const [text, message] of BAD) {
  test(`control: ${text} is refused`, () => {
    assert.throws(
      () => load(text),
      (error) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.equal(error.exitCode, 104);
        assert.ok(error.message.includes(message), error.message);
        assert.doesNotMatch(error.message, /canary/);
        assert.equal(error.faults.length, 1);
        return true;
      },
    );
  });
}

test("the token is shown nowhere, its file is", () => {
  const { effective } = load("{tokenFile: token}");
  const text = [...printEffective(effective())].join("");
  assert.doesNotMatch(text, /canary-0/);
  assert.match(text, /tokenFile: token # load\.yml:13:22/);
});

test("--control, the environment and --set say where orders are taken", () => {
  const listenOf = (options: Partial<LoadOptions>) => load("", options).config.control;
  const flags = { files: ["load.yml"], control: ":0", set: [], logLevel: "info" };
  const variables = {
    CELERY_LOAD_CONTROL__TOKEN_FILE: "token",
    CELERY_LOAD_CONTROL__LISTEN: "0.0.0.0:1",
  };
  assert.deepEqual(listenOf({ overrides: [{ set: "control.listen=off" }] }).listen, null);
  assert.deepEqual(listenOf({ env: variables }), {
    ...{ listen: { host: "0.0.0.0", port: 1 }, isListenChosen: true, token: TOKEN },
  });
  assert.throws(() => listenOf({ overrides: overridesOf(flags, {}) }), /--control: .*loopback/);
  const off = overridesOf({ ...flags, control: "off" }, {});
  assert.equal(listenOf({ overrides: off }).listen, null);
});

test("the variables of ctl are no configuration", () => {
  const env = { CELERY_LOAD_CONTROL_URL: "http://x", CELERY_LOAD_CONTROL_TOKEN_FILE: "nowhere" };
  assert.equal(load("", { env }).config.control.token, null);
});
