import * as z from "zod";
import { isMapping } from "../../../mapping.js";
import type { UserStage, UsersSpec } from "../../../plan/profiles/users.js";
import {
  field,
  ReadError,
  rateMeta,
  readAt,
  readDuration,
  readEach,
  readRate,
} from "../../fields.js";
import { DURATION_PATTERN, formatDuration } from "../../quantities.js";

/** More than one daemon can have in flight, whatever they do. */
const MOST_USERS = 1_000_000;

const USERS_REMEDY = {
  remedy:
    "Write 50, [10 for 5m, 50 for 10m], or {from: 0, stages: [{to: 50, over: 10m}, {hold: 1h}]}.",
  hidesValue: true,
};
const WHOLE_USERS = { type: "integer", minimum: 0, maximum: MOST_USERS } as const;
const A_TIME = { type: "string", pattern: DURATION_PATTERN } as const;
const STEP_PATTERN = "^[0-9]+ +for +\\S+$";

const positiveRate = (description: string) =>
  field(rateMeta(description), (value) => {
    const perSecond = readRate(value);
    if (perSecond > 0) return perSecond;
    throw new ReadError("must be above 0/s", { remedy: "Write it like 10/s, or leave it out." });
  });

/** `{users: 50, spawnRate: 10/s, wait: [100ms, 500ms]}`: a closed loop, in which each user waits for its answer. */
export const usersForm = z
  .strictObject({
    users: field(
      {
        description:
          "A closed loop as Locust's: so many users, each of which starts a task, waits for its end, then for `wait`, and starts the next. A number; numbers that are held one after another, such as `[10 for 5m, 50 for 10m]`; or one that moves in straight lines, such as `{from: 0, stages: [{to: 50, over: 10m}, {hold: 1h}]}`.",
        anyOf: [
          WHOLE_USERS,
          { type: "array", minItems: 1, items: { type: "string", pattern: STEP_PATTERN } },
          {
            type: "object",
            required: ["stages"],
            additionalProperties: false,
            properties: {
              from: { ...WHOLE_USERS, description: "How many there are at the start." },
              stages: {
                type: "array",
                minItems: 1,
                description: "Stages: `{to: 50, over: 10m}` or `{hold: 1h}`.",
                items: {
                  type: "object",
                  additionalProperties: false,
                  properties: {
                    to: {
                      ...WHOLE_USERS,
                      description: "How many there are at the end of the stage.",
                    },
                    over: { ...A_TIME, description: "How long their number moves there." },
                    hold: {
                      ...A_TIME,
                      description:
                        "How long the number of the stage before is held; instead of `to` and `over`.",
                    },
                  },
                },
              },
            },
          },
        ],
        examples: [50],
      },
      readStages,
    ),
    repeat: z
      .boolean({ error: "must be true or false" })
      .meta({
        description:
          "Start again after the last step, or the last number of users, instead of ending.",
      })
      .prefault(false),
    spawnRate: positiveRate(
      "How many users come in a second, at the start and whenever there are to be more; left out: all at once. Those that are too many go when their task has ended.",
    ).optional(),
    wait: field(
      {
        description:
          "How long each user waits after its task has ended: a time, or a range such as `[100ms, 500ms]` from which each wait is drawn evenly.",
        anyOf: [
          { type: "string", pattern: DURATION_PATTERN },
          {
            type: "array",
            minItems: 2,
            maxItems: 2,
            items: { type: "string", pattern: DURATION_PATTERN },
          },
        ],
        examples: [["100ms", "500ms"], "1s"],
      },
      readWait,
    ).prefault("0s"),
    maxRate: positiveRate(
      "What all of them together start in a second at most; who would be too early waits.",
    ).optional(),
  })
  .transform(({ users, repeat, spawnRate, wait, maxRate }, context): UsersSpec => {
    if (repeat && users[0]!.durationMs === null) {
      context.addIssue({
        code: "custom",
        path: ["repeat"],
        message: "must be false or left out, as one number of users has no end to start again from",
      });
      return z.NEVER;
    }
    return {
      ...{ kind: "users", stages: users, repeat, waitMs: wait },
      spawnPerSecond: spawnRate ?? null,
      maxPerSecond: maxRate ?? null,
    };
  });

function readStages(value: unknown): readonly UserStage[] {
  if (typeof value === "number") {
    const users = usersOf(value);
    return [{ from: users, to: users, durationMs: null }];
  }
  if (Array.isArray(value) && value.length > 0)
    return readEach(value, (step, at) => readStep(step, at));
  if (isMapping(value)) return readRamp(value);
  throw new ReadError("must be a number of users", USERS_REMEDY);
}

function readStep(step: unknown, at: number): UserStage {
  const [, number, time] = /^(\d+) +for +(\S+)$/.exec(String(step)) ?? [];
  if (typeof step !== "string" || number === undefined || time === undefined) {
    throw new ReadError(
      "must be a number of users and a duration such as 50 for 10m",
      { remedy: "Write it like 50 for 10m." },
      [at],
    );
  }
  const users = readAt([at], () => usersOf(Number(number)));
  return { from: users, to: users, durationMs: readAt([at], () => readDuration(time, true)) };
}

function readRamp(value: Readonly<Record<string, unknown>>): readonly UserStage[] {
  const { from = 0, stages, ...others } = value;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined || !Array.isArray(stages) || stages.length === 0) {
    const what =
      unknown === undefined ? "must have stages" : `must have from and stages, not ${unknown}`;
    throw new ReadError(what, USERS_REMEDY);
  }
  let before = readAt(["from"], () => usersOf(from));
  return readEach(stages, (stage, index) => {
    const made = readAt(["stages", index], () => readMove(stage, before));
    before = made.to;
    return made;
  });
}

function readMove(stage: unknown, from: number): UserStage {
  const { to, over, hold, ...others } = isMapping(stage) ? stage : {};
  const isHold = hold !== undefined && to === undefined && over === undefined;
  const isMove = hold === undefined && to !== undefined && over !== undefined;
  if (!(isHold || isMove) || Object.keys(others).length > 0) {
    throw new ReadError("must have either to and over, or hold", {
      remedy: "Write {to: 50, over: 10m} or {hold: 1h}.",
      hidesValue: true,
    });
  }
  const [key, time] = isHold ? ["hold", hold] : ["over", over];
  return {
    from,
    to: isHold ? from : readAt(["to"], () => usersOf(to)),
    durationMs: readAt([key], () => readDuration(time, true)),
  };
}

function usersOf(value: unknown): number {
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MOST_USERS) {
    return Number(value);
  }
  throw new ReadError(`must be a whole number of users from 0 to ${MOST_USERS}`);
}

function readWait(value: unknown): UsersSpec["waitMs"] {
  if (!Array.isArray(value)) {
    const waitMs = readDuration(value);
    return { least: waitMs, most: waitMs };
  }
  const remedy = { remedy: "Write it like [100ms, 500ms].", hidesValue: true };
  if (value.length !== 2) throw new ReadError("must be the shortest and the longest time", remedy);
  const [least = 0, most = 0] = readEach(value, (each, at) =>
    readAt([at], () => readDuration(each)),
  );
  if (least <= most) return { least, most };
  throw new ReadError("must have the shorter time first", {
    remedy: `Write [${formatDuration(most)}, ${formatDuration(least)}].`,
    hidesValue: true,
  });
}
