import { isMapping } from "../../mapping.js";
import { type FieldMeta, field, ReadError, readEach } from "../fields.js";

/** A task of the configuration as a member of a workflow. */
export interface MemberRef {
  /** Its key in `tasks`. */
  readonly task: string;
  /** True: the result of what ran before is not put in front of its arguments. */
  readonly isImmutable: boolean;
}

const MEMBER = {
  anyOf: [{ type: "string" }, { type: "object", required: ["task"], maxProperties: 2 }],
};
const MEMBERS = { type: "array", items: MEMBER, minItems: 1 };
const REMEDY = { remedy: "Write [resize, thumb].", hidesValue: true };

/** Tasks that run side by side, or callbacks: `[resize, {task: store, immutable: true}]`. */
export function membersField(description: string) {
  const meta: FieldMeta = { description, ...MEMBERS, examples: [["resize", "thumb"]] };
  return field(meta, (value) => readMembers(value, []));
}

/** Stages of a chain: a task each, the last or first one also `{group: [resize, thumb]}`. */
export function chainField(description: string) {
  const group = { type: "object", required: ["group"], maxProperties: 1 };
  const meta: FieldMeta = {
    description,
    type: "array",
    items: { anyOf: [...MEMBER.anyOf, group] },
    minItems: 1,
    examples: [["resize", { task: "store", immutable: true }]],
  };
  return field(meta, (value) => {
    const steps = readList(value, []);
    const stages = readEach(steps, (step, index) =>
      isMapping(step) && "group" in step ? readGroup(step, [index]) : [readMember(step, [index])],
    );
    for (const [index, stage] of stages.entries()) {
      const isInside = index > 0 && index < stages.length - 1;
      const followsGroup = index > 0 && stages[index - 1]!.length > 1;
      if (stage.length > 1 && (isInside || followsGroup)) {
        const remedy = "Put the group first or last, and one task between two groups.";
        throw new ReadError("must not be a group here", { remedy, hidesValue: true }, [index]);
      }
    }
    return stages;
  });
}

/** `{header: [resize, thumb], body: collect}`. */
export function chordField(description: string) {
  const meta: FieldMeta = {
    description,
    type: "object",
    required: ["header", "body"],
    maxProperties: 2,
    examples: [{ header: ["resize", "thumb"], body: "collect" }],
  };
  return field(meta, (value) => {
    const remedy = { remedy: "Write {header: [resize, thumb], body: collect}.", hidesValue: true };
    if (!isMapping(value)) throw new ReadError("must be a mapping of header and body", remedy);
    const { header, body, ...others } = value;
    refuseOthers(others, ["header", "body"], []);
    if (header === undefined || body === undefined) {
      throw new ReadError("must have a header and a body", remedy);
    }
    return [readMembers(header, ["header"]), [readMember(body, ["body"])]];
  });
}

type Steps = readonly (string | number)[];

function readGroup(step: Readonly<Record<string, unknown>>, path: Steps): MemberRef[] {
  const { group, ...others } = step;
  refuseOthers(others, ["group"], path);
  return readMembers(group, [...path, "group"]);
}

function readMembers(value: unknown, path: Steps): MemberRef[] {
  return readEach(readList(value, path), (item, index) => readMember(item, [...path, index]));
}

/** More would make one start a load of its own. */
const MOST_MEMBERS = 100;

function readList(value: unknown, path: Steps): unknown[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new ReadError("must be a list of at least one task", REMEDY, path);
  }
  if (value.length > MOST_MEMBERS) {
    throw new ReadError(`must have at most ${MOST_MEMBERS} members`, { hidesValue: true }, path);
  }
  return value;
}

function readMember(value: unknown, path: Steps): MemberRef {
  if (typeof value === "string") return { task: value, isImmutable: false };
  const remedy = { remedy: "Write resize, or {task: resize, immutable: true}." };
  if (!isMapping(value)) throw new ReadError("must be the key of a task", remedy, path);
  const { task, immutable = false, ...others } = value;
  refuseOthers(others, ["task", "immutable"], path);
  if (typeof task !== "string" || typeof immutable !== "boolean") {
    throw new ReadError("must be the key of a task", { ...remedy, hidesValue: true }, path);
  }
  return { task, isImmutable: immutable };
}

function refuseOthers(others: object, known: readonly string[], path: Steps): void {
  const [other] = Object.keys(others);
  if (other === undefined) return;
  const remedy = `Known here: ${known.join(", ")}.`;
  throw new ReadError("there is no such key", { remedy, hidesValue: true }, [...path, other]);
}
