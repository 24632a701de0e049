import { type ConfigurationKey, configurationKeys } from "./configuration-keys.js";
import { copiedOptionsText } from "./copied-options.js";
import { EXAMPLE_CONFIGURATION } from "./example-configuration.js";
import { code, GENERATED, table } from "./markdown.js";
import { TEMPLATE_FUNCTIONS } from "./template-functions.js";

/** The page docs/configuration.md: every key, and how values are written, merged and replaced. */
export function configurationPage(): string {
  return `${GENERATED}

# Configuration

\`celery-load run FILE…\` reads YAML. Before anything is sent, \`celery-load check FILE…\` prints what is in effect with the origin of each value (passwords masked), or every fault with its file, line and column; \`celery-load plan FILE…\` draws the rates over time. What one of \`check\`, \`plan\`, \`doctor\` and \`run\` refuses, all of them do, in the same words.

Three sections are needed: \`connections\` (a broker and its result backend), \`tasks\` (what to send) and \`scenarios\` (how much of it, when). Keys that are not listed here are refused, unless they [start with \`x-\`](#written-once-defaults-anchors-and-x--keys).

Editors complete and check the file with the [JSON Schema](configuration.schema.json), which \`celery-load check --json-schema\` prints too. For the YAML language server, name the path or URL of the schema in the first line of the file:

\`\`\`yaml
# yaml-language-server: $schema=./configuration.schema.json
\`\`\`

It is draft 7, which other validators know as well: \`check-jsonschema --schemafile configuration.schema.json load.yml\`. A value with a variable, such as \`threads: \${N}\`, passes. What depends on several keys only \`celery-load check\` finds. A file that is laid over another one lacks sections, and editors say so; leave the first line out there.

## Example

Every key once at least; most have a default and can be left out.

\`\`\`yaml
${EXAMPLE_CONFIGURATION}\`\`\`

## How values are written

- **Rate**: starts a second, minute or hour: \`20/s\`, \`5/m\`, \`0.2/s\`, \`100/h\`; at most \`1000000/s\`. A number without a unit is refused.
- **Duration**: \`500ms\`, \`1.5s\`, \`10m\`, \`2h\`, \`30d\`; at most ten years. A number without a unit is refused.
- **Percentage**: above \`0%\` and below \`100%\`, as in \`99.9%\`.
- **Names** of connections, tasks, scenarios and SLOs are yours: letters, digits, \`-\` and \`_\`, starting with a letter, at most 64 characters. Scenarios refer to the others by them, and they are labels of the [metrics](metrics.md).

## Reference

\`NAME\` stands for a name of yours, \`[]\` for the items of a list.

${Object.entries(sections()).map(sectionText).join("\n\n")}

## URLs of brokers and result backends

They are Celery's own; user names and passwords are percent-encoded.

${table(
  ["URL", "leads to"],
  SERVER_URLS.map(([url, meaning]) => [code(url), meaning]),
)}

Several URLs of Redis, or several of RabbitMQ, are a fail-over list, with \`;\` between them, or as a list in YAML (in a file, in a variable and after \`--set\`), or by \`--broker\` and \`--backend\` given more than once: when a server cannot be reached the next one is tried, and after the last the first. All of them should lead to one deployment, as replicas or nodes of a cluster do: what was sent to one server is not looked for on another. As in kombu, a \`;\` at the end and white space around a URL say nothing. Without \`backend\` results are read from the broker if it is a Redis, and from \`rpc://\` if it is RabbitMQ; it must be what the workers have as \`result_backend\`.

With \`disabled\` outcomes come from the workers' events ([the workers' side](observer.md)): without them a task ends as \`unknown\` at its timeout, and what is measured is the publishing. Other result backends cannot be used by this version: a database, Memcached, files, MongoDB and the like store a result and tell nobody, and are refused at the start, as every task would end as \`timed_out\`. Let the workers of these tasks send results elsewhere, which needs no change of the app: \`celery --result-backend=rpc:// -A APP worker -Q QUEUE\`, and \`backend: rpc://\` here.

\`allow.hosts\` is compared with every host of a URL, and with the master that a Sentinel names. A name may lead somewhere else tomorrow: with a network in the list, such as \`10.2.0.0/16\`, the addresses that DNS gives are looked at as well, at every connection, and only those in a network (or themselves in the list) are connected to; when there is none the daemon says where the name leads: it ends with 104 at the start, and later is not ready. \`[redis.staging, 10.2.0.0/16]\` is that name at those addresses; \`[10.2.0.0/16]\` is any name that leads there. What a Sentinel names is looked up by the library: its address is looked at when the connection is made.

### TLS

Certificates are verified, on a bare \`rediss://\` as well. **Celery differs there**: its broker connection accepts any certificate as long as the URL has no \`ssl_*\` key. To connect as openly, say so with \`verify: false\` or \`ssl_cert_reqs=none\`; a warning at every start reminds of it.

What can be written in \`tls\` can be written in the query of the URL too, with Celery's keys, where paths start from the working directory:

${table(
  ["`tls`", "query of the URL"],
  TLS_QUERY.map(([key, query]) => [code(key), query]),
)}

\`tls\` holds for broker and backend, if their URLs use TLS. Certificates and keys are checked before anything is sent, and read again at each reconnect to a single server or list, so that a new pair needs no restart. A certificate that is refused at the start ends the daemon with exit code 104 and what to set; later it counts as a lost connection and is tried again.

${copiedOptionsText()}

## Written once: defaults, anchors and x- keys

What all tasks or all scenarios have in common stands in \`defaults\`, with the keys of a task and of a scenario:

\`\`\`yaml
${DEFAULTS_EXAMPLE}\`\`\`

- The task's own key wins, and replaces the default as a whole: \`kwargs\`, \`headers\` and profiles are not merged.
- \`name\`, \`chain\`, \`group\`, \`chord\`, \`link\` and \`linkError\` have no defaults.
- All tasks together, and all scenarios, take over 200,000 values at most.
- A workflow takes over \`timeout\` only: its tasks have the rest.
- A task with \`urgency\` does not take over \`priority\`, one with \`eta\` no \`countdown\`, and the other way round.
- \`celery-load check\` shows at each task what it took over, and from where: \`queue: images # load.yml:3:12, defaults.tasks\`.

For what only some have in common there are YAML's anchors, with the merge key \`<<\` as in Compose:

\`\`\`yaml
${MERGE_EXAMPLE}\`\`\`

Keys that stand beside \`<<\` win; of \`<<: [*a, *b]\` the first that has a key. Values are replaced, not merged. A key that starts with \`x-\` is yours and means nothing: at the top, and in every mapping whose keys are listed in the reference. Names of tasks, connections and scenarios may start so too, and what is sent (\`args\`, \`kwargs\`, \`headers\`, \`stamps\`) stays as it is. In quotes, \`"<<"\` is a key like any other.

## Which value wins

From low to high, later ones winning:

1. the default,
2. files, in the order in which they are given: mappings merge key by key, lists replace, and so does a profile of another kind (a ramp over steps),
3. \`CELERY_LOAD_*\` variables of the environment,
4. flags of the command line, such as \`--listen\`,
5. \`--set path=value\`, which may be repeated.

\`defaults\` go through the same layers, and only then fill what is missing: \`--set defaults.tasks.timeout=2m\` changes every task that has no \`timeout\` of its own in a file, and \`--set tasks.resize.headers.tenant=a\` changes one header and keeps those of the defaults.

\`--set\` takes the path of the tables above and a value as in YAML:

\`\`\`bash
celery-load run load.yml --set scenarios.steady.profile=50/s --set 'buckets=[100ms, 1s, 10s]'
\`\`\`

A scenario, task or connection that is named there must exist in a file: a misspelt name makes a fault and not a second scenario.

## \`CELERY_LOAD_*\`: one variable for each key

The name is \`CELERY_LOAD_\` and the keys in upper snake case, joined by two underscores; in names of yours upper and lower case do not matter, and \`-\` is \`_\`. The value is written as in YAML.

\`\`\`bash
${VARIABLES.join("\n")}
\`\`\`

A variable that means no key is a fault ("did you mean …?"), so that a typing error does not go unnoticed; those that Kubernetes makes for a service called \`celery-load\` are ignored.

## \`\${NAME}\`: variables in a file

In any value of a file, not in keys:

| written | becomes |
| --- | --- |
| \`\${NAME}\` | the variable \`NAME\` of the environment; a fault when it is not set |
| \`\${NAME:-text}\` | the same, or \`text\` when it is not set or empty |
| \`$$\` | one dollar sign; any other dollar sign stands for itself |

They are put in after the file has been read as YAML, so no variable can change its structure. Without quotes around it a value becomes a number, \`true\` or \`false\` when it looks like one; in quotes it stays text.

A password can be a variable: \`broker: redis://:\${REDIS_PASSWORD}@redis.staging:6379/0\`. Characters such as \`@ / # ?\` in it must then be percent-encoded, as in Celery; [from a file](#secrets-from-files) it may hold any. A file that itself holds a password must not be writable by every user, and a warning says so when others can read it.

## Secrets from files

Docker and Kubernetes mount secrets as files. There are three ways to use one:

| the file holds | write |
| --- | --- |
| the URL, password and all | \`broker: { urlFile: /run/secrets/broker_url }\` |
| the password alone | \`broker: { url: "redis://load@redis:6379/0", passwordFile: /run/secrets/redis }\` |
| any value | the name of a variable with \`_FILE\` behind it |

The first two hold for \`broker\`, \`backend\` and \`management\`; \`sentinel_kwargs\` takes a \`passwordFile\`, too. A password from \`passwordFile\` is percent-encoded for you. In a list of URLs it goes into each of them. Paths start from the file that they stand in.

The third is what the official images of Docker do. When \`NAME\` is not set or empty, its value is read from the file that \`NAME_FILE\` names:

| variable | in place of |
| --- | --- |
| \`CELERY_BROKER_URL_FILE\`, \`CELERY_RESULT_BACKEND_FILE\` | \`--broker\` and \`--backend\` of the quick form |
| \`CELERY_LOAD_…_FILE\` | each of the variables above: \`CELERY_LOAD_CONNECTIONS__MAIN__BROKER_FILE\` |
| \`NAME_FILE\` | \`\${NAME}\` in a file |

Both \`NAME\` and \`NAME_FILE\` is a fault, as there is no way to know which one is meant. Paths in variables start from the working directory. A name that is a key stays that key: \`…__TLS__CA_FILE\` is \`tls.caFile\`.

The file is text in UTF-8 of at most 64 KiB. Line ends at its end do not count; a URL or a password is one line. It is read once, at the start: restart the daemon after the secret has changed. It may be a link to anywhere, or a pipe; a pipe that gives nothing for 5 s, and a file that is missing, empty, a directory, a device, a socket or binary, ends the start with exit code 104 and its place.

Nothing of these files is shown, in \`check\`, in a fault or in the log, but host, user and database of a broker's or backend's URL. \`check\` says which file a value came from.

A file that every user of the machine can read or change gives a warning, not a refusal. Files in memory (tmpfs, ramfs) that can be read give none: Kubernetes mounts secrets there with mode 644 and Docker with 444, and both only into the container that they are for. A group may read: that is how a service gets a file that root owns.

## Templates in arguments

Texts in \`args\` and \`kwargs\`, at any depth, may call one of these functions in double braces. Nothing else is evaluated.

${table(
  ["written", "gives"],
  Object.values(TEMPLATE_FUNCTIONS).map(({ use, gives }) => [code(use), gives]),
)}

A text that is one template and nothing else becomes its value, numbers staying numbers: \`"{{ int(1, 6) }}"\` sends \`4\`. Within a longer text the value is put in: \`"order-{{ seq }}"\` sends \`"order-17"\`. YAML needs quotes around a text that starts with a brace. Arguments of a function are numbers, texts in quotes, \`true\`, \`false\` and \`null\`. Random values follow \`seed\`. Two braces that are to be sent as they are: \`{{ choice("{{") }}\`.
`;
}

/** Both are read by a test. */
export const DEFAULTS_EXAMPLE = `defaults:
  tasks:
    queue: images
    timeout: 30s
  scenarios:
    gracefulStop: 10s
tasks:
  resize: { name: app.tasks.resize }
  report: { name: app.tasks.report, queue: reports }
`;

export const MERGE_EXAMPLE = `x-slow: &slow
  timeout: 5m
  expires: none
tasks:
  export: { <<: *slow, name: app.tasks.export }
  import: { <<: *slow, name: app.tasks.import, timeout: 10m }
`;

const SERVER_URLS = [
  ["redis://user:password@host:6379/0", "Redis, database 0; every part may be left out"],
  ["rediss://host:6379/0", "the same with TLS"],
  ["redis+socket:///path/to/redis.sock?virtual_host=0", "Redis through a Unix socket, database 0"],
  [
    "sentinel://:password@a:26379/0;sentinel://b:26379/0",
    "the Redis that these Sentinels name, after a failover the new one; `options.master_name` is needed, user, password and database are those of the Redis",
  ],
  [
    "amqp://user:password@host:5672/vhost",
    "RabbitMQ; without a path, and with `//`, the virtual host is `/`; without a user it is guest",
  ],
  ["amqps://user:password@host:5671/vhost", "the same with TLS"],
  ["rpc://", "only as backend: replies through the broker"],
  ["disabled", "only as backend: no results"],
] as const;

const TLS_QUERY = [
  ["caFile", "`ssl_ca_certs=PATH`"],
  ["certFile", "`ssl_certfile=PATH`"],
  ["keyFile", "`ssl_keyfile=PATH`"],
  ["verify", "`ssl_cert_reqs=required`, or `none` for false (`optional` is `required`)"],
  ["serverName", "`ssl_server_hostname=NAME`, or `ssl_check_hostname=false` for any"],
] as const;

/** Held against the example configuration by a test. */
const VARIABLES = [
  "CELERY_LOAD_SCENARIOS__STEADY__MAX_IN_FLIGHT=500",
  "CELERY_LOAD_SCENARIOS__STEADY__PROFILE='{steps: [10/s for 1m, 50/s for 1m], repeat: true}'",
  "CELERY_LOAD_CONNECTIONS__MAIN__BROKER=redis://127.0.0.1:6379/3",
  "CELERY_LOAD_SERVER__LISTEN=127.0.0.1:9900",
  "CELERY_LOAD_SEED=7",
];

const INTRODUCTIONS: Readonly<Record<string, string>> = {
  defaults:
    "The keys are those of a task and of a scenario, above. What wins is told [below](#written-once-defaults-anchors-and-x--keys).",
  slos: "[Service level objectives](slo.md) says what counts as good and bad, and how alerts come of it.",
  connections:
    "What must match the workers' own configuration is said so; without a `broker_transport_options` there, leave `options` out here, and without a `result_backend_transport_options` leave `backendOptions` out. What else may stand in them is told [below](#options-copied-from-celery).",
  scenarios:
    "A scenario starts `startAfter` after the daemon, and ends after `duration`, with its profile, or when the daemon stops. Then it waits for results, `gracefulStop` at most; what is still in flight after that ends as `unknown`.\n\nMost profiles follow the plan's own time, which begins with the scenario and stands in a pause. A `week`, and a `sine` whose `peakAt` is a local time, follow the clock on the wall of their zone instead: a pause, `startAfter`, `restart` or a restart of the daemon does not move them, and as an override they are where the clock is. Where the clocks are put forward, the hour that does not exist is skipped; where they are put back, the hour that comes twice is driven twice. The zones' rules are those that Node brings along. A `sine` with an amplitude above its mean starts nothing where it would be below 0. `celery-load plan --on 2027-03-28` draws a day.\n\nA `replay` starts what a file tells of, at the times that it says: [Replay](replay.md). A `backlog` holds a queue's depth, and `topUp` adds what real traffic leaves of a rate: [Backlog and top-up](feeds.md).\n\n`max` and `users` are closed loops: the workers decide how many tasks are started. [Users](users.md) are those of Locust, with `spawnRate`, `wait` and `maxRate`.\n\nWith `windows` a scenario starts tasks only within its windows, whatever is ordered, and is `waiting` outside: its profile goes on meanwhile, and what was missed is not made up for. A window is days (`sat,sun`), a part of every day (`12:00-13:00`), or both (`mon-fri 22:00-06:00`); one that reaches beyond midnight belongs to the day on which it begins, and is left out when that is one of the dates in `except`. With `on` and `off` it starts within `on`, and never within `off`.",
};

/** Keys by the section that they stand in; keys without a section of their own come last. */
function sections(): Record<string, ConfigurationKey[]> {
  const keys = configurationKeys();
  const titles = keys.filter(({ path }) =>
    keys.some((key) => key.path !== path && isIn(key, path)),
  );
  const tops = titles.filter(({ path }) => !/[.[]/.test(path)).map(({ path }) => path);
  const rest = keys.filter((key) => !tops.some((top) => isIn(key, top)));
  return {
    ...Object.fromEntries(tops.map((top) => [top, keys.filter((key) => isIn(key, top))])),
    "other keys": rest,
  };
}

function isIn({ path }: ConfigurationKey, top: string): boolean {
  return path === top || path.startsWith(`${top}.`) || path.startsWith(`${top}[].`);
}

function sectionText([title, keys]: [string, ConfigurationKey[]]): string {
  const introduction = [keys.find(({ path }) => path === title)?.description, INTRODUCTIONS[title]];
  const rows = keys.filter(({ path }) => path !== title).map(row);
  return [
    title === "other keys" ? "### Other keys" : `### ${code(title)}`,
    ...introduction.filter((text) => text !== undefined),
    table(["key", "form", "default", "meaning", "example"], rows),
  ].join("\n\n");
}

function row(key: ConfigurationKey): string[] {
  const { path, form, isRequired, defaultText, description, example } = key;
  return [
    code(path),
    form,
    isRequired ? "**required**" : code(defaultText),
    description,
    code(example),
  ];
}
