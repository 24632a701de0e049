import { setTimeout as sleep } from "node:timers/promises";
import type { DataSource } from "../data/data-source.js";
import { RowReader } from "../data/row-reader.js";
import { seedOf } from "../plan/random.js";
import { inBlocks, numberOf, type Share, WHOLE } from "../plan/share.js";
import { rowObject } from "./row-object.js";

/** How soon it looks again whether the disk has answered. */
const LOOK_MS = 2;

/**
 * The rows that code of this thread takes, one after another: those of its part of the plan, so that the threads and
 * segments together take each row once, whichever of them is the faster.
 */
export class CodeRows {
  readonly #source: DataSource;
  readonly #reader: RowReader;
  readonly #share: Share;
  #taken = 0;

  constructor(source: DataSource, user: string, seed: number, share: Share) {
    const own = seedOf(`rows ${source.name} ${user} ${share.index}`, seed);
    const random = (ordinal: number) => seedOf(String(ordinal), own) / 2 ** 32;
    this.#source = source;
    this.#share = share;
    this.#reader = new RowReader(source, random, share.of);
  }

  /** @returns undefined when each row has been taken once */
  async next(): Promise<{ readonly row: unknown } | undefined> {
    const ordinal = numberOf(inBlocks(this.#share, WHOLE, 1), this.#taken++);
    const { take, rowCount } = this.#source;
    if (take === "once" && ordinal >= rowCount) return undefined;
    while (!this.#reader.has(ordinal)) await sleep(LOOK_MS);
    return { row: rowObject(this.#source, this.#reader.take(ordinal)) };
  }
}
