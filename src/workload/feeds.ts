import { type ConfigIssue, unfit } from "../config/faults/config-issue.js";
import type { EntryPlan, ScenarioPlan } from "../engine/messages.js";
import type { FeedPlan } from "../feeds/feed-plan.js";
import { createProfile, isFed } from "../plan/profile.js";

/** The scenarios whose rate follows a queue, and which one; or what is wrong with it. Pure. */
export function planFeeds(
  scenarios: readonly ScenarioPlan[],
  entries: readonly EntryPlan[],
): { readonly feeds: readonly FeedPlan[]; readonly issues: readonly ConfigIssue[] } {
  const feeds: FeedPlan[] = [];
  const issues: ConfigIssue[] = [];
  for (const [scenario, plan] of scenarios.entries()) {
    const { name, profile: spec, connection } = plan;
    if (!isFed(spec)) continue;
    const queues = [...new Set(plan.entries.map((entry) => entries[entry]!.queue))];
    const path = ["scenarios", name, "profile", spec.kind, "queue"];
    const queue = spec.queue ?? (queues.length === 1 ? queues[0]! : null);
    if (queue === null) {
      const fault = `must be named, as the tasks of the mix go to ${queues.join(" and ")}`;
      issues.push(unfit(path, fault, `Write queue: ${queues[0]}.`));
    } else if (!queues.includes(queue)) {
      const fault = `must be a queue of the mix, whose tasks go to ${queues.join(" and ")}`;
      issues.push(unfit(path, fault, `Write queue: ${queues[0]}.`));
    } else {
      const mostPerSecond = createProfile(spec).peakBy(Number.POSITIVE_INFINITY);
      feeds.push({ scenario, name, connection, queue, spec, mostPerSecond });
    }
  }
  return { feeds, issues };
}
