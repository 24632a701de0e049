/*
 * A file that is no configuration may be all secrets, and so may a value of one that YAML takes for something else: of
 * neither is any text shown, by the library and by the command.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadConfig } from "../../../src/config/load.js";
import { ConfigError } from "../../../src/errors.js";
import { celeryLoad } from "../../support/command.js";

const directory = mkdtempSync(join(tmpdir(), "celery-load-other-"));
after(() => rmSync(directory, { recursive: true }));

/** What must not be shown. */
const SECRET = /canary|CANARY/;
const ANOTHER = /^load\.yml:1:1: Cannot read the configuration: this file is another one/;
const NO_MAPPING = /^load\.yml:\d:1: Cannot read the configuration: must be a mapping; found/;
const NO_YAML = /^load\.yml:\d+:\d+: Cannot (read|find|follow) /;

const OTHER: readonly (readonly [what: string, text: string | Uint8Array, fault: RegExp])[] = [
  ["shadow", "root:$6$canary:19000:0:99999:7:::\ndaemon:*:1:0:9:7:::\n", ANOTHER],
  ["a shadow file of one line", "root:$6$canary:19000:0:99999:7:::\n", ANOTHER],
  ["passwd", "root:x:0:0:canary:/root:/bin/sh\nuser:x:1:1::/:/bin/sh\n", NO_MAPPING],
  [
    "a private key",
    "-----BEGIN PRIVATE KEY-----\nMIICANARYcanary==\n-----END PRIVATE KEY-----\n",
    NO_MAPPING,
  ],
  ["variables", "A=canary\nURL=redis://:canary@h/0\n", NO_MAPPING],
  ["variables with a colon", 'A=canary\nB="canary: canary"\n', NO_YAML],
  ["exported variables", "export TOKEN=canary\n", NO_MAPPING],
  ["JSON of a service account", '{"type": "a", "private_key": "canary", "canary": 1}', ANOTHER],
  ["YAML of somebody else", "db:\n  password: canary\ncanary: x\n", ANOTHER],
  ["keys that are there twice", "canary: 1\ncanary: 2\n", ANOTHER],
  ["a tag", "pw: !canary x\n", ANOTHER],
  ["an alias", "pw: *canary\n", ANOTHER],
  ["numbers beyond 2^53", "canary: 99999999999999999999\n", ANOTHER],
  ["a list", "- canary\n- canary: x\n", NO_MAPPING],
  ["one word", "canary\n", NO_MAPPING],
  ["an INI file", "[default]\nsecret = canary\n", NO_YAML],
  ["netrc", "machine h login u password canary\n", NO_MAPPING],
  ["pgpass", "h:5432:db:u:canary\n", NO_MAPPING],
  ["a script", "#!/bin/sh\nlogin --password canary\n", NO_MAPPING],
  ["a list of passwords with colons", "a: b: canary\n", NO_YAML],
  ["a manifest", "apiVersion: v1\nkind: Secret\ndata: {canary: canary}\n", ANOTHER],
  ["bytes", Uint8Array.of(0x63, 0x61, 0xff, 0x00, 0x80), /it is not UTF-8/],
  ["bytes that are text", Uint8Array.of(0, 1, 2, 0x63, 0x61, 0x6e, 0x61, 0x72, 0x79), NO_MAPPING],
];

const OURS = "tasks: {add: {name: app.add}}\nscenarios: {steady: {profile: 20/s}}\n";
const connection = (more: string) => `connections: {main: {${more}}}\n${OURS}`;
const NO_ANCHOR = /^load\.yml:1:\d+: Cannot find the anchor of this alias\. Define/;
const NO_TAG = /^load\.yml:1:\d+: Cannot read this tag: no such tag\./;

const VALUES: readonly (readonly [what: string, text: string, fault: RegExp])[] = [
  ["a password with *", connection("broker: redis://h, password: *canary"), NO_ANCHOR],
  ["a URL with *", connection("broker: *canary@h"), NO_ANCHOR],
  ["a part of a URL with *", connection("broker: *canary:canary@h/0"), NO_ANCHOR],
  ["an argument with *", `${connection("broker: redis://h")}x-a: [*canary]\n`, /anchor/],
  ["a password with !", connection("broker: redis://h, password: !canary x"), NO_TAG],
  ["a password with !!", connection("broker: redis://h, password: !!canary x"), NO_TAG],
  ["a password with !<>", connection("broker: redis://h, password: !<canary> x"), NO_TAG],
];

for (const [what, text, fault] of [...OTHER, ...VALUES]) {
  test(`nothing is shown of ${what}`, () => {
    writeFileSync(join(directory, "load.yml"), text, { mode: 0o600 });
    assert.throws(
      () => loadConfig({ files: ["load.yml"], env: {}, cwd: directory }),
      (error) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.match(error.message, fault);
        assert.doesNotMatch(error.message, SECRET);
        return true;
      },
    );
  });
}

const TYPED: readonly (readonly [text: string, fault: RegExp])[] = [
  ["conections: {main: {broker: redis://h}}\n", /Did you mean "?connections/],
  ["broker: redis://h\nfoo: 1\n", /key "foo"/],
  ["seed: 1\nfoo: 1\n", /key "foo"/],
  ["x-mine: 1\nfoo: 1\n", /key "foo"/],
  ["x-base: &base {a: 1}\nx-b: *bsae\n", /Did you mean \*base\?/],
];

for (const [text, fault] of TYPED) {
  test(`what is meant for us is told with its mistake: ${JSON.stringify(text)}`, () => {
    writeFileSync(join(directory, "load.yml"), text, { mode: 0o600 });
    assert.throws(() => loadConfig({ files: ["load.yml"], env: {}, cwd: directory }), fault);
  });
}

test("the commands show nothing of it either", async () => {
  const cases = [OTHER[0]!, OTHER[3]!, OTHER[4]!, OTHER[7]!, OTHER[21]!, VALUES[1]!, VALUES[4]!];
  for (const [what, text] of cases) {
    writeFileSync(join(directory, "load.yml"), text, { mode: 0o600 });
    for (const command of ["check", "run", "plan", "doctor"]) {
      const { code, stdout, stderr } = await celeryLoad([command, "load.yml"], { cwd: directory });
      assert.equal(code, 104, `${command} ${what}: ${stderr}`);
      assert.doesNotMatch(stdout + stderr, SECRET, `${command} ${what}`);
    }
  }
});
