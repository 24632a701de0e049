/**
 * A generator of numbers in [0, 1) with 53 random bits each; the same seed gives the same numbers.
 * xoshiro128** (Blackman and Vigna 2018, public domain): period 2^128 - 1, enough for months at
 * any rate, which a generator with 32 bits of state is not.
 *
 * @param seed an integer from 0 to 2^32 - 1
 */
export function createRandom(seed: number): () => number {
  let spread = seed >>> 0;
  // Neighbouring seeds must not give related sequences, so the state is hashed out of the seed.
  const nextOfSeed = () => {
    spread = (spread + 0x9e3779b9) >>> 0;
    return finish(spread);
  };
  let a = nextOfSeed();
  let b = nextOfSeed();
  let c = nextOfSeed();
  let d = nextOfSeed() | 1;

  const next32 = () => {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };

  return () => ((next32() >>> 5) * 2 ** 26 + (next32() >>> 6)) / 2 ** 53;
}

/**
 * Mixes a name into a seed, so that two scenarios with one seed do not start in step.
 * FNV-1a over the UTF-16 units of the text, started from the seed.
 *
 * @returns an integer from 0 to 2^32 - 1
 */
export function seedOf(text: string, seed: number): number {
  let hash = finish((seed ^ 0x811c9dc5) >>> 0);
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return finish(hash);
}

/** The last step of MurmurHash3: every bit of the input changes about half of the output. */
function finish(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
