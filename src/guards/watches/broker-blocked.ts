import type { GuardSubject } from "../guard-plan.js";
import { known, unknown, type Watcher } from "./watch.js";

/** 1 while the broker is connected and accepts nothing. */
export function watchBrokerBlocked({ connection }: GuardSubject): Watcher {
  return {
    look({ ledger }) {
      if (ledger.connection(connection!, "brokerUp") !== 1) {
        return unknown("the broker is not connected");
      }
      return known(ledger.connection(connection!, "brokerBlocked"));
    },
  };
}
