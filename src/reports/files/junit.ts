import { titleOf } from "./judgements.js";
import { numberText } from "./numbers.js";
import type { RunReport } from "./report-schema.js";
import { xmlElement, xmlText } from "./xml.js";

export interface JunitOptions {
  /** What is inconclusive is an error, and not a case that was skipped. */
  readonly isStrict: boolean;
}

type Judged = RunReport["judgements"][number];

/** What is about several scenarios. */
const ALL = "all scenarios";

/**
 * A report in JUnit's form, as Jenkins and GitLab read it: a suite for each scenario, a case for each thing that the run
 * is held against. What is said of a case is in the body of its element: GitLab does not show the attribute `message`.
 */
export function junitText(report: RunReport, { isStrict }: JunitOptions): string {
  const names = [...Object.keys(report.ledger.scenarios), ALL];
  const suites = names.map((name) => ({
    name,
    cases: report.judgements.filter(({ scenario }) => (scenario ?? ALL) === name),
  }));
  const counts = countsOf(report.judgements, isStrict);
  const all = xmlElement(
    "testsuites",
    { name: "celery-load", ...counts, time: seconds(report.run.seconds) },
    suites
      .filter(({ cases }) => cases.length > 0)
      .map(({ name, cases }) => suite(name, cases, report, isStrict)),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${all}\n`;
}

function suite(
  name: string,
  cases: readonly Judged[],
  report: RunReport,
  isStrict: boolean,
): string {
  const properties = Object.entries(propertiesOf(report)).map(([property, value]) =>
    xmlElement("property", { name: property, value }),
  );
  return xmlElement(
    "testsuite",
    {
      name,
      ...countsOf(cases, isStrict),
      time: seconds(report.run.seconds),
      // The schema has no zone: it is UTC.
      timestamp: report.run.startedAt.slice(0, 19),
    },
    [
      xmlElement("properties", {}, properties),
      ...cases.map((each) => testCase(name, each, isStrict)),
    ],
  );
}

function countsOf(cases: readonly Judged[], isStrict: boolean) {
  const count = (verdict: Judged["verdict"]) =>
    cases.filter((each) => each.verdict === verdict).length;
  const inconclusive = count("inconclusive");
  return {
    tests: cases.length,
    failures: count("missed"),
    errors: isStrict ? inconclusive : 0,
    skipped: isStrict ? 0 : inconclusive,
  };
}

function testCase(suiteName: string, judged: Judged, isStrict: boolean): string {
  const { verdict, reason, seconds: observed } = judged;
  const body = xmlText(textOf(judged));
  const content = {
    met: () => xmlElement("system-out", {}, [body]),
    missed: () => xmlElement("failure", { type: "missed", message: reason }, [body]),
    inconclusive: () =>
      isStrict
        ? xmlElement("error", { type: "inconclusive", message: reason }, [body])
        : xmlElement("skipped", { message: reason }, [body]),
  }[verdict]();
  const attributes = { name: titleOf(judged), classname: suiteName, time: seconds(observed) };
  return xmlElement("testcase", attributes, [content]);
}

/** Verdict, value, limit, n and evidence, a line each. */
function textOf({ verdict, reason, value, limit, unit, n, evidence }: Judged): string {
  return [
    `${verdict}: ${reason}`,
    ...(value === null ? [] : [`value: ${numberText(value, unit)}`]),
    ...(limit === null ? [] : [`limit: ${numberText(limit, unit)}`]),
    `n: ${n}`,
    ...evidence,
  ].join("\n");
}

function propertiesOf({ run, environment, verdict }: RunReport): Record<string, string> {
  const { daemon, connections, configuration } = environment;
  const places = Object.entries(connections).flatMap(([name, { server, pools }]) => [
    [`broker.${name}`, server === null ? "unknown" : `${server.product} ${server.version}`],
    [`workers.${name}`, pools.map(poolText).join(", ") || "unknown"],
  ]);
  return {
    run: run.id,
    verdict: verdict.verdict,
    "celery-load": daemon.version,
    commit: daemon.commit,
    configuration: configuration.hash,
    ...Object.fromEntries(places),
  };
}

/** `2 × prefork of 4 places, Celery 5.7.0`. */
export function poolText(
  pool: RunReport["environment"]["connections"][string]["pools"][number],
): string {
  const { workers, pool: kind, places, version } = pool;
  const size = places === null ? "" : ` of ${places} places`;
  return `${workers} × ${kind ?? "unknown pool"}${size}, Celery ${version ?? "unknown"}`;
}

/** With three decimals at most, as the schema has it. */
function seconds(value: number): string {
  return value.toFixed(3);
}
