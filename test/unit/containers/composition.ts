import { existsSync } from "node:fs";
import { parse } from "yaml";
import { repository, repositoryText } from "../dashboards/classic-board.js";

/** The part of docker-compose.yml that the tests look at. */
export interface Composition {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

export interface Service {
  readonly profiles: readonly string[];
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile?: string };
  readonly command?: readonly string[];
  readonly user?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks?: { readonly default: { readonly aliases: readonly string[] } };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
  readonly restart?: string;
  readonly mem_limit?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

/** The alternatives of the composition: one broker each. */
export const PROFILES = ["redis", "rabbitmq"] as const;

export const composition = yamlOf<Composition>("docker-compose.yml");

/** Reads a YAML file of the repository; `<<` merges, as Compose does it. */
export function yamlOf<Shape>(path: string): Shape {
  return parse(repositoryText(path), { merge: true }) as Shape;
}

/** The services of a profile by name. */
export function servicesOf(profile: string): Record<string, Service> {
  return Object.fromEntries(
    Object.entries(composition.services).filter(([, { profiles }]) => profiles.includes(profile)),
  );
}

/** The service of a profile that other containers find under a name: its own, or an alias. */
export function serviceAt(profile: string, host: string): Service | undefined {
  const found = Object.entries(servicesOf(profile)).filter(
    ([name, { networks }]) => name === host || networks?.default.aliases.includes(host),
  );
  if (found.length > 1) throw new Error(`${found.map(([name]) => name)} all answer to ${host}`);
  return found[0]?.[1];
}

export interface Mount {
  /** "./path" in the repository, or the name of a volume. */
  readonly source: string;
  readonly target: string;
  readonly mode: string;
}

export function mountsOf(service: Service): Mount[] {
  return (service.volumes ?? []).map((volume) => {
    const [source = "", target = "", mode = "rw"] = volume.split(":");
    return { source, target, mode };
  });
}

export function inRepository(path: string): boolean {
  return existsSync(new URL(path, repository));
}

/** The part of an image that its Dockerfile sets. */
export interface ImageSettings {
  readonly command: readonly string[];
  readonly entrypoint: readonly string[];
  readonly port: number;
  readonly user: string;
}

/** What the last stage of the repository's Dockerfile sets. */
export function dockerfileSettings(): ImageSettings {
  const text = repositoryText("Dockerfile");
  const last = text.slice(text.lastIndexOf("\nFROM "));
  const words = (instruction: string) =>
    JSON.parse(new RegExp(`^${instruction} (\\[.*\\])$`, "m").exec(last)?.[1] ?? "[]") as string[];
  return {
    command: words("CMD"),
    entrypoint: words("ENTRYPOINT"),
    port: Number(/^EXPOSE (\d+)$/m.exec(last)?.[1]),
    user: /^USER (.+)$/m.exec(last)?.[1] ?? "root",
  };
}

/** Milliseconds of a duration such as 45s, in Compose, Prometheus and systemd. */
export function durationMs(text: string): number {
  const [, count, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  if (count === undefined) throw new Error(`Not a duration: ${text}`);
  return Number(count) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as "s"];
}
