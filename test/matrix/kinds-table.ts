import { code, table } from "../../src/docs/markdown.js";
import { CELERY_SERIES, type CelerySeries, FAMILIES } from "./combinations.js";
import { type Ending, kindsOf } from "./kinds.js";

const FAMILY_TITLES = { redis: "Redis", rabbitmq: "RabbitMQ" } as const;

/** What a trial publishes, a row for each kind, with the right outcome wherever it is not the same. */
export function kindsTable(): string {
  const kinds = kindsOf({ celery: CELERY_SERIES[0], broker: FAMILIES[0] });
  return table(
    ["tasks", "the task …", "registered name", "right outcome"],
    kinds.map(({ key, count, what, task }) => [
      String(count),
      what,
      code(task.name),
      rightOutcome(key),
    ]),
  );
}

/** "failed", or "Celery 5.2–5.6: timed_out, Celery 5.7: failed", as the kinds have it. */
function rightOutcome(key: string): string {
  const texts = CELERY_SERIES.flatMap((celery) =>
    FAMILIES.map((broker) => ({
      celery,
      broker,
      text: endingText(kindsOf({ celery, broker }).find((kind) => kind.key === key)!.ending),
    })),
  );
  const different = [...new Set(texts.map(({ text }) => text))];
  if (different.length === 1) return different[0]!;
  return different
    .map((text) => {
      const where = texts.filter((each) => each.text === text);
      const brokers = FAMILIES.filter((name) => where.some(({ broker }) => broker === name));
      const series = CELERY_SERIES.filter((name) => where.some(({ celery }) => celery === name));
      const parts = [
        ...(series.length < CELERY_SERIES.length ? [`Celery ${rangeOf(series)}`] : []),
        ...(brokers.length < FAMILIES.length ? brokers.map((name) => FAMILY_TITLES[name]) : []),
      ];
      return `${parts.join(", ")}: ${text}`;
    })
    .join("; ");
}

function endingText({ outcome, error, retries = 0 }: Ending): string {
  return [
    code(outcome),
    ...(error === undefined ? [] : [code(error)]),
    ...(retries === 0 ? [] : [retries === 1 ? "1 retry" : `${retries} retries`]),
  ].join(", ");
}

/** The series are neighbours, oldest first. */
function rangeOf(series: readonly CelerySeries[]): string {
  return series.length === 1 ? series[0]! : `${series[0]}–${series.at(-1)}`;
}
