/** Is a version such as 4.0.5 lower than [4, 1]? False when it cannot be read. */
export function isBefore(version: string, wanted: readonly number[]): boolean {
  const parts = version.split(".").map((part) => Number.parseInt(part, 10));
  for (const [index, part] of wanted.entries()) {
    const own = parts[index] ?? 0;
    if (Number.isNaN(own)) return false;
    if (own !== part) return own < part;
  }
  return false;
}
