import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { UserError } from "../../../src/errors.js";
import {
  CHECKOUT,
  cacheDirectory,
  cachePath,
  explainCacheError,
} from "../../../src/setup/checkout.js";

const directory = mkdtempSync(join(tmpdir(), "celery-load-cache-"));
after(() => rmSync(directory, { recursive: true }));
const checkout = join(directory, "checkout");
const installed = join(directory, "node_modules", "celery-load-exporter");
mkdirSync(join(checkout, "src"), { recursive: true });
mkdirSync(installed, { recursive: true });

const places: [what: string, of: string, env: NodeJS.ProcessEnv, expected: string][] = [
  ["a checkout has its own", checkout, { XDG_CACHE_HOME: "/x" }, join(checkout, ".cache")],
  [
    "an installed package has the user's",
    installed,
    { XDG_CACHE_HOME: "/x", HOME: "/home/u" },
    "/x/celery-load-exporter",
  ],
  [
    "which is in the home by itself",
    installed,
    { HOME: "/home/u" },
    "/home/u/.cache/celery-load-exporter",
  ],
  [
    "an empty XDG_CACHE_HOME is none",
    installed,
    { XDG_CACHE_HOME: "", HOME: "/home/u" },
    "/home/u/.cache/celery-load-exporter",
  ],
  [
    "nor is a relative one",
    installed,
    { XDG_CACHE_HOME: "x", HOME: "/home/u" },
    "/home/u/.cache/celery-load-exporter",
  ],
  [
    "without HOME it is the account's",
    installed,
    {},
    join(userInfo().homedir, ".cache", "celery-load-exporter"),
  ],
  [
    "and so with an empty one",
    installed,
    { HOME: "" },
    join(userInfo().homedir, ".cache", "celery-load-exporter"),
  ],
];
for (const [what, of, env, expected] of places) {
  test(`cacheDirectory(): ${what}`, () => assert.equal(cacheDirectory(of, env), expected));
}

test("the tests write to the cache of the checkout", () => {
  assert.equal(cachePath("pip"), join(CHECKOUT, ".cache", "pip"));
});

const faults: [code: string, path: string | undefined, expected: RegExp][] = [
  ["EACCES", cachePath("demo", "x"), /^Cannot write .*\.cache\/demo\/x: EACCES: it failed\.$/],
  ["EROFS", cachePath("python"), /^Cannot write .*\.cache\/python: EROFS: it failed\.$/],
  ["ENOSPC", undefined, /^Cannot write .*\.cache: ENOSPC: it failed\.$/],
  ["EDQUOT", "/elsewhere", /^Cannot write .*\.cache: EDQUOT: it failed\.$/],
];
for (const [code, path, expected] of faults) {
  test(`explainCacheError() says what ${code} at ${path ?? "no path"} means`, () => {
    const explained = explainCacheError(systemError(code, path));
    assert.ok(explained instanceof UserError);
    assert.match(explained.message, expected);
    assert.match(explained.hint ?? "", /Set XDG_CACHE_HOME/);
  });
}

test("explainCacheError() leaves every other error as it is", () => {
  const others = [systemError("EACCES", "/elsewhere"), new Error("a defect"), "thrown"];
  for (const error of others) assert.equal(explainCacheError(error), error);
});

function systemError(code: string, path: string | undefined): Error {
  const place = path === undefined ? "" : `, open '${path}'`;
  return Object.assign(new Error(`${code}: it failed${place}`), {
    code,
    syscall: "open",
    ...(path === undefined ? {} : { path }),
  });
}
