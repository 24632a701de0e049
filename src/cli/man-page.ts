import { EXIT } from "../errors.js";
import { type CommandDescription, commandsOf, type OptionDescription } from "./description.js";

/** The manual page celery-load(1), in the macros of man(7); a newline at its end. */
export function manPage(program: CommandDescription, version: string): string {
  const commands = commandsOf({ ...program, defaultCommand: null }).filter(
    ({ path }) => path.length > 0 && path[0] !== "help",
  );
  return lines(
    `.\\" Made by npm run generate from the command line. Do not edit.`,
    `.TH ${program.name.toUpperCase()} 1 ${REVISED} "celery-load-exporter ${version}" "User Commands"`,
    // Left-aligned and without hyphens: flags and URLs are to be copied.
    ".nh",
    ".ad l",
    ".SH NAME",
    `${text(program.name)} \\- ${text(lowerFirst(program.summary))}`,
    ".SH SYNOPSIS",
    ...commands.flatMap(({ path, command }, index) => [
      ...(index === 0 ? [] : [".br"]),
      synopsis([program.name, ...path], command),
    ]),
    ".SH DESCRIPTION",
    ...paragraphs(DESCRIPTION),
    `Without a command it is`,
    `.BR ${program.defaultCommand ?? "help"} .`,
    ".SH OPTIONS",
    ...program.options.flatMap(optionLines),
    ".SH COMMANDS",
    ...commands.flatMap(({ path, command }) => [
      `.SS "${text(path.join(" "))}"`,
      synopsis([program.name, ...path], command),
      ".PP",
      `${text(upperFirst(command.summary))}.`,
      ...command.arguments.flatMap(({ value, summary }) =>
        summary === ""
          ? []
          : [".TP", `.I ${text(value.name)}`, text(detailsOf(summary, value.choices))],
      ),
      ...command.options.filter(({ flags }) => !flags.includes("--help")).flatMap(optionLines),
    ]),
    ".SH EXIT STATUS",
    ...Object.entries(EXIT).flatMap(([name, code]) => [
      ".TP",
      `.B ${code}`,
      text(EXIT_MEANINGS[name as keyof typeof EXIT]),
    ]),
    ".SH ENVIRONMENT",
    ...Object.entries(ENVIRONMENT).flatMap(([name, meaning]) => [
      ".TP",
      `.B ${text(name)}`,
      ...paragraphs([meaning]),
    ]),
    ".SH FILES",
    ...Object.entries(FILES).flatMap(([name, meaning]) => [
      ".TP",
      `.I ${text(name)}`,
      text(meaning),
    ]),
    ".SH EXAMPLES",
    ...EXAMPLES.flatMap(([meaning, command], index) => [
      ...(index === 0 ? [] : [".PP"]),
      text(meaning),
      ".PP",
      ".RS 4",
      ".nf",
      text(command).replaceAll("-", "\\-"),
      ".fi",
      ".RE",
    ]),
    ".SH SEE ALSO",
    text(
      "The folder docs of the package has the pages on the configuration, metrics, SLOs, deployment and operation.",
    ),
  );
}

/** When what is written here by hand was last looked over: the day on which a page was made would differ each time. */
const REVISED = "2026-11-28";

const DESCRIPTION = [
  "It publishes Celery tasks at a planned rate to a real broker, measures what became of every one of them, and serves that as metrics for Prometheus. It runs for minutes or for months.",
];

/** A new exit code needs its meaning. */
const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: "All is well.",
  failed: "Anything else that failed.",
  inconclusive:
    "No threshold is missed, and one at least could not be decided; with --exit-on-slo the same of SLOs.",
  missed: "A threshold is missed; with --exit-on-slo also when an SLO is.",
  badConfiguration:
    "The configuration or a flag cannot be used, or a server refuses it: a wrong password, say.",
  stoppedBySignal: "A signal stopped the run before --for or --count was over.",
};

const ENVIRONMENT: Readonly<Record<string, string>> = {
  CELERY_BROKER_URL: "The broker when neither a FILE nor --broker is given.",
  CELERY_RESULT_BACKEND: "The result backend when no FILE, --broker or --backend is given.",
  "CELERY_LOAD_…":
    "One value of the configuration each: the keys in upper snake case, joined by two underscores, as in CELERY_LOAD_SCENARIOS__STEADY__MAX_IN_FLIGHT=500.",
  CELERY_LOAD_LOG_LEVEL: "As --log-level.",
  NAME_FILE: `For each of the variables above but the last, and for each \${NAME} in a FILE: a file with the value, when NAME itself is not set. Docker and Kubernetes mount secrets so.`,
};

const FILES: Readonly<Record<string, string>> = {
  FILE: "A configuration in YAML; of several, later ones win. The page docs/configuration.md of the package has every key, and celery-load check --json-schema prints the schema for editors.",
};

const EXAMPLES = [
  [
    "Twenty tasks a second for ten minutes, then a report:",
    "celery-load run --broker redis://127.0.0.1:6379/0 \\\n  --task app.tasks.add --args '[1, 2]' --rate 20/s --for 10m",
  ],
  [
    "What a configuration would do, before anything is sent:",
    "celery-load check load.yml && celery-load plan load.yml",
  ],
  ["What is wrong with a deployment, with remedies:", "celery-load doctor load.yml"],
] as const;

function synopsis(names: readonly string[], { usage }: CommandDescription): string {
  return `.B ${names.map(flag).join(" ")}\n${text(usage)}`.trimEnd();
}

function optionLines({ flags, value, details }: OptionDescription): string[] {
  const argument = value === null ? "" : ` \\fI${text(value.name)}\\fR`;
  return [
    ".TP",
    `${flags.map((name) => `\\fB${flag(name)}\\fR`).join(", ")}${argument}`,
    text(upperFirst(details)),
  ];
}

function detailsOf(summary: string, choices: readonly string[] | null): string {
  return `${upperFirst(summary)}${choices === null ? "" : `: ${choices.join(", ")}`}.`;
}

function paragraphs(texts: readonly string[]): string[] {
  return texts.flatMap((each, index) => (index === 0 ? [text(each)] : [".PP", text(each)]));
}

/** Text for roff, in lines of a readable length: none may start with a full stop or apostrophe, as commands do. */
function text(plain: string): string {
  return plain
    .split("\n")
    .flatMap(wrapped)
    .join("\n")
    .replaceAll("\\", "\\e")
    .replace(/^[.']/gm, "\\&$&")
    .replaceAll("'", "\\(aq")
    .replaceAll("…", "...")
    .replace(/[^\x20-\x7e\n]/gu, (character) => {
      const point = character.codePointAt(0) ?? 0;
      return `\\[u${point.toString(16).toUpperCase().padStart(4, "0")}]`;
    });
}

const LINE_LENGTH = 72;

function wrapped(line: string): string[] {
  if (line.length <= LINE_LENGTH) return [line];
  const space = line.lastIndexOf(" ", LINE_LENGTH);
  return space <= 0 ? [line] : [line.slice(0, space), ...wrapped(line.slice(space + 1))];
}

/** A flag that can be copied: its dashes are no hyphens. */
function flag(name: string): string {
  return text(name).replaceAll("-", "\\-");
}

function lines(...all: readonly string[]): string {
  return `${all.filter((line) => line !== "").join("\n")}\n`;
}

function upperFirst(sentence: string): string {
  return sentence.slice(0, 1).toUpperCase() + sentence.slice(1);
}

function lowerFirst(sentence: string): string {
  return sentence.slice(0, 1).toLowerCase() + sentence.slice(1);
}
