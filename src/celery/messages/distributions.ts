/**
 * Numbers of a distribution, from a generator of numbers in [0, 1). Pure.
 * Each takes the same count of numbers for one of its own, so that a seed gives the same sequence.
 */
export type Distribution = (random: () => number) => number;

/** By Box and Muller's transform (Annals of Mathematical Statistics 29, 1958). */
export function normal(mean: number, deviation: number): Distribution {
  return (random) => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * random());
  };
}

/** Its logarithm is normal: half is below the median, and 68 % within the factor above and below. */
export function logNormal(median: number, factor: number): Distribution {
  const ofLogarithm = normal(0, Math.log(factor));
  return (random) => median * Math.exp(ofLogarithm(random));
}

/** 1 to `count`, each k as often as k^-exponent says. */
export function zipf(count: number, exponent: number): Distribution {
  return indexBy(
    Array.from({ length: count }, (_, index) => (index + 1) ** -exponent),
    1,
  );
}

/** From `first` on, each index as often as its weight says. */
export function indexBy(weights: readonly number[], first = 0): Distribution {
  const sums = new Float64Array(weights.length);
  let total = 0;
  for (const [index, weight] of weights.entries()) {
    total += weight;
    sums[index] = total;
  }
  return (random) => first + firstAbove(sums, random() * total);
}

/** The first index whose sum is above a number, which is below the last one. */
function firstAbove(sums: Float64Array, number: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! > number) high = middle;
    else low = middle + 1;
  }
  return low;
}
