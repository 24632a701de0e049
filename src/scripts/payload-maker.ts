import type { DataSource } from "../data/data-source.js";
import { isMapping } from "../mapping.js";
import { createRandom, seedOf } from "../plan/random.js";
import { CodeRows } from "./code-rows.js";
import { givenText } from "./given-text.js";
import type { FromCode, MadePayload } from "./messages.js";
import type { CodeStart, PayloadUse } from "./module-plan.js";
import { causeOf } from "./told-faults.js";

/** What a payload function is called with; `types/index.d.ts` is for editors. */
interface PayloadContext {
  readonly task: string;
  readonly seq: number;
  readonly row: unknown;
  readonly random: () => number;
}

/** So many characters at once: what waits in the engine is memory. */
const MOST_CHARACTERS = 1024 * 1024;

/** Makes arguments by the user's function, ahead of the starts that they are for. */
export class PayloadMaker {
  readonly #run: (context: PayloadContext) => unknown;
  readonly #use: PayloadUse;
  readonly #say: (message: FromCode) => void;
  readonly #rows: CodeRows | null;
  readonly #random: () => number;
  readonly #share: CodeStart["share"];
  #seq = 0;
  #wanted = 0;
  #isBusy = false;

  constructor(
    run: (context: PayloadContext) => unknown,
    use: PayloadUse,
    { seed, share, data }: Pick<CodeStart, "seed" | "share"> & { data: readonly DataSource[] },
    say: (message: FromCode) => void,
  ) {
    const key = `${use.scenario} ${use.task}`;
    this.#run = run;
    this.#use = use;
    this.#say = say;
    this.#share = share;
    this.#random = createRandom(seedOf(`payload ${key} ${share.index}`, seed));
    this.#rows = use.data === null ? null : new CodeRows(data[use.data]!, key, seed, share);
  }

  /** So many more. */
  make(count: number): void {
    this.#wanted += count;
    if (!this.#isBusy) void this.#work();
  }

  /** Never rejects: what the function throws is what was made. */
  async #work(): Promise<void> {
    this.#isBusy = true;
    while (this.#wanted > 0) {
      const made: MadePayload[] = [];
      let characters = 0;
      while (made.length < this.#wanted && characters < MOST_CHARACTERS) {
        const next = await this.#next();
        characters += typeof next === "string" ? next.length : 0;
        made.push(next);
      }
      this.#wanted -= made.length;
      this.#say({ type: "made", entry: this.#use.entry, made });
    }
    this.#isBusy = false;
  }

  async #next(): Promise<MadePayload> {
    const { task } = this.#use;
    try {
      // Data of which each row is taken once is refused for payloads: rows never end.
      const row = this.#rows === null ? null : (await this.#rows.next())?.row;
      const seq = this.#share.index + this.#share.of * this.#seq++;
      const answer = this.#run({ task, seq, row, random: this.#random });
      const given: unknown = answer instanceof Promise ? await answer : answer;
      if (!isMapping(given)) throw new Error("it must return { args, kwargs }");
      const unknown = Object.keys(given).find((key) => key !== "args" && key !== "kwargs");
      if (unknown !== undefined) throw new Error(`it must return { args, kwargs }, not ${unknown}`);
      return givenText(given.args, given.kwargs);
    } catch (error) {
      return { fault: causeOf(error) };
    }
  }
}
