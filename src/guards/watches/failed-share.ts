import type { LedgerView } from "../../readings/ledger-view.js";
import type { GuardSubject } from "../guard-plan.js";
import { EVERY_MS, MIN_SAMPLES, Recent, WINDOW_MS } from "./recent.js";
import { known, unknown, type Watcher } from "./watch.js";

interface Ends {
  readonly failed: number;
  readonly ended: number;
}

/** Share of the tasks that ended in the last minute and failed or timed out. Of revoked and unknown ones nothing is said. */
export function watchFailedShare({ entries }: GuardSubject): Watcher {
  const recent = new Recent<Ends>(WINDOW_MS, EVERY_MS);
  return {
    look({ ledger, nowMs }) {
      const now = endsOf(ledger, entries);
      const { totals: first } = recent.look(nowMs, now);
      const ended = now.ended - first.ended;
      if (ended < MIN_SAMPLES) {
        return unknown(`only ${ended} tasks have ended in the last minute`, true);
      }
      return known((now.failed - first.failed) / ended);
    },
  };
}

function endsOf(ledger: LedgerView, entries: readonly number[]): Ends {
  let [failed, ended] = [0, 0];
  for (const entry of entries) {
    const bad = ledger.counter(entry, "failed") + ledger.counter(entry, "timedOut");
    failed += bad;
    ended += bad + ledger.counter(entry, "succeeded");
  }
  return { failed, ended };
}
