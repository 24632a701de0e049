/** The last part of each name, with as many parts before it as make it unique. */
export function keysOf(names: readonly string[]): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  const taken = new Set<string>();
  for (const name of names) {
    const parts = name.split(/[.:/]/).filter((part) => part !== "");
    const candidates = parts.map((_, index) => keyOf(parts.slice(parts.length - 1 - index)));
    let key = candidates.find((each) => !taken.has(each)) ?? candidates.at(-1) ?? "task";
    for (let number = 2; taken.has(key); number++) key = `${candidates.at(-1) ?? "task"}-${number}`;
    taken.add(key);
    keys.set(name, key);
  }
  return keys;
}

const LONGEST_KEY = 60;

/** Keys are letters, digits, - and _, from a letter on. */
function keyOf(parts: readonly string[]): string {
  const letters = parts.join("_").normalize("NFKD").replace(/\p{M}/gu, "");
  const text = letters.replace(/[^A-Za-z0-9_-]+/g, "_");
  const trimmed = text.replace(/^[^A-Za-z]+|[_-]+$/g, "").slice(-LONGEST_KEY);
  // What every object has (constructor) is no key of a configuration.
  const isKey = /^[A-Za-z]/.test(trimmed) && !(trimmed in {});
  return isKey ? trimmed : `task_${trimmed}`.replace(/_+$/, "");
}
