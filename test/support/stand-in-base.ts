import { existsSync } from "node:fs";
import { appendFile, cp, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { cachePath, makeCacheDirectory } from "../../src/setup/checkout.js";
import { withInstallLock } from "../../src/setup/install-lock.js";
import { mustRun } from "../../src/setup/programs.js";
import { reportStep, reportToStderr } from "../../src/setup/report.js";
import type { Buildah } from "./buildah.js";
import { scratchFile } from "./scratch.js";

/** The release of Debian below the official image node:VERSION-bookworm-slim. */
const RELEASE = "bookworm";

/** One file, as tools that walk through the checkout must not follow the links of a whole Debian. */
const ARCHIVE = cachePath("image", `${RELEASE}.tar`);

/**
 * Makes an image that stands in for `node:VERSION-bookworm-slim`, under its name: the same Debian, by
 * debootstrap, with the Node that runs this test and its npm. It holds what npm needs to reach its
 * registry from this machine (certificates, proxies), so that the Dockerfile is built as it is.
 */
export async function makeStandInBase(buildah: Buildah): Promise<void> {
  await ensureDebian();
  const container = await buildah("make a container", "from", "scratch");
  const root = await buildah("mount the container", "mount", container);
  await mustRun("unpack Debian", "tar", ["--directory", root, "--extract", "--file", ARCHIVE]);
  await installNode(root);
  await configureNpm(root);
  await appendFile(join(root, "etc", "passwd"), "node:x:1000:1000::/home/node:/bin/bash\n");
  await appendFile(join(root, "etc", "group"), "node:x:1000:\n");
  const name = `docker.io/library/node:${process.versions.node}-${RELEASE}-slim`;
  await buildah("commit the stand-in", "commit", "--quiet", "--rm", container, name);
}

/** A minimal Debian in `.cache`, made once. */
async function ensureDebian(): Promise<void> {
  await withInstallLock(reportToStderr, async () => {
    if (existsSync(ARCHIVE)) return;
    await reportStep(reportToStderr, `Debian ${RELEASE} into ${ARCHIVE}`, makeDebian);
  });
}

async function makeDebian(): Promise<void> {
  await makeCacheDirectory("image");
  const scratch = await scratchFile("debian");
  const root = join(scratch, "root");
  try {
    // In mounts of its own: the /proc that debootstrap mounts is gone with it, whatever happens.
    const isolated = ["--mount", "--propagation", "private"];
    const debootstrap = ["debootstrap", "--variant=minbase", "--merged-usr", RELEASE, root];
    await mustRun(`make a Debian ${RELEASE}`, "unshare", [...isolated, ...debootstrap], {
      hint: "debootstrap needs deb.debian.org; a proxy is read from http_proxy.",
    });
    // What is not needed to run Node makes every layer larger.
    for (const path of [
      "var/cache/apt",
      "var/lib/apt/lists",
      "usr/share/doc",
      "usr/share/locale",
    ]) {
      await rm(join(root, path), { recursive: true, force: true });
    }
    // Renamed into place when it is complete.
    const archive = join(scratch, "debian.tar");
    await mustRun("pack Debian", "tar", ["--directory", root, "--create", "--file", archive, "."]);
    await rename(archive, ARCHIVE);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Where the official image has them. */
async function installNode(root: string): Promise<void> {
  const local = join(root, "usr", "local");
  await cp(process.execPath, join(local, "bin", "node"));
  const { stdout } = await mustRun("find npm", "npm", ["root", "--global"]);
  const npm = join(stdout.trim(), "npm");
  await cp(npm, join(local, "lib", "node_modules", "npm"), { recursive: true, dereference: true });
  await symlink("../lib/node_modules/npm/bin/npm-cli.js", join(local, "bin", "npm"));
}

/** What this machine's npm trusts and which proxies it uses; no account. */
async function configureNpm(root: string): Promise<void> {
  const lines: string[] = [];
  for (const key of ["proxy", "https-proxy", "noproxy", "strict-ssl"]) {
    const value = await npmSetting(key);
    if (value !== null) lines.push(`${key}=${value}`);
  }
  const trusted = await trustedCertificates();
  if (trusted !== null) {
    await mkdir(join(root, "etc", "ssl", "certs"), { recursive: true });
    await writeFile(join(root, "etc", "ssl", "certs", "npm.crt"), trusted);
    lines.push("cafile=/etc/ssl/certs/npm.crt");
  }
  await mkdir(join(root, "usr", "local", "etc"), { recursive: true });
  await writeFile(join(root, "usr", "local", "etc", "npmrc"), `${lines.join("\n")}\n`);
}

async function trustedCertificates(): Promise<string | null> {
  const file = await npmSetting("cafile");
  if (file !== null) return readFile(file, "utf8");
  const more = process.env.NODE_EXTRA_CA_CERTS;
  return more ? [...rootCertificates, await readFile(more, "utf8")].join("\n") : null;
}

/** A setting of this machine's npm; null when it has none. */
export async function npmSetting(key: string): Promise<string | null> {
  const { stdout } = await mustRun(`read npm's ${key}`, "npm", ["config", "get", key]);
  const value = stdout.trim();
  return value === "" || value === "null" || value === "undefined" ? null : value;
}
