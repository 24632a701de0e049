import { MASK } from "../celery/events/worker-conf.js";
import { isMapping } from "../mapping.js";

/** Where `task_routes` sends a task, as far as remote control tells it. */
export type Route =
  | { readonly kind: "queue"; readonly queue: string }
  /** It has no route, so that it goes to the default queue. */
  | { readonly kind: "none" }
  | { readonly kind: "unknown"; readonly why: string };

const NONE: Route = { kind: "none" };
const queueRoute = (queue: string): Route => ({ kind: "queue", queue });
const unknownRoute = (why: string): Route => ({ kind: "unknown", why });

/**
 * The route of a task by a worker's `task_routes`, looked up as `Router.lookup_route` and `MapRoute` of
 * `celery/app/routes.py` do: the first router with an answer; in a mapping the name itself before patterns
 * with `*`, which count in their order. Functions and regular expressions cannot be told by a worker; regular
 * expressions that are keys of a mapping are left out of what it tells.
 */
export function routeOf(routes: unknown, task: string): Route {
  if (routes === null || routes === undefined) return NONE;
  if (routes === MASK) return unknownRoute("task_routes is masked");
  for (const router of Array.isArray(routes) ? routes : [routes]) {
    const route = routeByOne(router, task);
    if (route !== null) return route;
  }
  return NONE;
}

/** Null: this router has no answer. */
function routeByOne(router: unknown, task: string): Route | null {
  if (Array.isArray(router)) return routeByMap(router.filter(isPair), task);
  if (isMapping(router)) return routeByMap(Object.entries(router), task);
  return unknownRoute("task_routes has a function");
}

type Pair = readonly [string, unknown];

function isPair(item: unknown): item is Pair {
  return Array.isArray(item) && item.length === 2 && typeof item[0] === "string";
}

function routeByMap(pairs: readonly Pair[], task: string): Route | null {
  const own = pairs.findLast(([key]) => key === task);
  if (own !== undefined) return destination(own[1]);
  for (const [key, value] of pairs) {
    // How Python writes one, where it stands in a list.
    if (key.startsWith("re.compile(")) return unknownRoute("task_routes has a regular expression");
    if (key.includes("*") && matchesGlob(key, task)) return destination(value);
  }
  return null;
}

function destination(value: unknown): Route {
  if (value === MASK) return unknownRoute("its route is masked");
  if (typeof value === "string") return queueRoute(value);
  if (!isMapping(value)) return unknownRoute("its route is not readable");
  const { queue } = value;
  if (typeof queue === "string") return queue === MASK ? destination(MASK) : queueRoute(queue);
  // A kombu.Queue is told with all that it has.
  if (isMapping(queue) && typeof queue.name === "string") return queueRoute(queue.name);
  return "exchange" in value || "routing_key" in value
    ? unknownRoute("its route is an exchange or a routing key")
    : NONE;
}

/** As Python's fnmatch: `*`, `?`, `[seq]` and `[!seq]`, upper and lower case apart. */
function matchesGlob(glob: string, text: string): boolean {
  const pattern = glob.replace(
    /\[(!?)(\]?[^\]]*)\]|[\s\S]/g,
    (token, not: string | undefined, set: string | undefined) => {
      if (set) return `[${not ? "^" : ""}${set.replace(/[\\^[\]]/g, "\\$&")}]`;
      if (token === "*") return "[\\s\\S]*";
      return token === "?" ? "[\\s\\S]" : token.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    },
  );
  try {
    return new RegExp(`^${pattern}$`).test(text);
  } catch {
    return false; // a range the wrong way round, which matches nothing in Python either
  }
}
