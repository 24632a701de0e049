/** What to do about the first word of an error that Redis answers a push with. */
const REMEDIES: Readonly<Record<string, string>> = {
  NOPERM:
    "Give the user the right in the server's ACL: +lpush, and the key by a pattern such as ~KEY.",
  OOM: "Redis is at its maxmemory: see that workers empty the queues, or raise maxmemory.",
  READONLY: "This server is a replica: name its master in the URL of the broker.",
  MISCONF: "Redis cannot save its data and takes no writes until it can: see its log and its disk.",
  WRONGTYPE:
    "Somebody else keeps something under this name that is no list: correct the task's queue, or the database in the URL.",
  LOADING: "Redis is still reading its data: wait until it has.",
  NOREPLICAS: "Too few replicas are connected (min-replicas-to-write): see that they are there.",
  CLUSTERDOWN: "The cluster does not serve this key: see cluster info.",
  MOVED:
    "The key belongs to another node of a cluster, which Celery cannot use: name a server that has all keys.",
};

/**
 * The server's words on messages that it has not taken, and what to do about it in a second line.
 * @param key of the list, or of the bindings of an exchange, that was asked for
 */
export function refusalText(words: string, key: string): string {
  const remedy = REMEDIES[/^[A-Z]+/.exec(words)?.[0] ?? ""] ?? "The server's log may say more.";
  return `${words} (key "${key}")\n${remedy.replace("KEY", key)}`;
}
