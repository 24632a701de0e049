/**
 * What a worker's clock showed at one moment: not before we asked it, and not after we heard of it. Unix
 * milliseconds, `unixMs` by the worker's clock, the others by ours.
 */
export interface ClockReading {
  readonly askedUnixMs: number;
  readonly unixMs: number;
  readonly heardUnixMs: number;
}

/** Of the worker that has this number in the reports of tasks. */
export interface NumberedReading extends ClockReading {
  readonly worker: number;
}
