import type { Refusal } from "../../control/answer.js";
import type { ReloadAnswer } from "../../control/reload-port.js";
import type { OrderAnswer } from "../../control/steering-port.js";
import { entityTag } from "./preconditions.js";
import { HttpProblem, type ProblemStatus, problemReply, type Reply } from "./problem.js";

const STATUS_OF: Readonly<Record<Refusal["refused"], ProblemStatus>> = {
  bad: 400,
  unknown: 404,
  conflict: 409,
};

/** What became of an order, as a reply. */
export function orderReply(answer: OrderAnswer): Reply {
  if (!("refused" in answer)) {
    const { isDryRun, ...rest } = answer;
    return doneReply(answer.revision, isDryRun ? { ...rest, dryRun: true } : rest);
  }
  if (answer.refused === "outdated") return outdatedReply(answer.revision);
  return problemReply(
    new HttpProblem(
      STATUS_OF[answer.refused],
      textOf(answer.faults.map(({ message }) => message)),
      {
        errors: answer.faults,
      },
    ),
  );
}

/** What became of a reload, as a reply. */
export function reloadReply(answer: ReloadAnswer): Reply {
  if (!("refused" in answer)) {
    const { isDryRun, ...rest } = answer;
    return doneReply(answer.revision, isDryRun ? { ...rest, dryRun: true } : rest);
  }
  if (answer.refused === "outdated") return outdatedReply(answer.revision);
  return problemReply(
    new HttpProblem(422, "nothing has changed: the configuration cannot be used", {
      errors: answer.faults.map(({ place, message }) => ({ path: place, message })),
    }),
  );
}

function doneReply(revision: number, body: object): Reply {
  return { status: 200, headers: { ETag: entityTag(revision) }, body };
}

function outdatedReply(revision: number): Reply {
  const message = `is not that of the present state, which is ${revision}: look again, then order`;
  return problemReply(
    new HttpProblem(412, `the revision ${message}`, {
      errors: [{ path: "If-Match", message }],
      headers: { ETag: entityTag(revision) },
    }),
  );
}

function textOf(messages: readonly string[]): string {
  return messages.join("; ");
}
