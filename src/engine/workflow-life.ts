import type { PublishOutcome } from "../connections/ports.js";
import type { StartEnd } from "../ledger/balance.js";
import { FLAG, type InFlightTable, SLOT } from "../ledger/in-flight-table.js";
import type { EntryCounter } from "../ledger/layout.js";
import type { Books } from "./books.js";
import type { Entry } from "./entry.js";
import { NOT_QUEUED, type Terminal } from "./outcome.js";
import { WorkflowTable } from "./workflow-table.js";

export interface WorkflowLifeOptions {
  readonly table: InFlightTable;
  readonly books: Books;
  readonly entryOf: (slot: number) => Entry;
  readonly nowMs: () => number;
  /** A worker has the workflow for all we know. */
  readonly published: (owner: number) => void;
  /** The workflow itself has ended; `doneUnixMs` is the `date_done` of the result that decided it. */
  readonly ended: (owner: number, outcome: Terminal, exception: string, doneUnixMs: number) => void;
  /** Nothing of the workflow is queued. */
  readonly refused: (owner: number, counter: StartEnd) => void;
}

/**
 * The life of workflows beside that of tasks (`task-life.ts`). A workflow has a slot of its own, the
 * owner, and one for each member.
 *
 *     begin()       all slots                                                        [publishing]
 *     answered()    all messages are answered, one is queued: all slots              [published]
 *     memberEnded() the last member, or all of a stage in which one failed: the owner ends
 *
 * The body of a chord gets a failure of its own when one of the header fails, so that one is waited for;
 * what comes after any other stage that failed has not run.
 */
export class WorkflowLife {
  readonly #options: WorkflowLifeOptions;
  readonly #table: InFlightTable;
  readonly #workflows: WorkflowTable;
  /** Of workflows in flight, by their slot, the member that failed first. */
  readonly #failures = new Map<number, { readonly stage: number; readonly exception: string }>();

  constructor(options: WorkflowLifeOptions, hasWorkflows: boolean) {
    this.#options = options;
    this.#table = options.table;
    this.#workflows = new WorkflowTable(hasWorkflows ? options.table.capacity : 0);
  }

  /** Takes the members' slots; there is room for them. Returns them in their order. */
  begin(owner: number, entry: Entry, entries: readonly Entry[], nowMs: number): number[] {
    const plannedMs = this.#table.plannedMs[owner]!;
    const slots = entry.members!.map((member) => {
      const { counters, stage } = entries[member]!;
      this.#options.books.count(counters.planned);
      // When a later stage begins is known when the one before it has ended.
      const publishCallMs = stage === 0 ? nowMs : Number.NaN;
      return this.#table.take(member, plannedMs, publishCallMs, this.#table.flags[owner]!);
    });
    this.#workflows.begin(owner, slots, entry.messages.length);
    return slots;
  }

  ownerOf(member: number): number {
    return this.#workflows.ownerOf(member);
  }

  /** A worker has it for all we know. */
  published(owner: number): void {
    if (this.#table.states[owner] === SLOT.publishing) this.#options.published(owner);
    for (const slot of [owner, ...this.#workflows.membersOf(owner)]) {
      if (this.#table.states[slot] !== SLOT.publishing) continue;
      this.#options.books.count(this.#options.entryOf(slot).counters.published);
      this.#table.states[slot] = SLOT.published;
    }
  }

  /**
   * The broker's answer to the message of a member. The workflow is published when all are answered and
   * one is queued; what is not queued of it then has not run, and it cannot succeed any more.
   */
  answered(member: number, outcome: PublishOutcome): void {
    const { flags } = this.#table;
    const owner = this.ownerOf(member);
    const isQueued = outcome === "accepted" || outcome === "unknown";
    if (isQueued) {
      flags[owner]! |= FLAG.accepted | (outcome === "unknown" ? FLAG.unconfirmed : 0);
    } else {
      flags[member]! |= FLAG.memberFailed;
    }
    if (this.#workflows.answered(owner) > 0) return;
    if ((flags[owner]! & FLAG.accepted) === 0) {
      this.refuse(owner, isQueued ? "failedRejected" : NOT_QUEUED[outcome]);
      return;
    }
    this.published(owner);
    if ((flags[owner]! & FLAG.unconfirmed) !== 0) {
      this.#options.books.count(this.#options.entryOf(owner).counters.unconfirmed);
    }
    for (const slot of this.#workflows.membersOf(owner)) {
      if ((flags[slot]! & FLAG.memberFailed) !== 0)
        this.memberEnded(slot, "notRun", "", Number.NaN);
    }
  }

  /** Nothing of it is queued: counted as the last message was. */
  refuse(owner: number, counter: StartEnd): void {
    for (const slot of this.#workflows.membersOf(owner)) this.#settle(slot, counter, SLOT.done);
    this.#options.refused(owner, counter);
  }

  /** A member has a result, or will have none. */
  memberEnded(
    member: number,
    outcome: Terminal | "notRun",
    exception: string,
    doneUnixMs: number,
  ): void {
    const { flags } = this.#table;
    const owner = this.ownerOf(member);
    const { stage } = this.#options.entryOf(member);
    const known = this.#failures.get(owner);
    // Celery stores the failure of a step for the rest of its chain, too.
    const isCopy = outcome === "failed" && known !== undefined && stage > known.stage;
    this.#settle(member, isCopy ? "notRun" : outcome, SLOT.done);
    if (outcome !== "succeeded") {
      flags[owner]! |= outcome === "revoked" ? FLAG.memberRevoked : FLAG.memberFailed;
      const isHeader = stage === 0 && this.#options.entryOf(owner).chordSize > 0;
      // A header's failure makes the body fail: that one decides when the chord has ended.
      if (known === undefined)
        this.#failures.set(owner, { stage: isHeader ? 1 : stage, exception });
    }
    this.#goOn(owner, stage, doneUnixMs);
  }

  /**
   * Results may come in any order: a step that fails at once can be faster than the success before it.
   * A workflow has failed when nothing up to the stage that failed is open any more.
   */
  #goOn(owner: number, stage: number, doneUnixMs: number): void {
    const { entryOf } = this.#options;
    const open = this.#workflows.membersOf(owner);
    const failure = this.#failures.get(owner);
    if (failure !== undefined) {
      if (open.some((slot) => entryOf(slot).stage <= failure.stage)) return;
      for (const slot of open) {
        // A copy of the failure may still come.
        this.#table.flags[slot]! |= FLAG.recovered;
        this.#settle(slot, "notRun", SLOT.done);
      }
    }
    if (failure !== undefined || open.length === 0) {
      this.#end(owner, doneUnixMs);
      return;
    }
    if (open.some((slot) => entryOf(slot).stage === stage)) return;
    const nowMs = this.#options.nowMs();
    for (const slot of open) {
      if (entryOf(slot).stage === stage + 1) this.#table.publishCallMs[slot] = nowMs;
    }
  }

  #end(owner: number, doneUnixMs: number): void {
    const flags = this.#table.flags[owner]!;
    const exception = this.#failures.get(owner)?.exception ?? "";
    this.#failures.delete(owner);
    let outcome: Terminal = "succeeded";
    if ((flags & FLAG.memberFailed) !== 0) outcome = "failed";
    else if ((flags & FLAG.memberRevoked) !== 0) outcome = "revoked";
    this.#options.ended(owner, outcome, exception, doneUnixMs);
  }

  /** Ends the members that have not ended, as their workflow is given up. */
  giveUp(owner: number, outcome: "timedOut" | "unknown"): void {
    for (const slot of this.#workflows.membersOf(owner)) this.#settle(slot, outcome, SLOT.timedOut);
    this.#failures.delete(owner);
  }

  #settle(
    slot: number,
    counter: EntryCounter,
    state: typeof SLOT.done | typeof SLOT.timedOut,
  ): void {
    this.#options.books.count(this.#options.entryOf(slot).counters[counter]);
    this.#workflows.ended(this.ownerOf(slot), slot);
    this.#table.settle(slot, state);
  }
}
