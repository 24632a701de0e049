import { renameSync } from "node:fs";
import type { KillSwitch, ScenarioControl } from "../control/control-state.js";
import { burstText, byGuard, overrideText, throttleText } from "../control/order-text.js";
import { planMsAt } from "../control/regime-of.js";
import { EXIT, messageOf, UserError } from "../errors.js";
import { durationText } from "../plan/stage-name.js";
import { olderPath, readGeneration } from "../state/state-file.js";
import type { StoredState } from "../state/state-form.js";
import { printable } from "../terminal/text.js";
import type { StateAct } from "./state-acts.js";
import type { OutputStreams } from "./streams.js";

/**
 * `celery-load state show FILE`: what a state file holds, of both generations when the newest cannot be read.
 * `celery-load state reset FILE`: puts it aside, so that the next run begins anew. Returns the exit code.
 *
 * @throws {UserError} when there is no such file, it cannot be read, or not be put aside
 */
export function runState(
  act: StateAct,
  path: string,
  { stdout, stderr }: OutputStreams,
  options: { readonly json?: boolean } = {},
): number {
  return act === "show"
    ? show(path, { stdout, stderr }, options.json === true)
    : reset(path, { stdout });
}

function show(path: string, { stdout, stderr }: OutputStreams, isJson: boolean): number {
  const faults: string[] = [];
  for (const file of [path, olderPath(path)]) {
    const generation = readGeneration(file);
    if (generation === null) faults.push(`${file}: there is no such file`);
    else if ("problem" in generation) faults.push(`${file}: ${generation.problem}`);
    else {
      for (const fault of faults) stderr.write(`Cannot read ${fault}.\n`);
      const text = isJson
        ? JSON.stringify(generation, null, 2)
        : linesOf(file, generation).join("\n");
      stdout.write(`${text}\n`);
      return EXIT.ok;
    }
  }
  throw new UserError(`Cannot read the state: ${faults.join("; ")}.`, {
    hint: "Check the path. A run that cannot read its state does not start; celery-load state reset FILE puts it aside.",
    exitCode: EXIT.badConfiguration,
  });
}

/** Nothing is deleted: a mistyped path costs a file its name, and the output says its new one. */
function reset(path: string, { stdout }: Pick<OutputStreams, "stdout">): number {
  let count = 0;
  for (const file of [path, olderPath(path)]) {
    const aside = `${file}.reset`;
    try {
      renameSync(file, aside);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") continue;
      throw new UserError(`Cannot put ${file} aside: ${messageOf(error)}`, {
        hint: "This user needs the right to write to its folder.",
      });
    }
    stdout.write(`${file} is now ${aside}.\n`);
    count++;
  }
  stdout.write(
    count === 0
      ? `There is no state in ${path}: a run begins anew.\n`
      : "The next run with it begins anew. A daemon that runs with it now writes it again: stop that first.\n",
  );
  return EXIT.ok;
}

function linesOf(file: string, { state, writtenUnixMs, isClean, configHash }: StoredState) {
  const end = isClean ? "when its daemon stopped" : "by a daemon that runs, or was killed";
  const lines = [
    `${file}: revision ${state.revision}, written ${timeText(writtenUnixMs)} ${end}, configuration ${configHash}`,
    ...(state.killSwitch === null ? [] : [killSwitchLine(state.killSwitch)]),
    ...Object.entries(state.scenarios).flatMap(([name, control]) => scenarioLines(name, control)),
  ];
  return lines.map(printable);
}

function killSwitchLine({ sinceUnixMs, ...by }: KillSwitch): string {
  return `kill switch on since ${timeText(sinceUnixMs)}${byText(by)}`;
}

/** Times are relative to when it was written. */
function scenarioLines(name: string, control: ScenarioControl): string[] {
  const { regime, isStopped, startsBefore, pauses, throttles, overrides, bursts } = control;
  const word = isStopped ? "stopped" : regime.isPaused ? "paused" : "running";
  const plan = durationText(Math.round(planMsAt(regime, 0) / 1000) * 1000);
  return [
    `${name}: ${word}, its plan at ${plan}, ${Math.floor(startsBefore)} starts planned by its last change`,
    ...pauses.map(({ id, guard, untilMs, sinceUnixMs, ...by }) =>
      entryLine(id, `pause${byGuard(guard)}`, untilMs, sinceUnixMs, by),
    ),
    ...throttles.map(({ id, guard, factor, untilMs, sinceUnixMs, ...by }) =>
      entryLine(id, `${throttleText(factor)}${byGuard(guard)}`, untilMs, sinceUnixMs, by),
    ),
    ...overrides.map(({ id, to, untilMs, sinceUnixMs, ...by }) =>
      entryLine(id, overrideText(to), untilMs, sinceUnixMs, by),
    ),
    ...bursts
      .filter(({ untilMs }) => untilMs > 0)
      .map(({ id, count, untilMs, sinceUnixMs, ...by }) =>
        entryLine(id, burstText(count), untilMs, sinceUnixMs, by),
      ),
  ];
}

function entryLine(
  id: string,
  text: string,
  untilMs: number | null,
  sinceUnixMs: number,
  by: Pick<KillSwitch, "actor" | "reason">,
): string {
  const left = untilMs === null ? "" : `, ${durationText(Math.max(0, Math.round(untilMs)))} left`;
  return `  ${id} ${text}${left}, since ${timeText(sinceUnixMs)}${byText(by)}`;
}

function byText({ actor, reason }: Pick<KillSwitch, "actor" | "reason">): string {
  return ` by ${actor}${reason === "" ? "" : `: ${reason}`}`;
}

function timeText(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
