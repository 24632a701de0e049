import type { BeforeAfter, Mark } from "../../history/answer.js";
import { countText, secondsText } from "./format.js";

/** Rows of the list. */
const MOST = 100;
/** What somebody, or something, decided; stages and states follow the plan. */
const DECIDED: readonly string[] = ["change", "config", "guard"];

/** The newest first. */
export function newestMarks(marks: readonly Mark[], isAll: boolean): Mark[] {
  return marks
    .filter(({ type }) => isAll || DECIDED.includes(type))
    .slice(-MOST)
    .reverse();
}

/** What a change says of itself; of what is no change its kind stands for who. */
export function changeOf({ type, details }: Mark) {
  const text = (key: string) => {
    const value = details[key];
    return typeof value === "string" ? value : "";
  };
  const isChange = type === "change";
  return {
    actor: isChange ? text("actor") : type,
    scenario: isChange && text("scenario") !== "" ? text("scenario") : null,
    reason: text("reason"),
    id: isChange ? text("id") : "",
  };
}

/** `p95 120 ms → 340 ms, queued 0 → 52`; empty for what has no effect that is looked at. */
export function effectText({ type, effect }: Mark): string {
  if (type !== "change") return "";
  if (effect === null) return "not over yet";
  const { p95Seconds, queued, isSaturated } = effect;
  const pair = ({ before, after }: BeforeAfter, text: (value: number | null) => string) =>
    `${text(before)} → ${text(after)}`;
  const texts = [`p95 ${pair(p95Seconds, secondsText)}`, `queued ${pair(queued, countText)}`];
  return `${texts.join(", ")}${isSaturated ? " (saturated: they cannot be compared)" : ""}`;
}
