import { join } from "node:path";
import { UserError } from "../../src/errors.js";
import { ensureRabbitmq, type RabbitmqPrograms, rabbitmqIn } from "../../src/setup/rabbitmq.js";
import { ensureRedis } from "../../src/setup/redis.js";
import { ensureTodaysBrokers } from "./todays-brokers.js";

/** `installed`: what is on this machine; `today`: Redis 8 and RabbitMQ 4; `valkey`: Valkey 8 and RabbitMQ 4. */
export const GENERATIONS = ["installed", "today", "valkey"] as const;
export type Generation = (typeof GENERATIONS)[number];

/**
 * The generation that tests run against unless they say which: BROKERS in the environment.
 * @throws UserError when that names none
 */
export function chosenGeneration(): Generation {
  const { BROKERS: name = "installed" } = process.env;
  const found = GENERATIONS.find((generation) => generation === name);
  if (found !== undefined) return found;
  throw new UserError(`BROKERS=${name} is none of ${GENERATIONS.join(", ")}.`);
}

/**
 * The redis-server, or what stands in its place, of a generation.
 * @throws UserError when it cannot be had here
 */
export async function redisProgram(generation = chosenGeneration()): Promise<string> {
  if (generation === "installed") return ensureRedis();
  const name = generation === "valkey" ? "valkey-server" : "redis-server";
  return join(await ensureTodaysBrokers(), name);
}

/**
 * The RabbitMQ of a generation.
 * @throws UserError when it cannot be had here
 */
export async function rabbitmqPrograms(generation = chosenGeneration()): Promise<RabbitmqPrograms> {
  if (generation === "installed") return ensureRabbitmq();
  const directory = await ensureTodaysBrokers();
  const [escript, mapper] = [join(directory, "escript"), join(directory, "epmd")];
  return { ...rabbitmqIn(directory), escript, mapper };
}
