/**
 * The pool of a worker by its answer to `stats`, as `--pool` calls it; null: it does not say. Since Celery 5.3 it is
 * said; before, each pool can be told by what else it says.
 */
export function poolName(pool: Readonly<Record<string, unknown>>): string | null {
  const { implementation } = pool;
  const named =
    typeof implementation === "string" ? /([^.:]+):[^:]*$/.exec(implementation)?.[1] : undefined;
  if (named !== undefined) return named === "thread" ? "threads" : named;
  if ("writes" in pool) return "prefork";
  if ("threads" in pool) return "threads";
  return null;
}
