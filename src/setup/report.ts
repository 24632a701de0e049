/** Takes one line of progress, without its line end. */
export type Report = (line: string) => void;

/** Progress goes to stderr, so that output of a command stays clean. */
export const reportToStderr: Report = (line) => {
  process.stderr.write(`${line}\n`);
};

/** Does one step of set-up: a line when it starts, a line with its time when it is done. */
export async function reportStep<T>(
  report: Report,
  what: string,
  step: () => Promise<T>,
): Promise<T> {
  const startedMs = performance.now();
  report(`set-up: ${what} ...`);
  const result = await step();
  report(`set-up: ${what}: done in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  return result;
}
