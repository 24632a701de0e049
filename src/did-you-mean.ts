/**
 * The candidate that somebody who wrote `word` most likely meant, or undefined when none is near:
 * at most a third of its letters may differ (Levenshtein distance, two swapped letters being one
 * difference), or it is short for one candidate and no other (`que`, `prio`, `brkr`). Upper and lower
 * case, `-` and `_` are alike.
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
  return best ?? abbreviated(wanted, candidates);
}

const SHORTEST_ABBREVIATION = 3;

/** The only candidate that starts with the word, or else that has its letters in their order. */
function abbreviated(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length < SHORTEST_ABBREVIATION) return undefined;
  const all = [...candidates];
  const longer = all.filter((candidate) => alike(candidate).startsWith(word));
  const found = longer.length > 0 ? longer : all.filter((each) => isShortFor(word, alike(each)));
  return found.length === 1 ? found[0] : undefined;
}

/** At least half of the letters, in their order, the first being the first. */
function isShortFor(word: string, candidate: string): boolean {
  if (word[0] !== candidate[0] || word.length * 2 < candidate.length) return false;
  let matched = 0;
  for (const letter of candidate) if (letter === word[matched]) matched++;
  return matched === word.length;
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
