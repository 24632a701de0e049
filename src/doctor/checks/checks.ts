import { type Finding, type Level, mergeFindings } from "../advice.js";
import type { ConnectionFacts } from "../facts.js";
import { checkPriorities } from "./priorities.js";
import { checkProbes } from "./probes.js";
import { checkRateLimits } from "./rate-limits.js";
import { checkServers } from "./servers.js";
import { checkTasks } from "./tasks.js";
import { checkWorkers } from "./workers.js";

/** All that is to be said about a connection, problems first, and nothing twice. */
export function check(facts: ConnectionFacts): Finding[] {
  const checks = [
    checkServers,
    checkWorkers,
    checkTasks,
    checkPriorities,
    checkRateLimits,
    checkProbes,
  ];
  return mergeFindings(checks.flatMap((each) => each(facts))).sort(
    (a, b) => ORDER[a.level] - ORDER[b.level],
  );
}

const ORDER: Readonly<Record<Level, number>> = { problem: 0, warning: 1, note: 2 };
