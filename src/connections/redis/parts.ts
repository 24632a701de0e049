import type { BrokerParts } from "../broker-parts.js";
import { openRedisBroker } from "./broker.js";
import { openRedisClaim } from "./claim.js";
import { openRedisControl } from "./control.js";
import { openRedisEvents } from "./events.js";
import { openRedisLook } from "./look.js";
import { openRedisRpcResults } from "./rpc-results.js";
import { openRedisSentEvents } from "./sent-events.js";

/** What speaks to Redis. */
export const REDIS: BrokerParts = {
  openBroker: openRedisBroker,
  openRpcResults: openRedisRpcResults,
  openSentEvents: openRedisSentEvents,
  openControl: openRedisControl,
  openEvents: openRedisEvents,
  openLook: openRedisLook,
  openClaim: openRedisClaim,
};
