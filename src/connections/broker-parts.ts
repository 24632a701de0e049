import type {
  Control,
  ControlOptions,
  EventStream,
  EventStreamOptions,
  ObserveOptions,
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
  readonly openControl: (options: ControlOptions) => Control;
  readonly openEvents: (options: EventStreamOptions) => EventStream;
  readonly openLook: (options: ObserveOptions) => ServerLook;
}
