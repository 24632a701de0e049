import { isMsgpackMap, readMsgpack } from "./msgpack-reader.js";
import { isPickle, readPickle } from "./pickle-reader.js";
import { Foreign, jsonText, type PartValue, type PythonValue } from "./python-value.js";
import { readYamlMeta } from "./yaml-meta.js";

/** Stands where a result has no JSON text: JSON has no such character, not even in its strings. */
const UNTOLD = "\u0000";
const UNTOLD_AT = '{"status": "SUCCESS", "result": ';

/**
 * JSON text of a meta that is written in another way (`result_serializer`), with what is read of it: state, result,
 * class of the exception and time. Nothing beside the value says how it is written on Redis, so it is told by how it
 * begins. `tail` is the end of one whose middle is missing, null of a whole one. Null when it is of no
 * kind that is known. Never throws.
 */
export function metaText(head: Buffer, tail: Buffer | null): string | null {
  const { value: meta, isWhole } = readMeta(head, tail);
  if (!(meta instanceof Map)) return null;
  const members = [
    `"status": ${JSON.stringify(textOf(meta.get("status")))}`,
    `"result": ${resultText(meta, isWhole)}`,
  ];
  const dateDone = meta.get("date_done");
  if (typeof dateDone === "string") members.push(`"date_done": ${JSON.stringify(dateDone)}`);
  return `{${members.join(", ")}}`;
}

/** The ends of both binary formats say nothing more: what matters comes first. */
function readMeta(head: Buffer, tail: Buffer | null): PartValue {
  if (isPickle(head)) return readPickle(head);
  if (isMsgpackMap(head)) return readMsgpack(head);
  if (tail === null) return { value: readYamlMeta(head.toString()), isWhole: true };
  return { value: readYamlMeta(joined(head, tail)), isWhole: false };
}

/** True of a text of `metaText` whose success says nothing of the answer. */
export function isUntold(text: string): boolean {
  return text.startsWith(UNTOLD, UNTOLD_AT.length) && text.startsWith(UNTOLD_AT);
}

function resultText(meta: ReadonlyMap<PythonValue, PythonValue>, isWhole: boolean): string {
  const result = meta.get("result");
  const status = meta.get("status");
  if (status === "SUCCESS") return (isWhole ? jsonText(result) : undefined) ?? UNTOLD;
  const name = result instanceof Map ? result.get("exc_type") : undefined;
  const className = result instanceof Foreign ? result.name : textOf(name);
  return `{"exc_type": ${JSON.stringify(className)}}`;
}

function textOf(value: PythonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

/** Whole lines of both ends. */
function joined(head: Buffer, tail: Buffer): string {
  const before = head.toString("utf8", 0, head.lastIndexOf(10) + 1);
  const after = tail.toString("utf8", tail.indexOf(10) + 1);
  return before + after;
}
