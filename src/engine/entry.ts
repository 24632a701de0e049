import type { Publisher } from "../connections/ports.js";
import type { RowReader } from "../data/row-reader.js";
import { FLAG } from "../ledger/in-flight-table.js";
import {
  ENTRY_COUNTERS,
  ENTRY_HISTOGRAMS,
  type EntryCounter,
  type EntryHistogram,
  type HistogramPlace,
  type Layout,
} from "../ledger/layout.js";
import { type EntryMessages, type FirstBody, membersOf, prepareMessages } from "./message-maker.js";
import type { EntryPlan, Expectation, WorkflowPlan } from "./messages.js";
import type { PayloadSource } from "./payload-source.js";

/** What the hot path needs of an entry, looked up once. */
export interface Entry {
  /** Index into the plan's entries, and the row of its counts. */
  readonly index: number;
  readonly scenario: number;
  readonly connection: number;
  readonly timeoutMs: number;
  /** Flags that every task of it has from the start. */
  readonly flags: number;
  /** What it must return, if that is checked. */
  readonly expect: Expectation | undefined;
  /** What a start of it publishes: one message, or those of a workflow's first stage. */
  readonly messages: readonly StartMessage[];
  /** The entries of its members, when it is a workflow. */
  readonly members: readonly number[] | null;
  /** Tasks that must end before a chord's body runs; 0 when it is no chord. */
  readonly chordSize: number;
  /** The stage of its workflow that it is in, when it is a member; else -1. */
  readonly stage: number;
  /** True for the member whose message tells of the workflow's own phases. */
  readonly tellsOfWorkflow: boolean;
  /** Where each start takes a row from, and the cells where that is counted; null: it takes none. */
  readonly rows: EntryRows | null;
  readonly counters: Readonly<Record<EntryCounter, number>>;
  readonly histograms: Readonly<Record<EntryHistogram, HistogramPlace>>;
  /** Makes its arguments; null: they are in its messages. */
  readonly payload: PayloadSource | null;
  /** A message whose arguments code gives; null: none ever does. */
  readonly given: EntryMessages | null;
  /** A script starts it, and is told of its end. */
  readonly isScripted: boolean;
  /** Where its latencies are counted as if its users had kept their pace; null: users do not start it. */
  readonly compensated: HistogramPlace | null;
}

export interface EntryRows {
  readonly reader: RowReader;
  readonly used: number;
  readonly skipped: number;
}

export interface StartMessage {
  readonly made: EntryMessages;
  /** The batch that it goes into. */
  readonly batchOf: number;
}

export interface CompileOptions {
  readonly layout: Layout;
  readonly entries: readonly EntryPlan[];
  readonly bodies: readonly (readonly FirstBody[])[];
  readonly origin: string;
  /** False when results are disabled. */
  readonly hasResults: (connection: number) => boolean;
  readonly publisherOf: (connection: number) => Publisher;
  /** Of the scenario and the data. */
  readonly rowsOf: (scenario: number, data: number) => RowReader;
  readonly payloadOf: (entry: number) => PayloadSource | null;
  readonly batchFor: (connection: number, destination: string, isChord: boolean) => number;
}

/** Counters of results beside their outcomes: those of a member are its workflow's. */
const TOLD_OF_WORKFLOW = ["retries", "late", "duplicate", "recovered", "unchecked"] as const;

export function compileEntry(index: number, options: CompileOptions): Entry {
  const { layout, entries, bodies, origin } = options;
  const { connection, ...plan } = entries[index]!;
  const { workflow, memberOf } = plan;
  const [firstStage = [], ...laterStages] = workflow?.stages ?? [];
  const isChord = firstStage.length > 1 && laterStages.length > 0;
  return {
    index,
    scenario: plan.scenario,
    connection,
    timeoutMs: plan.timeoutMs,
    flags: plan.ignoreResult === true || !options.hasResults(connection) ? FLAG.unanswered : 0,
    expect: plan.expect,
    messages: bodies[index]!.map((body) => {
      const made = prepareMessages(options.publisherOf(connection), body, origin);
      return { made, batchOf: options.batchFor(connection, made.template.destination, isChord) };
    }),
    members: workflow === null ? null : membersOf(workflow).map(({ entry }) => entry),
    chordSize: isChord ? firstStage.length : 0,
    stage: memberOf === null ? -1 : stageOf(entries[memberOf]!.workflow!, index),
    tellsOfWorkflow:
      memberOf !== null && entries[memberOf]!.workflow!.stages[0]![0]!.entry === index,
    rows:
      plan.data === null || memberOf !== null || plan.payload !== null
        ? null
        : {
            reader: options.rowsOf(plan.scenario, plan.data),
            used: layout.data(plan.data, "used"),
            skipped: layout.data(plan.data, "skipped"),
          },
    counters: {
      ...placesOf(ENTRY_COUNTERS, (name) => layout.entryCounter(index, name)),
      ...(memberOf === null
        ? {}
        : placesOf(TOLD_OF_WORKFLOW, (name) => layout.entryCounter(memberOf, name))),
    },
    histograms: placesOf(ENTRY_HISTOGRAMS, (name) => layout.entryHistogram(index, name)),
    payload: options.payloadOf(index),
    given: givenMessage(bodies[index]!, options.publisherOf(connection), origin),
    isScripted: plan.isScripted,
    compensated: plan.userRow === null ? null : layout.compensated(plan.userRow),
  };
}

function givenMessage(
  [body]: readonly FirstBody[],
  publisher: Publisher,
  origin: string,
): EntryMessages | null {
  if (body === undefined || body.given === null) return null;
  return prepareMessages(publisher, { ...body, body: body.given }, origin);
}

/** The stage of a member; callbacks come after the only one. */
function stageOf({ stages }: WorkflowPlan, entry: number): number {
  const stage = stages.findIndex((members) => members.some((member) => member.entry === entry));
  return stage < 0 ? stages.length : stage;
}

function placesOf<Name extends string, Place>(
  names: readonly Name[],
  placeOf: (name: Name) => Place,
): Record<Name, Place> {
  return Object.fromEntries(names.map((name) => [name, placeOf(name)])) as Record<Name, Place>;
}
