import type { AmqpServer } from "../../celery/urls/amqp-url.js";
import { messageOf } from "../../errors.js";
import { isFull, remedyForFull } from "../limit.js";

/** True for a refusal of which amqplib tells the kind of the answer, and not its words. */
export function isUnexplained(error: unknown): boolean {
  return /Expected ConnectionOpenOk; got <ConnectionClose\b/i.test(messageOf(error));
}

/** What the broker said of an error, without what amqplib writes before it. */
export function brokerWords(error: unknown): string {
  const text = messageOf(error);
  return /with message "(.*)"$/s.exec(text)?.[1] ?? OWN_WORDS.get(text) ?? text;
}

/** What amqplib says of a server that says nothing. */
const OWN_WORDS: ReadonlyMap<string, string> = new Map([
  ["connect ETIMEDOUT", "the server does not answer, or a firewall holds back what is sent to it"],
  [
    "Socket closed abruptly during opening handshake",
    "the server closed the connection without a word of RabbitMQ's protocol (AMQP 0-9-1)",
  ],
]);

/** The cause of a loss in the broker's words, with what to do about a limit. */
export function causeOf(error: unknown): string {
  const words = brokerWords(error);
  if (isFull(words)) return words + remedyForFull(words);
  if (!/queue limit in vhost/.test(words)) return words;
  return `${words}\nRaise the limit (rabbitmqctl set_vhost_limits), or name another result backend than rpc://, which needs a queue.`;
}

/**
 * What to do about answers that stay the same until somebody changes an account, its rights, a virtual host, or a
 * queue of our name; undefined for all other errors, a limit that is reached among them. The broker's own words come
 * first.
 */
export function refusalOf(error: unknown, server: AmqpServer): string | undefined {
  const text = brokerWords(error);
  if (isFull(text)) return undefined;
  // We declare none but our own, always in the same way.
  if (/inequivalent arg .* for queue/.test(text))
    return `${text}
${OTHER_QUEUE}`;
  if (!/ACCESS.REFUSED|NOT.ALLOWED/i.test(text) && !isUnexplained(error)) return undefined;
  return `${text}\n${remedyFor(text, server)}`;
}

const OTHER_QUEUE =
  "The queue is this process's own, and somebody has declared another one of its name: ask who. When that one is gone it goes on; after a restart the name is a new one, and replies of tasks in flight are lost.";

function remedyFor(text: string, { username, vhost }: AmqpServer): string {
  const name = vhost === "/" ? '"/" (a URL without a path, or with //)' : JSON.stringify(vhost);
  if (/vhost .*not found/i.test(text)) {
    return `The virtual host is the path of the URL: ${name} here. Correct it (// is the virtual host "/", and a slash in a name is %2F), or make it: rabbitmqctl add_vhost ${shellWord(vhost)}.`;
  }
  if (/access to vhost .*refused/i.test(text)) {
    return `The virtual host is the path of the URL: ${name} here. Correct it (// is the virtual host "/"), or let the user in: rabbitmqctl set_permissions -p ${shellWord(vhost)} ${shellWord(username)} ".*" ".*" ".*".`;
  }
  if (/login was refused/i.test(text)) {
    const guest =
      username === "guest" ? " The user guest may log in from the broker's own machine only." : "";
    return `Check user name and password in the URL, percent-encoded.${guest}`;
  }
  return "Check user name, password and virtual host in the URL, and the user's permissions there.";
}

/** As a shell takes it for one word. */
function shellWord(text: string): string {
  return /^[\w./@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
