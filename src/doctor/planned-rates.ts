import { type Config, isWorkflow, type ScenarioConfig } from "../config/schema.js";
import { endOf, peakOf } from "../plan/profile.js";

/** When a scenario runs, and its highest rate then. */
interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
  /** Starts a second; Infinity for `max`. */
  readonly peakPerSecond: number;
}

/**
 * The highest planned rate of every task over one connection, by its key, in messages a second; Infinity where
 * a scenario with the profile `max` starts it. Members of workflows count as often as they are in them; what
 * runs on failures only does not. Never too low: scenarios count as if their peaks met whenever they overlap.
 */
export function peakRates(config: Config, connection: string): ReadonlyMap<string, number> {
  const scenarios = Object.values(config.scenarios).filter(
    (scenario) => scenario.connection === connection,
  );
  const spans = scenarios.map((scenario) => ({ span: spanOf(scenario), scenario }));
  const peaks = new Map<string, number>();
  for (const { span: moment } of spans) {
    const rates = new Map<string, number>();
    for (const { span, scenario } of spans) {
      const isRunning = span.fromMs <= moment.fromMs && moment.fromMs < span.untilMs;
      if (isRunning) addRates(rates, config, scenario, span.peakPerSecond);
    }
    for (const [key, rate] of rates) peaks.set(key, Math.max(rate, peaks.get(key) ?? 0));
  }
  return peaks;
}

function spanOf({ profile, startAfterMs, durationMs }: ScenarioConfig): Span {
  const fromMs = startAfterMs;
  const activeMs = durationMs ?? Number.POSITIVE_INFINITY;
  const untilMs = fromMs + Math.min(activeMs, endOf(profile));
  return { fromMs, untilMs, peakPerSecond: peakOf(profile) };
}

function addRates(
  rates: Map<string, number>,
  config: Config,
  { mix }: ScenarioConfig,
  peakPerSecond: number,
): void {
  const total = Object.values(mix).reduce((sum, weight) => sum + weight, 0);
  for (const [key, weight] of Object.entries(mix)) {
    for (const task of messagesOf(config, key)) {
      rates.set(task, (rates.get(task) ?? 0) + (peakPerSecond * weight) / total);
    }
  }
}

/** The keys of what workers run for one start that goes well. */
function messagesOf(config: Config, key: string): string[] {
  const entry = config.tasks[key]!;
  return isWorkflow(entry)
    ? entry.stages.flat().map(({ task }) => task)
    : [key, ...entry.link.map(({ task }) => task)];
}
