/**
 * Makes what many ask for at the same time once. Whoever asks gets what was begun after the question, so that
 * it is as new as if it had been made for them alone; at most one waits behind the one that is being made.
 */
export class Shared<Made> {
  readonly #make: () => Promise<Made>;
  #running: Promise<void> | undefined;
  #next: Promise<Made> | undefined;

  constructor(make: () => Promise<Made>) {
    this.#make = make;
  }

  /** Rejects as the making did. */
  get(): Promise<Made> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#start();
    });
    return this.#next;
  }

  #start(): Promise<Made> {
    const made = this.#make();
    const ended = () => {
      this.#running = undefined;
    };
    this.#running = made.then(ended, ended);
    return made;
  }
}
