import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { COMPLETION_HELP, SHELLS, type Shell } from "./cli/shells.js";
import type { DashboardsFlags } from "./commands/dashboards.js";
import type { DoctorFlags } from "./commands/doctor.js";
import { DEMO_PORT, parseFor, parsePort } from "./commands/flags.js";
import type { InitFlags } from "./commands/init.js";
import type { RulesFlags } from "./commands/rules.js";
import type { RunFlags } from "./commands/run.js";
import type { Streams } from "./commands/streams.js";
import { prepareEngineThread } from "./daemon/engine-thread.js";
import { describeCommand } from "./describe-commands.js";
import { didYouMean } from "./did-you-mean.js";
import { LOG_LEVELS } from "./log.js";
import { checkOpenFiles } from "./open-files.js";
import { RULE_FORMATS } from "./rules/formats.js";
import { receiveSignals } from "./signals.js";
import { columnsOf } from "./terminal/terminal.js";
import { wrappedText } from "./terminal/text.js";
import { version } from "./version.js";

/** Each command imports what it needs when it is the one that runs: all of them are half of a start. */
export function commandLine(done: (code: number) => void): Command {
  const program = new Command("celery-load")
    .description("A load daemon for Celery: constant or stepped traffic, every task measured")
    .version(version)
    .exitOverride()
    .showHelpAfterError("(celery-load --help shows what there is)");
  const set = new Option("--set <path=value>", "one value of the configuration; may be repeated")
    .argParser((value: string, before: string[]) => [...before, value])
    .default([], "none");

  quickForm(program.command(DEFAULT_COMMAND, { isDefault: true }))
    .description("the daemon; without FILE in its quick form, from flags")
    .option("--listen <addr:port>", "where /metrics is served (default: 0.0.0.0:9809)")
    .option("--for <duration>", "end after this time, such as 30m")
    .option("--count <starts>", "end after this many starts")
    .option("--segment <i/n>", "do the i-th of n equal parts of the starts (default: 1/1)")
    .option("--json", "print the end report as JSON")
    .option("--exit-on-slo", "exit with 99 when an SLO is missed, with 98 when one is inconclusive")
    .addOption(set)
    .addOption(
      oneOf(LOG_LEVELS, new Option("--log-level <level>", "least level that is logged"))
        .env("CELERY_LOAD_LOG_LEVEL")
        .default("info"),
    )
    .action(async (files: string[], flags: Omit<RunFlags, "files">) => {
      checkOpenFiles();
      prepareEngineThread();
      const { run } = await import("./commands/run.js");
      done(await run({ ...flags, files }, processStreams(), receiveSignals));
    });

  program
    .command("init")
    .description("asks the live workers, and writes a configuration to edit")
    .option("--broker <url>", "Celery's broker URL (default: $CELERY_BROKER_URL)", oneOrMore)
    .option(
      "--backend <url>",
      "result backend (default: $CELERY_RESULT_BACKEND, or the workers')",
      oneOrMore,
    )
    .option("--out <file>", "where to write; -: standard output", "load.yml")
    .option("--force", "write over a file that is there")
    .action(async (flags: InitFlags) => {
      const { init } = await import("./commands/init.js");
      done(await init(flags, processStreams(), receiveSignals));
    });

  program
    .command("check")
    .description("validates; prints the effective configuration with the origin of each value")
    .argument("[FILE...]")
    .option("--json-schema", "print the JSON Schema of the configuration, for editors")
    .addOption(set)
    .action(async (files: string[], flags: { jsonSchema?: boolean; set: string[] }) => {
      const { runCheck } = await import("./commands/check.js");
      done(
        runCheck(
          { files, set: flags.set, jsonSchema: flags.jsonSchema === true, env: process.env },
          process,
        ),
      );
    });

  program
    .command("plan")
    .description("draws the expected rate over time and the totals, before a message is sent")
    .argument("<FILE...>")
    .option("--for <duration>", "the time to draw, such as 30m")
    .addOption(set)
    .action(async (files: string[], flags: { for?: string; set: string[] }) => {
      const { prepare } = await import("./commands/prepare.js");
      const { runPlan } = await import("./commands/plan.js");
      const forMs = flags.for === undefined ? null : parseFor(flags.for);
      const { config, warnings } = prepare({
        files,
        env: process.env,
        overrides: flags.set.map((set) => ({ set })),
        forMs,
      });
      for (const warning of warnings) {
        const text = wrappedText(`Warning: ${warning}`, columnsOf(process.stderr) ?? Infinity);
        process.stderr.write(`${text}\n`);
      }
      const columns = columnsOf(process.stdout);
      const room = columns === null ? { width: 100 } : { width: columns, columns };
      done(runPlan({ config, forMs, ...room }, process.stdout));
    });

  quickForm(program.command("doctor"))
    .description(
      "looks at workers, queues and tasks, sends one task of each kind, and says what is wrong with the remedy",
    )
    .option("--no-send", "only look: send nothing")
    .option("--wait <duration>", "how long to wait for each result at most", "10s")
    .option("--json", "print everything that was found as JSON")
    .addOption(set)
    .action(async (files: string[], flags: Omit<DoctorFlags, "files">) => {
      const { doctor } = await import("./commands/doctor.js");
      done(await doctor({ ...flags, files }, processStreams(), receiveSignals));
    });

  program
    .command("rules")
    .description("recording and alerting rules for Prometheus; the same for every configuration")
    .addOption(
      oneOf(
        RULE_FORMATS,
        new Option("--format <format>", "a rule file, or a PrometheusRule of the operator"),
      ).default("prometheus"),
    )
    .option("--out <file>", "write there instead of to standard output")
    .option("--runbooks <url>", "where the alerts' runbook_url leads (default: docs/runbooks)")
    .option("--grafana <url>", "Grafana of dashboard_url (default: http://localhost:3000)")
    .action(async (flags: RulesFlags) => {
      const { runRules } = await import("./commands/rules.js");
      done(runRules(flags, process));
    });

  program
    .command("dashboards")
    .description("Grafana's dashboards, to import or to provision; lists them without --out")
    .option("--out <dir>", "write them there; the folder is made when it is not there")
    .action(async (flags: DashboardsFlags) => {
      const { runDashboards } = await import("./commands/dashboards.js");
      done(runDashboards(flags, process));
    });

  program
    .command("demo")
    .description(
      "broker, worker, daemon (and Prometheus when installed) on this machine, from nothing",
    )
    .option("--for <duration>", "end after this time, such as 30s")
    .option(
      "--port <port>",
      "port of /metrics; the next free one when it is taken",
      String(DEMO_PORT),
    )
    .action(async (flags: { for?: string; port: string }) => {
      const forMs = flags.for === undefined ? null : parseFor(flags.for);
      const { runDemo } = await import("./commands/demo.js");
      done(await runDemo({ forMs, port: parsePort(flags.port) }, processStreams()));
    });

  program
    .command("completion")
    .description("a script that completes commands, flags and their values in your shell")
    .addArgument(new Argument("<shell>", "whose script").choices(SHELLS))
    .addHelpText("after", COMPLETION_HELP)
    .action(async (shell: Shell) => {
      const { completionScript } = await import("./cli/completion.js");
      process.stdout.write(completionScript(shell, describeCommand(program, DEFAULT_COMMAND)));
    });
  return program;
}

/** What is meant when no command is named. */
export const DEFAULT_COMMAND = "run";

/** A configuration in files, or in flags when there is none. */
function quickForm(command: Command): Command {
  return command
    .argument("[FILE...]", "configuration files; later ones win")
    .option(
      "--broker <url>",
      "quick form: Celery's broker URL (default: $CELERY_BROKER_URL, or the file $CELERY_BROKER_URL_FILE); again for a fail-over list",
      oneOrMore,
    )
    .option("--backend <url>", "quick form: result backend (default: the broker)", oneOrMore)
    .option("--task <name>", "quick form: registered name of the task")
    .option("--args <json>", "quick form: positional arguments, a JSON list")
    .option("--kwargs <json>", "quick form: keyword arguments, a JSON mapping")
    .option("--rate <rate>", "quick form: 20/s, 5/m, or max")
    .option("--profile <json>", 'quick form: {"steps": ["20/s for 10m", …], "repeat": true} …')
    .option("--queue <name>", "quick form: queue (default: celery)");
}

/** URLs of an option that is given again are a fail-over list. */
function oneOrMore(url: string, others: string | undefined): string {
  return others === undefined ? url : `${others};${url}`;
}

/** An option with few values, of which the one that was most likely meant is told. */
function oneOf(values: readonly string[], option: Option): Option {
  return option.choices(values).argParser((value: string) => {
    if (values.includes(value)) return value;
    const meant = didYouMean(value, values);
    const question = meant === undefined ? "" : `Did you mean ${meant}? `;
    throw new InvalidArgumentError(`${question}Choices are ${values.join(", ")}.`);
  });
}

function processStreams(): Streams {
  return {
    env: process.env,
    stdout: (text) => process.stdout.write(text),
    stderr: (text) => process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
    stdoutColumns: () => columnsOf(process.stdout),
    stderrColumns: () => columnsOf(process.stderr),
  };
}
