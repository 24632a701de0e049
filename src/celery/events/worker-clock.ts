/** How far the clock of a worker is from ours, as the times of our tasks tell; positive when it is ahead. */
export interface WorkerClock {
  /** Its number in the reports. */
  readonly worker: number;
  readonly offsetMs: number;
  readonly uncertaintyMs: number;
}
