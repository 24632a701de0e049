import type { Connection } from "./ports.js";
import { openRedisConnection, type RedisConnectionOptions } from "./redis/connection.js";

/** Opens the connection that the broker URL's scheme asks for: the only place that lists them. */
export function openConnection(options: RedisConnectionOptions): Connection {
  // The configuration has refused every scheme that is not Redis'.
  return openRedisConnection(options);
}
