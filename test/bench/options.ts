import { parseArgs } from "node:util";
import { UserError } from "../../src/errors.js";
import { type BrokerKind, PEERS } from "./peers/peers.js";

export interface Options {
  /** Names of parts; `compare` by default. */
  readonly parts: readonly string[];
  /** Undefined: all of them. */
  readonly brokers: readonly BrokerKind[] | undefined;
  readonly peers: readonly string[] | undefined;
  /** Undefined: those of each peer. */
  readonly rates: readonly number[] | undefined;
  /** How long each measurement lasts, after the warm-up; undefined: as long as the part has it. */
  readonly seconds: number | undefined;
  /** Left out before it; undefined: as the peer has it. */
  readonly warmUpSeconds: number | undefined;
  readonly repetitions: number;
  /** Nothing was chosen: the run is worth being kept. */
  readonly isWhole: boolean;
}

/**
 * Reads the command line.
 * @throws UserError for what it does not know, with what there is
 */
export function readOptions(args: readonly string[], parts: readonly string[]): Options {
  const { values, positionals } = parsed(args);
  const list = <T>(text: string | undefined, read: (words: string[]) => T[]) =>
    text === undefined ? undefined : read(text.split(","));
  const peers = PEERS.map(({ name }) => name);
  return {
    parts: positionals.length === 0 ? ["compare"] : oneOf("part", positionals, parts),
    brokers: list(values.broker, (words) => oneOf("--broker", words, ["redis", "rabbitmq"])),
    peers: list(values.peers, (words) => oneOf("--peers", words, peers)),
    rates: list(values.rates, (words) => words.map((word) => number("--rates", word))),
    seconds: values.seconds === undefined ? undefined : number("--seconds", values.seconds),
    warmUpSeconds:
      values["warm-up"] === undefined ? undefined : number("--warm-up", values["warm-up"]),
    repetitions: number("--repetitions", values.repetitions ?? "3"),
    isWhole: Object.keys(values).length === 0,
  };
}

function parsed(args: readonly string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        broker: text,
        peers: text,
        rates: text,
        seconds: text,
        "warm-up": text,
        repetitions: text,
      },
    });
  } catch (error) {
    throw new UserError(`${(error as Error).message}.`, {
      hint: "npm run bench -- [PART…] [--broker redis,rabbitmq] [--peers NAME,…] [--rates 200,1000,0] [--seconds 4] [--warm-up 8] [--repetitions 3]",
    });
  }
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (text !== "" && Number.isFinite(value) && value >= 0) return value;
  throw new UserError(`${name}: "${text}" is no number.`, {
    hint: "Rates are tasks a second, 0 is as fast as it can: --rates 200,1000,0",
  });
}

function oneOf<T extends string>(what: string, words: readonly string[], known: readonly T[]): T[] {
  for (const word of words) {
    if ((known as readonly string[]).includes(word)) continue;
    throw new UserError(`${what}: "${word}" is none of ${[...new Set(known)].join(", ")}.`);
  }
  return known.filter((value) => words.includes(value));
}
