import type { Claim, ClaimOptions } from "./claim-port.js";
import type {
  ControlOptions,
  EventStream,
  EventStreamOptions,
  ObserveOptions,
  RemoteControl,
  ServerLook,
} from "./observe-ports.js";
import type { BrokerOptions, BrokerPart, ResultsOptions, ResultsPart } from "./ports.js";
import type { SentEvents } from "./sent-events.js";

/** What speaks to one kind of broker: each opens connections of its own. */
export interface BrokerParts {
  readonly openBroker: (options: BrokerOptions) => BrokerPart;
  /** Replies that come through the broker itself (`rpc://`). */
  readonly openRpcResults: (options: ResultsOptions) => ResultsPart;
  readonly openSentEvents: (options: BrokerOptions) => SentEvents;
  readonly openControl: (options: ControlOptions) => RemoteControl;
  readonly openEvents: (options: EventStreamOptions) => EventStream;
  readonly openLook: (options: ObserveOptions) => ServerLook;
  readonly openClaim: (options: ClaimOptions) => Claim;
}
