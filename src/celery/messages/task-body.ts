import { UserError } from "../../errors.js";
import { validateTemplates } from "./arguments.js";
import { type BodySources, type CompiledText, compileText, Filled } from "./body-text.js";
import { pythonRepr } from "./repr.js";
import { assertSurvivableBody } from "./survivable.js";

/** The body of a task's messages, ready to be filled in. */
export interface CompiledBody extends CompiledText {
  /** For the headers of the same names; templates are shown as they are written. */
  readonly argsrepr: string;
  readonly kwargsrepr: string;
}

/** What follows on a task, as signatures (`celery/canvas.py`). */
export interface Embed {
  readonly callbacks: readonly unknown[] | null;
  readonly errbacks: readonly unknown[] | null;
  readonly chain: readonly unknown[] | null;
  readonly chord: unknown;
}

export const NOTHING_EMBEDDED: Embed = {
  callbacks: null,
  errbacks: null,
  chain: null,
  chord: null,
};

/** What the body says of the task. Version 1 of the protocol puts there what version 2 has in headers. */
export interface BodySpec {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly embed: Embed;
  readonly protocol: 1 | 2;
  readonly hasEta: boolean;
  readonly expiresMs: number | null;
  readonly retries: number;
  readonly timeLimitSeconds: number | null;
  readonly softTimeLimitSeconds: number | null;
}

/**
 * Prepares the body of a task message: `[args, kwargs, embed]`, or one object in version 1
 * (`celery/app/amqp.py as_task_v2, as_task_v1`).
 *
 * @throws UserError for what `validateTemplates` finds, and for a file without lines
 */
export function compileBody(spec: BodySpec, sources: BodySources): CompiledBody {
  refuseFaults(spec.args, spec.kwargs);
  const { args, kwargs, embed, protocol } = spec;
  const value = protocol === 1 ? bodyOfVersion1(spec) : [args, kwargs, embed];
  assertSurvivableBody(value, protocol);
  return {
    ...compileText(value, sources),
    argsrepr: pythonRepr(args, "tuple"),
    kwargsrepr: pythonRepr(kwargs),
  };
}

/** The same of arguments that are given as text when a message is made, in version 2 of the protocol. */
export function compileGivenBody(embed: Embed, sources: BodySources): CompiledBody {
  const rest = compileText(embed, sources);
  return {
    isStatic: false,
    render: (context) => `[${context.given}, ${rest.render(context)}]`,
    // As Celery shortens what is too long to be shown (`celery/utils/saferepr.py`).
    argsrepr: "(...)",
    kwargsrepr: "{...}",
  };
}

function bodyOfVersion1(spec: BodySpec): Record<string, unknown> {
  return {
    task: spec.name,
    id: new Filled(({ id }) => id),
    args: spec.args,
    kwargs: spec.kwargs,
    group: null,
    group_index: null,
    retries: spec.retries,
    eta: spec.hasEta ? new Filled(({ eta }) => eta) : null,
    expires: spec.expiresMs === null ? null : new Filled(({ expires }) => expires),
    utc: true,
    callbacks: spec.embed.callbacks,
    errbacks: spec.embed.errbacks,
    timelimit: [spec.timeLimitSeconds, spec.softTimeLimitSeconds],
    taskset: null,
    chord: null,
  };
}

function refuseFaults(args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>): void {
  const faults = validateTemplates({ args, kwargs });
  if (faults.length === 0) return;
  const lines = faults.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new UserError(`Cannot make a message body:\n${lines.join("\n")}`);
}
