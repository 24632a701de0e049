import { ADVICE } from "../doctor/advice.js";
import { check } from "../doctor/checks/checks.js";
import { findingsText } from "../doctor/report.js";
import { code, GENERATED, table } from "./markdown.js";
import { SAMPLE_DEPLOYMENT } from "./sample-deployment.js";

/** The page docs/doctor.md: what the command does, how its report looks, and every advice. */
export function doctorPage(): string {
  return `${GENERATED}

# celery-load doctor

Says what is wrong with a deployment, and with a configuration for it, before anything is measured: \`celery-load doctor FILE…\`, or without a file the flags of the quick form, \`celery-load doctor --broker redis://127.0.0.1:6379/0 --task app.tasks.add --args '[1, 2]'\`. For every connection it

1. connects to broker and result backend,
2. asks the workers by remote control for their queues, tasks and settings, and listens to their heartbeats,
3. looks how long the queues of the configuration are,
4. sends one task of each kind, and each workflow whole, one after another, as the daemon would, and shows its phases,
5. compares all that with the configuration, and prints advice, each with its remedy.

${table(
  ["flag", "meaning"],
  FLAGS.map(([flag, meaning]) => [code(flag), meaning]),
)}

It ends with 0 when there is no problem (there may be warnings and notes), 1 when there is one, 104 when the configuration cannot be used, and 105 when a signal came first.

## What it looks like

\`\`\`
$ celery-load doctor load.yml
${findingsText([SAMPLE_DEPLOYMENT], check(SAMPLE_DEPLOYMENT))}
\`\`\`

This is a real run. \`queue\` and \`run\` are told apart when the workers send events; without, they are \`work\`. Phases between two machines are as right as their clocks.

## What it does to the deployment

The tasks that it sends are run. Nothing else is changed: it declares no queue and no exchange of yours, switches no events on, and sends a task only where a worker that answers consumes its queue and has registered it, or where one may that does not answer; none whose result is ignored or that starts later than \`--wait\`. Its own traces go when it ends, after a signal, too: on Redis one member of \`_kombu.binding.reply.celery.pidbox\` and one list, on RabbitMQ exclusive queues; stored results of its tasks are removed, whatever \`forget\` says. A message that no worker has taken until then stays, and expires as \`expires\` of its task says.

## Every advice

Texts in braces are filled in. What holds for several tasks or workers is said once, with all of their names. A **problem** makes tasks fail or numbers false, a **warning** may do so, a **note** is good to know.

${table(
  ["advice", "level", "what it says", "remedy"],
  Object.entries(ADVICE).map(([name, { level, says, remedy }]) => [
    code(name),
    level,
    says,
    remedy,
  ]),
)}

## What it cannot know

- Workers with \`worker_enable_remote_control = False\` do not answer; one with a solo pool does so between its tasks only.
- Remote control and events are looked for under their default names: another \`control_exchange\` or \`event_exchange\` hides the workers.
- Settings are read as Celery itself resolves them: with any namespace (Django's \`CELERY_…\`), by old names (\`CELERYD_…\`), and with its defaults. The report names those that are not known: hidden as secrets, not told, or set by nothing that a worker tells.
- A rate limit is compared with the highest rate that the plan has for the task, all of its keys and scenarios together, divided by the workers of its queue. From 80 % of the limit on it is told, as starts are not even.
- \`result_backend\` is compared by kind and database, as a server may have many names. When it comes from the worker's variable \`CELERY_RESULT_BACKEND\` Celery does not say it; then only what was sent tells: a task that ends without its result shows that it differs, and a result that arrives that it does not, whatever the settings say.
- How many consumers a queue has, and whether it exists, only RabbitMQ says.
- Clocks are compared by causality alone: an offset that is smaller than the time between publishing and the result may go unseen.
`;
}

const FLAGS: readonly (readonly [string, string])[] = [
  ["--no-send", "only look: send nothing"],
  [
    "--wait DURATION",
    "how long to wait for each result at most, `10s` unless given; never longer than the task's timeout",
  ],
  ["--json", "everything that was found, and the advice, as JSON"],
  ["--set PATH=VALUE", "one value of the configuration, as for `run`"],
];
