import type { BrokerParts } from "../broker-parts.js";
import { openAmqpBroker } from "./broker.js";
import { openAmqpClaim } from "./claim.js";
import { openAmqpControl } from "./control.js";
import { openAmqpEvents } from "./events.js";
import { openAmqpLook } from "./look.js";
import { openAmqpRpcResults } from "./rpc-results.js";
import { openAmqpSentEvents } from "./sent-events.js";

/** What speaks to RabbitMQ. */
export const AMQP: BrokerParts = {
  openBroker: openAmqpBroker,
  openRpcResults: openAmqpRpcResults,
  openSentEvents: openAmqpSentEvents,
  openControl: openAmqpControl,
  openEvents: openAmqpEvents,
  openLook: openAmqpLook,
  openClaim: openAmqpClaim,
};
