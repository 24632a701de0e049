/**
 * The candidate that somebody who wrote `word` most likely meant, or undefined when none is near:
 * at most a third of its letters may differ (Levenshtein distance, two swapped letters being one
 * difference), upper and lower case, `-` and `_` being alike.
 */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = alike(word.slice(0, LONGEST));
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - wanted.length) >= bestDistance) continue;
    const distance = levenshtein(wanted, alike(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Longer words are cut: the table of distances grows with the square of the length. */
const LONGEST = 200;

function alike(word: string): string {
  return word.toLowerCase().replaceAll("-", "_");
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours that lead from one word to the other,
 * row by row (optimal string alignment).
 */
function levenshtein(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const substitution = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swap = isSwap ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min(substitution, swap, row[j]! + 1, next[j - 1]! + 1));
    }
    before = row;
    row = next;
  }
  return row[to.length]!;
}
