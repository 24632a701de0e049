/**
 * Which slots of the in-flight table belong to one workflow: one of its own, the owner, and one for each
 * member. Flat arrays over all slots; what they say holds while the owner is in flight.
 */
export class WorkflowTable {
  /** Of a member, its owner. */
  readonly #owner: Int32Array;
  /** Of an owner, its first member that has not ended; of a member, the next one; -1 at the end. */
  readonly #next: Int32Array;
  /** Of an owner: messages without the broker's answer. */
  readonly #unanswered: Uint8Array;

  /** `capacity` is that of the in-flight table, or 0 when there are no workflows. */
  constructor(capacity: number) {
    this.#owner = new Int32Array(capacity);
    this.#next = new Int32Array(capacity);
    this.#unanswered = new Uint8Array(capacity);
  }

  /** `members` are slots in the order of the workflow's members. */
  begin(owner: number, members: readonly number[], messageCount: number): void {
    let before = owner;
    for (const member of members) {
      this.#owner[member] = owner;
      this.#next[before] = member;
      before = member;
    }
    this.#next[before] = -1;
    this.#unanswered[owner] = messageCount;
  }

  ownerOf(member: number): number {
    return this.#owner[member]!;
  }

  /** The members of an owner that have not ended, in their order. */
  membersOf(owner: number): number[] {
    const members: number[] = [];
    for (let slot = this.#next[owner]!; slot >= 0; slot = this.#next[slot]!) members.push(slot);
    return members;
  }

  /** The broker answered one message; returns how many it has not answered yet. */
  answered(owner: number): number {
    this.#unanswered[owner]! -= 1;
    return this.#unanswered[owner]!;
  }

  /** Takes a member out that ended: its slot is free for another task now. */
  ended(owner: number, member: number): void {
    let before = owner;
    while (this.#next[before] !== member) before = this.#next[before]!;
    this.#next[before] = this.#next[member]!;
  }
}
