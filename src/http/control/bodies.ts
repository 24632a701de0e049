import * as z from "zod";
import {
  duration,
  field,
  ReadError,
  rateMeta,
  readRate,
  wholeNumber,
} from "../../config/fields.js";
import { mixField } from "../../config/scenarios/mix-field.js";
import { profileField } from "../../config/scenarios/profile-field.js";
import type { OverrideTo } from "../../control/order.js";
import { hasRate, isOrderable, type OrderableSpec } from "../../plan/profile.js";

const MAX_REASON = 500;
const MAX_SCALE = 1_000;
const MAX_BURST = 1_000_000;

const reason = z
  .string({ error: "must be text" })
  .max(MAX_REASON, { error: `must have at most ${MAX_REASON} characters` })
  .regex(/^\P{Cc}*$/u, { error: "must be one line of text without control characters" })
  .meta({ description: "Why: for the log, the events and whoever comes next." })
  .prefault("");

const ttl = duration("After so long it undoes itself; left out: never.", { positive: true })
  .optional()
  .transform((ms) => ms ?? null);

const over = (description: string) => duration(description).prefault("0s");

const WAYS = ["rate", "scale", "profile", "users", "mix"] as const;
const ONE_OF_THEM = "must have exactly one of rate, scale, profile, users and mix";

/** Exactly one of them, as the configuration writes it. */
export const overrideBody = z
  .strictObject({
    rate: field(rateMeta("So many starts a second, minute or hour."), readRate).optional(),
    scale: z
      .number({ error: "must be a number" })
      .min(0, { error: `must be from 0 to ${MAX_SCALE}` })
      .max(MAX_SCALE, { error: `must be from 0 to ${MAX_SCALE}` })
      .meta({ description: "The plan's own rate, so many times.", examples: [2] })
      .optional(),
    profile: profileField("Another profile, which begins now.")
      .transform((spec, context): OrderableSpec => {
        if (hasRate(spec) && isOrderable(spec)) return spec;
        context.addIssue(
          hasRate(spec)
            ? `must not be a ${spec.kind}, which needs more than an order says: put it into the configuration, and reload that`
            : `must have a rate: ${spec.kind} is a closed loop, which is chosen at the start`,
        );
        return z.NEVER;
      })
      .optional(),
    users: wholeNumber(0, 1_000_000, "So many users of a closed loop.").optional(),
    mix: mixField("Other weights of the scenario's tasks.").optional(),
    over: over("How long the rate moves there in a straight line; not with mix."),
    ttl,
    reason,
  })
  .superRefine((body, context) => {
    const given = WAYS.filter((way) => body[way] !== undefined);
    if (given.length !== 1) {
      const found = given.length === 0 ? "none is there" : `${given.join(" and ")} are there`;
      context.addIssue(`${ONE_OF_THEM}; ${found}`);
    }
    if (body.mix !== undefined && body.over > 0) {
      context.addIssue({
        code: "custom",
        path: ["over"],
        message: "must be left out with mix, which changes at once",
      });
    }
  })
  .meta({ oneOf: WAYS.map((way) => ({ required: [way] })) });

/** Of a body that has passed. */
export function overrideTo(body: z.output<typeof overrideBody>): OverrideTo {
  if (body.rate !== undefined) return { what: "rate", perSecond: body.rate };
  if (body.scale !== undefined) return { what: "scale", factor: body.scale };
  if (body.profile !== undefined) return { what: "profile", profile: body.profile };
  if (body.users !== undefined) return { what: "users", count: body.users };
  if (body.mix !== undefined) return { what: "mix", weights: body.mix };
  throw new ReadError(ONE_OF_THEM);
}

export const pauseBody = z.strictObject({ ttl, reason });

export const plainBody = z.strictObject({ reason });

export const burstBody = z.strictObject({
  count: wholeNumber(1, MAX_BURST, "So many starts beyond the rate."),
  over: over("Evenly spread over so long; left out: at once."),
  reason,
});

export const stopAllBody = z.strictObject({
  revoke: z
    .boolean({ error: "must be true or false" })
    .meta({ description: "What is in flight is revoked, too." })
    .prefault(false),
  reason,
});

/** What stands behind the path of every order; with a misspelt name an order would be done instead of tried. */
export const orderQuery = z.strictObject({
  dryRun: z
    .enum(["true", "false"], { error: "must be true or false" })
    .meta({ description: "true: the same answer, and nothing is changed." })
    .prefault("false"),
});

/** A DELETE has no body that one could rely on (RFC 9110, section 9.3.5). */
export const undoQuery = orderQuery.extend({ reason });
