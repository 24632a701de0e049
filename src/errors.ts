/** Exit codes of `celery-load`, the same numbers as k6 uses for the same things. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** Of thresholds, and with `--exit-on-slo` of SLOs. */
  inconclusive: 98,
  missed: 99,
  badConfiguration: 104,
  stoppedBySignal: 105,
} as const;

/**
 * An error that the user can act on: shown as one message without a stack trace.
 * `hint` says what to do now; `exitCode` is what the process ends with.
 */
export class UserError extends Error {
  override name = "UserError";
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(
    message: string,
    options: { hint?: string; exitCode?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/** Where a configuration fault is: `load.yml:14:12`, `--rate`, `CELERY_LOAD_SEED`. */
export interface Fault {
  readonly place: string;
  readonly message: string;
}

/** A configuration that cannot be used. Carries every fault that was found, each with its place. */
export class ConfigError extends UserError {
  override name = "ConfigError";
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(faults.map((fault) => `${fault.place}: ${fault.message}`).join("\n"), {
      exitCode: EXIT.badConfiguration,
    });
    this.faults = faults;
  }
}

/** The text of anything that was thrown, without its stack. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map(messageOf).join("; ");
  }
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}
