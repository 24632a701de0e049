import {
  KNOWN_OPTIONS,
  type KnownOption,
  type OptionPlace,
} from "../celery/messages/known-options.js";
import { code, table } from "./markdown.js";

/** The part of docs/configuration.md on options and queries that were copied from Celery's own configuration. */
export function copiedOptionsText(): string {
  return `## Options copied from Celery

\`options\` takes what \`broker_transport_options\` holds, and \`backendOptions\` what \`result_backend_transport_options\` holds: every key that kombu, py-amqp and redis-py know. Those that concern who sends and measures act, and stand in the reference above; of another kind of server than the one in use they do nothing. Those in the table below are accepted and do nothing. \`celery-load check\` names them once, in a line that starts with \`Note:\`, and \`run\` in its log at the level \`debug\`. A key that nobody knows is refused.

\`control_exchange\`, \`event_exchange\` and \`event_queue_prefix\` are settings of Celery's own, and stand in \`options\` here: workers whose names differ are neither seen nor heard.

Workers with \`ack_emulation: false\` note nowhere what they hold, and \`queue_unacked\` is missing then. A \`visibility_timeout\` that is shorter than a countdown or a timeout gives a warning: Redis hands the task out again, it runs twice, and \`duplicate_results_total\` counts.

${table(
  ["option", "of", "in", "why it does nothing"],
  rowsOf(["options", "backendOptions", "sentinel_kwargs"], ["ignored", "warns"]),
)}

### Query of a URL

Keys of Celery's URLs, with the same meaning; what is written in \`options\`, \`backendOptions\` or \`tls\` wins. An \`ssl_*\` key switches TLS on for every scheme, as in kombu's broker URLs.

${table(["key", "URL", "does"], queryRows())}

Accepted without effect: ${listOf(["redis URL", "amqp URL"], "ignored")}. With a warning: ${listOf(["redis URL", "amqp URL"], "warns")}. Other keys are refused, as no worker could start with them.`;
}

const isIn = (places: readonly OptionPlace[]) => (option: KnownOption) =>
  option.places.some((place) => places.includes(place));

/** Those that have one reason share a row. */
function rowsOf(places: readonly OptionPlace[], does: readonly KnownOption["does"][]): string[][] {
  const rows = new Map<string, { option: KnownOption; names: string[] }>();
  for (const option of KNOWN_OPTIONS.filter(isIn(places))) {
    if (!does.includes(option.does)) continue;
    const key = [option.text, option.of, option.places].join();
    const row = rows.get(key) ?? { option, names: [] };
    row.names.push(option.name);
    rows.set(key, row);
  }
  return [...rows.values()].map(({ option, names }) => [
    names.map(code).join(", "),
    SERVERS[option.of],
    option.places
      .filter((place) => places.includes(place))
      .map(code)
      .join(", "),
    option.text,
  ]);
}

const SERVERS = { redis: "Redis", amqp: "RabbitMQ", both: "both" } as const;

function queryRows(): string[][] {
  return KNOWN_OPTIONS.filter(isIn(["redis URL", "amqp URL"]))
    .filter(({ does }) => does === "acts")
    .map(({ name, of, text, places }) => [
      code(name),
      SERVERS[of],
      places.includes("options") ? `as ${code(`options.${name}`)}` : text,
    ]);
}

function listOf(places: readonly OptionPlace[], does: KnownOption["does"]): string {
  const names = KNOWN_OPTIONS.filter(isIn(places)).filter((option) => option.does === does);
  return [...new Set(names.map(({ name }) => code(name)))].join(", ");
}
