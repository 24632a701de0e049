import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { COMPLETION_HELP, SHELLS, type Shell } from "./cli/shells.js";
import type { CtlFlags } from "./commands/ctl.js";
import type { DashboardsFlags } from "./commands/dashboards.js";
import type { DoctorFlags } from "./commands/doctor.js";
import { DEMO_PORT, parseFor, parsePort } from "./commands/flags.js";
import type { InitFlags } from "./commands/init.js";
import type { LearnFlags } from "./commands/learn.js";
import { DAY_CHOICES, LEARN_SOURCES } from "./commands/learn-sources.js";
import type { PlanFlags } from "./commands/plan.js";
import type { RulesFlags } from "./commands/rules.js";
import type { RunFlags } from "./commands/run.js";
import type { StandInFlags } from "./commands/stand-in.js";
import { STATE_ACTS, type StateAct } from "./commands/state-acts.js";
import type { Streams } from "./commands/streams.js";
import type { OrderName } from "./ctl/orders.js";
import { describeCommand } from "./describe-commands.js";
import { didYouMean } from "./did-you-mean.js";
import { LOG_LEVELS } from "./log.js";
import { checkOpenFiles } from "./open-files.js";
import { RULE_FORMATS } from "./rules/formats.js";
import { receiveSignals } from "./signals.js";
import { columnsOf } from "./terminal/terminal.js";
import { prepareEngineThread } from "./threads/spare-thread.js";
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
    .option("--control <addr:port>", "where orders are taken, or off (default: 127.0.0.1:9810)")
    .option("--for <duration>", "end after this time, such as 30m")
    .option("--count <starts>", "end after this many starts")
    .option("--segment <i/n>", "do the i-th of n equal parts of the starts (default: 1/1)")
    .option("--json", "print the end report as JSON")
    .option("--report <dir>", "write report.json, junit.xml, summary.md and report.html there")
    .option("--strict", "with --report: what is inconclusive is an error in junit.xml, not skipped")
    .addOption(
      new Option("--push <url>", "send the metrics to this Pushgateway when the run has ended").env(
        "CELERY_LOAD_PUSH_URL",
      ),
    )
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
    .option(
      "--on <date>",
      "the day to draw of what follows a time zone, such as 2027-03-28 (default: today)",
    )
    .addOption(set)
    .action(async (files: string[], flags: Omit<PlanFlags, "files">) => {
      const { runPlan } = await import("./commands/plan.js");
      done(runPlan({ ...flags, files }, process.env, process));
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
    .command("learn")
    .description(
      "writes a configuration with the shape of production's traffic: names and rates only",
    )
    .argument("[SOURCE]", "Prometheus' URL; of events a configuration with the connection")
    .addOption(
      oneOf(
        LEARN_SOURCES,
        new Option("--from <source>", "what to learn from"),
      ).makeOptionMandatory(),
    )
    .option("--range <duration>", "prometheus: how far back", "7d")
    .option(
      "--step <duration>",
      "prometheus: how far apart its counters are read (default: fitting)",
    )
    .addOption(
      new Option(
        "--match <matcher>",
        'prometheus: a label to match, as job="celery"; may be repeated',
      )
        .argParser((value: string, before: string[]) => [...before, value])
        .default([], "none"),
    )
    .option("--token-file <file>", "prometheus: file with a bearer token")
    .option("--for <duration>", "events: how long to listen", "1h")
    .option("--connection <name>", "events: which connection of SOURCE (default: its only one)")
    .option("--broker <url>", "events: a broker instead (default: $CELERY_BROKER_URL)", oneOrMore)
    .option("--scale <factor>", "multiply all rates", "1")
    .addOption(oneOf(DAY_CHOICES, new Option("--day <day>", "one day of them, for every day")))
    .option("--zone <zone>", "whose weekdays and hours (default: this machine's time zone)")
    .option("--out <file>", "where to write; -: standard output", "learned.yml")
    .option("--force", "write over a file that is there")
    .action(async (source: string | undefined, flags: Omit<LearnFlags, "source">) => {
      const { learn } = await import("./commands/learn.js");
      done(await learn({ ...flags, source }, processStreams(), receiveSignals));
    });

  program
    .command("stand-in")
    .description(
      "writes a Celery worker whose tasks have the names and run times of a configuration",
    )
    .argument("<FILE...>", "configuration files, as learn writes them")
    .option("--out <file>", "where to write; -: standard output", "standin.py")
    .option("--force", "write over a file that is there")
    .action(async (files: string[], flags: Omit<StandInFlags, "files">) => {
      const { standIn } = await import("./commands/stand-in.js");
      done(standIn({ ...flags, files }, processStreams()));
    });

  program
    .command("state")
    .description("what a state file holds, or puts it aside so that the next run begins anew")
    .addArgument(new Argument("<act>", "what to do").choices(STATE_ACTS))
    .argument("<FILE>", "state.file of the configuration")
    .option("--json", "show: everything as JSON")
    .action(async (act: StateAct, file: string, flags: { json?: boolean }) => {
      const { runState } = await import("./commands/state.js");
      done(runState(act, file, process, flags));
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

  ctlCommands(
    program.command("ctl").description("orders to a running daemon, and what it does now"),
    done,
  );

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

/** Every order, its arguments, and the flags that it takes beside those of all. */
const ORDERS: readonly (readonly [
  name: OrderName,
  words: readonly string[],
  summary: string,
  flags: readonly ("over" | "ttl" | "revoke")[],
])[] = [
  [
    "set",
    ["<SCENARIO>", "<CHANGE>"],
    "overrides: rate=50/s, scale=2, users=80, profile=JSON or mix=a:3,b:1",
    ["over", "ttl"],
  ],
  ["pause", ["<SCENARIO>"], "nothing starts, and the plan's clock stands", ["ttl"]],
  ["resume", ["<SCENARIO>"], "ends the pauses that people ordered", []],
  ["start", ["<SCENARIO>"], "starts what was stopped or has ended", []],
  ["stop", ["<SCENARIO>"], "ends a scenario; results are still waited for", []],
  ["burst", ["<SCENARIO>", "<COUNT>"], "so many starts beyond the rate", ["over"]],
  ["skip-stage", ["<SCENARIO>"], "goes on with the next stage of the plan", []],
  ["restart", ["<SCENARIO>"], "begins the plan anew", []],
  ["stop-all", [], "the kill switch: nothing starts until it is released", ["revoke"]],
  ["release", [], "releases the kill switch", []],
  ["undo", ["<ID>"], "undoes an override or a pause", []],
  ["reload", [], "reads the configuration again, and does what has changed", []],
];

function ctlCommands(ctl: Command, done: (code: number) => void): void {
  toDaemon(ctl.command("status"))
    .description("what each scenario does, and who steers it")
    .action(async (flags: CtlFlags) => {
      const { ctlStatus } = await import("./commands/ctl.js");
      done(await ctlStatus(flags, processStreams()));
    });
  for (const [name, words, summary, flags] of ORDERS) {
    const command = toDaemon(ctl.command(name)).description(summary);
    for (const word of words) command.argument(word);
    if (flags.includes("over")) command.option("--over <duration>", "spread it over so long");
    if (flags.includes("ttl")) {
      command.option("--ttl <duration>", "undo it after so long, such as 10m (default: never)");
    }
    if (flags.includes("revoke")) command.option("--revoke", "revoke what is in flight, too");
    command
      .option("--reason <text>", "why: for the log, the events and whoever comes next")
      .option("--dry-run", "change nothing: say what it would come to")
      .action(async (...given: unknown[]) => {
        const { ctlOrder } = await import("./commands/ctl.js");
        const typed = given.slice(0, words.length) as string[];
        done(await ctlOrder(name, typed, given[words.length] as CtlFlags, processStreams()));
      });
  }
  toDaemon(ctl.command("watch"))
    .description("a line for each event, until Ctrl-C")
    .action(async (flags: CtlFlags) => {
      const { ctlWatch } = await import("./commands/ctl.js");
      done(await ctlWatch(flags, processStreams(), receiveSignals));
    });
}

/** Which daemon is meant, and how its answer is printed. */
function toDaemon(command: Command): Command {
  return command
    .option(
      "--url <url>",
      "where it takes orders (default: $CELERY_LOAD_CONTROL_URL, or http://127.0.0.1:9810)",
    )
    .option(
      "--token-file <file>",
      "file with its token (default: $CELERY_LOAD_CONTROL_TOKEN_FILE, or as --config says)",
    )
    .addOption(
      new Option("--config <file>", "its configuration, which says both; may be repeated")
        .argParser((file: string, before: string[]) => [...before, file])
        .default([], "none"),
    )
    .option("--json", "print the answer as JSON");
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
