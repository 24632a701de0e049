import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { type ServerProcess, startServerProcess } from "../../src/setup/server-process.js";
import { buildahIn } from "./buildah.js";
import { scratchFile } from "./scratch.js";
import { makeStandInBase, npmSetting } from "./stand-in-base.js";
import { waitUntil } from "./wait-until.js";

/** An image that was built from the Dockerfile. */
export interface Image {
  /** Its files, unpacked. */
  readonly root: string;
  readonly config: ImageConfig;
}

/** What the image says about how to run it, in Docker's words. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly ExposedPorts: Readonly<Record<string, unknown>>;
  readonly Healthcheck: { readonly Test: readonly string[] };
  readonly Labels: Readonly<Record<string, string>>;
}

/** Builds the repository's Dockerfile, unchanged, with these build arguments. */
export async function buildImage(buildArgs: Readonly<Record<string, string>>): Promise<Image> {
  const buildah = await buildahIn(await scratchFile("buildah"));
  await makeStandInBase(buildah);
  const registry = await npmSetting("registry");
  const given = {
    NODE_VERSION: process.versions.node,
    ...(registry === null ? {} : { NPM_CONFIG_REGISTRY: registry }),
    ...buildArgs,
  };
  await buildah(
    "build the Dockerfile",
    ...["build", "--pull-never", "--layers=false", "--file", join(CHECKOUT, "Dockerfile")],
    // The OCI format has no health checks.
    ...["--format", "docker", "--tag", "celery-load"],
    ...Object.entries(given).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
    CHECKOUT,
  );
  const inspected = await buildah("inspect the image", "inspect", "--type=image", "celery-load");
  const container = await buildah("make a container", "from", "--pull-never", "celery-load");
  return {
    root: await buildah("mount the container", "mount", container),
    config: (JSON.parse(inspected) as { Docker: { config: ImageConfig } }).Docker.config,
  };
}

export interface ContainerOptions {
  /** Default: the image's. */
  readonly command?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Files of this machine by their path in the container. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Container {
  readonly server: ServerProcess;
  /** Process 1 of the container, by its number outside of it. */
  readonly pid: number;
}

/**
 * Runs an image as docker-compose.yml does, without an engine: as process 1, with the image's user, no
 * capabilities, no new privileges, and a root that cannot be written. The network is this machine's.
 */
export async function startContainer(image: Image, options: ContainerOptions): Promise<Container> {
  const { Entrypoint, Cmd } = image.config;
  const words = [...Entrypoint, ...(options.command ?? Cmd)];
  const mounts: string[] = [];
  for (const [target, source] of Object.entries(options.files)) {
    const place = join(image.root, target);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, "");
    mounts.push(source, place);
  }
  const logFile = await scratchFile("container.log");
  const server = await startServerProcess({
    name: "The container",
    program: "unshare",
    args: [
      ...["--pid", "--fork", "--kill-child", "--mount", "--propagation", "private"],
      ...["/bin/sh", "-c", CONTAINER_SCRIPT, "container", image.root, image.config.User],
      ...[...mounts, "--", ...words],
    ],
    env: environmentOf(image, options.env),
    stdoutFile: logFile,
    stderrFile: logFile,
  });
  return { server, pid: await onlyChildOf(server) };
}

/** Runs the image's health check in it; returns its exit code. */
export async function checkHealth(image: Image, port: number): Promise<number | null> {
  const [kind, ...words] = image.config.Healthcheck.Test;
  if (kind !== "CMD") throw new Error(`Cannot run a health check of the kind ${kind}`);
  const [exposed = ""] = Object.keys(image.config.ExposedPorts)[0]?.split("/") ?? [];
  const server = await startServerProcess({
    name: "The health check",
    program: "chroot",
    args: [
      `--userspec=${image.config.User}`,
      image.root,
      ...words.map((word) => word.replace(exposed, String(port))),
    ],
    env: environmentOf(image, {}),
  });
  return (await server.ended()).code;
}

const CONTAINER_SCRIPT = `set -eu
root=$1 user=$2; shift 2
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do mount --bind "$1" "$2"; mount -o remount,bind,ro "$2"; shift 2; done
shift
mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --reuid="\${user%:*}" --regid="\${user#*:}" --clear-groups \\
  --no-new-privs --inh-caps=-all --bounding-set=-all -- "$@"
`;

function environmentOf(image: Image, more: Readonly<Record<string, string>>) {
  const own = image.config.Env.map((pair) => pair.split(/=(.*)/s).slice(0, 2) as [string, string]);
  return { ...Object.fromEntries(own), ...more };
}

/** The process that `unshare` forked. */
async function onlyChildOf(server: ServerProcess): Promise<number> {
  const { pid } = server;
  const children = async () =>
    (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ").filter(Boolean);
  const hasOne = async () => server.exit() !== null || (await children()).length === 1;
  await waitUntil(hasOne, 10_000, "the container's process 1");
  if (server.exit() !== null) throw new Error(`The container ended at once: ${server.output()}`);
  return Number((await children())[0]);
}
