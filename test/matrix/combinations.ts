import { UserError } from "../../src/errors.js";
import type { Generation } from "../support/brokers.js";

/** Oldest first. Of each the environment has one release: see requirements-*.txt; 5.2 is Debian's. */
export const CELERY_SERIES = ["5.2", "5.3", "5.4", "5.5", "5.6", "5.7"] as const;
/** Without a number: whatever this machine has installed. */
export const BROKERS = ["redis", "redis8", "valkey8", "rabbitmq", "rabbitmq4"] as const;
/** The two things that Celery knows them as. */
export const FAMILIES = ["redis", "rabbitmq"] as const;
export const BACKENDS = ["redis", "rpc"] as const;
export const POOLS = ["prefork", "threads", "gevent", "solo"] as const;

export type CelerySeries = (typeof CELERY_SERIES)[number];
export type Broker = (typeof BROKERS)[number];
export type Family = (typeof FAMILIES)[number];
export type Backend = (typeof BACKENDS)[number];
export type Pool = (typeof POOLS)[number];

/** Which server a broker is, and which one keeps the results of the backend `redis` beside it. */
export const SERVERS: Readonly<
  Record<
    Broker,
    {
      readonly product: string;
      readonly family: Family;
      readonly generation: Generation;
      readonly results: Broker;
    }
  >
> = {
  redis: { product: "Redis", family: "redis", generation: "installed", results: "redis" },
  redis8: { product: "Redis", family: "redis", generation: "today", results: "redis8" },
  valkey8: { product: "Valkey", family: "redis", generation: "valkey", results: "valkey8" },
  rabbitmq: { product: "RabbitMQ", family: "rabbitmq", generation: "installed", results: "redis" },
  rabbitmq4: { product: "RabbitMQ", family: "rabbitmq", generation: "today", results: "redis8" },
};

/** What a Celery deployment consists of, as far as the daemon may notice. A cell of the matrix. */
export interface Combination {
  readonly celery: CelerySeries;
  readonly broker: Broker;
  readonly backend: Backend;
  readonly pool: Pool;
}

/** Lists of what to run, as typed: "5.4,5.7", "threads". Left out means all. */
export interface Choice {
  readonly celery?: string | undefined;
  readonly broker?: string | undefined;
  readonly backend?: string | undefined;
  readonly pool?: string | undefined;
}

/**
 * The combinations that are to run, version by version.
 * @throws UserError for a word that names nothing
 */
export function chooseCombinations(choice: Choice): Combination[] {
  const pools = chosen("pool", choice.pool, POOLS);
  const backends = chosen("backend", choice.backend, BACKENDS);
  const brokers = chosen("broker", choice.broker, BROKERS);
  return chosen("celery", choice.celery, CELERY_SERIES).flatMap((celery) =>
    brokers.flatMap((broker) =>
      backends.flatMap((backend) => pools.map((pool) => ({ celery, broker, backend, pool }))),
    ),
  );
}

/** A name for queues, files and progress: "5.4-rabbitmq-rpc-threads". */
export function nameOf({ celery, broker, backend, pool }: Combination): string {
  return `${celery}-${broker}-${backend}-${pool}`;
}

function chosen<T extends string>(
  flag: keyof Choice,
  text: string | undefined,
  all: readonly T[],
): T[] {
  if (text === undefined) return [...all];
  const words = text.split(",").map((word) => word.trim());
  for (const word of words) {
    if ((all as readonly string[]).includes(word)) continue;
    throw new UserError(`--${flag}: "${word}" is none of ${all.join(", ")}.`, {
      hint: `Write one or more of them with commas between: --${flag} ${all.slice(0, 2).join(",")}`,
    });
  }
  return all.filter((value) => words.includes(value));
}
