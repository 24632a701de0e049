import type { Finding, Level } from "../advice.js";
import type { ConnectionFacts } from "../facts.js";
import { checkProbes } from "./probes.js";
import { checkServers } from "./servers.js";
import { checkTasks } from "./tasks.js";
import { checkWorkers } from "./workers.js";

/** All that is to be said about a connection, problems first. */
export function check(facts: ConnectionFacts): Finding[] {
  const findings = [checkServers, checkWorkers, checkTasks, checkProbes].flatMap((each) =>
    each(facts),
  );
  return findings.sort((a, b) => ORDER[a.level] - ORDER[b.level]);
}

const ORDER: Readonly<Record<Level, number>> = { problem: 0, warning: 1, note: 2 };
