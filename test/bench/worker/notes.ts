import { readFileSync, writeFileSync } from "node:fs";

/** What the fake worker noted about one task. Unix time in milliseconds. */
export interface Note {
  /** The task's first argument in milliseconds, if it is a time: when the generator meant to send it. */
  readonly plannedMs: number;
  readonly receivedMs: number;
  /** When its result was written. */
  readonly answeredMs: number;
}

const FIELDS = 3;

/** Collects notes in memory and writes them at the end: nothing may wait for a disk meanwhile. */
export class NoteBook {
  #cells = new Float64Array(FIELDS * 1024);
  #length = 0;

  add(plannedMs: number, receivedMs: number, answeredMs: number): void {
    if (this.#length === this.#cells.length) {
      const larger = new Float64Array(this.#length * 2);
      larger.set(this.#cells);
      this.#cells = larger;
    }
    this.#cells[this.#length++] = plannedMs;
    this.#cells[this.#length++] = receivedMs;
    this.#cells[this.#length++] = answeredMs;
  }

  write(file: string): void {
    writeFileSync(file, new Uint8Array(this.#cells.buffer, 0, this.#length * 8));
  }
}

/** The notes of a worker that has ended, in the order of its answers. */
export function readNotes(file: string): Note[] {
  const bytes = readFileSync(file);
  const cells = new Float64Array(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  );
  return Array.from({ length: cells.length / FIELDS }, (_, index) => ({
    plannedMs: cells[index * FIELDS]!,
    receivedMs: cells[index * FIELDS + 1]!,
    answeredMs: cells[index * FIELDS + 2]!,
  }));
}
