/** How much is kept, and how it is made less. */
export interface CondensedOptions<Item> {
  /** Lengths of time that an item may stand for, in seconds, ascending; each a multiple of the one before. Then it is doubled. */
  readonly steps: readonly number[];
  readonly mostItems: number;
  /** Cells that the histograms of all items have together, at most, as long as there are two. */
  readonly mostCells: number;
  readonly cellsOf: (item: Item) => number;
  /** Several that follow one another as one. */
  readonly join: (items: readonly Item[]) => Item;
}

/**
 * What follows one another in time, from the first to the last, in bounded memory: when there is too much of it,
 * neighbours become one, and from then on each stands for a longer time.
 */
export class Condensed<Item> {
  readonly #options: CondensedOptions<Item>;
  #items: Item[] = [];
  #cells = 0;
  #stepSeconds: number;

  constructor(options: CondensedOptions<Item>) {
    this.#options = options;
    this.#stepSeconds = options.steps[0]!;
  }

  /** How long the next item is to be. */
  get stepSeconds(): number {
    return this.#stepSeconds;
  }

  get items(): readonly Item[] {
    return this.#items;
  }

  push(item: Item): void {
    this.#items.push(item);
    this.#cells += this.#options.cellsOf(item);
    while (this.#items.length > 1 && this.#isTooMuch()) this.#condense();
  }

  #isTooMuch(): boolean {
    const { mostItems, mostCells } = this.#options;
    return this.#items.length > mostItems || this.#cells > mostCells;
  }

  #condense(): void {
    const { steps, join, cellsOf } = this.#options;
    const next = steps.find((step) => step > this.#stepSeconds) ?? this.#stepSeconds * 2;
    const factor = next / this.#stepSeconds;
    const joined: Item[] = [];
    for (let first = 0; first < this.#items.length; first += factor) {
      joined.push(join(this.#items.slice(first, first + factor)));
    }
    this.#items = joined;
    this.#cells = joined.reduce((sum, item) => sum + cellsOf(item), 0);
    this.#stepSeconds = next;
  }
}
