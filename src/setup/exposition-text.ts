/** One line of a page in Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Reads a page in Prometheus' text format 0.0.4, comments and timestamps left out.
 * @throws Error that quotes the first line that is not in the format
 */
export function parseExpositionText(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() !== "" && !line.startsWith("#")) samples.push(parseSample(line));
  }
  return samples;
}

/** Does a sample carry all of these labels? It may have more. */
export function hasLabels(sample: Sample, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([name, value]) => sample.labels[name] === value);
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^\s*([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"\s*(,|(?=\}))/;
const VALUE = /^\s+(\S+)(?:\s+-?\d+)?\s*$/;

function parseSample(line: string): Sample {
  const name = NAME.exec(line)?.[0];
  if (name === undefined) throw notInFormat(line);
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith("{")) {
    rest = rest.slice(1);
    while (!rest.startsWith("}")) {
      const label = LABEL.exec(rest);
      if (label === null) throw notInFormat(line);
      labels[label[1]!] = unescaped(label[2]!);
      rest = rest.slice(label[0].length);
    }
    rest = ` ${rest.slice(1)}`;
  }
  const value = VALUE.exec(rest)?.[1];
  if (value === undefined) throw notInFormat(line);
  return { name, labels, value: numberOf(value, line) };
}

function numberOf(text: string, line: string): number {
  if (/^\+?Inf$/i.test(text)) return Number.POSITIVE_INFINITY;
  if (/^-Inf$/i.test(text)) return Number.NEGATIVE_INFINITY;
  if (/^NaN$/i.test(text)) return Number.NaN;
  const value = Number(text);
  if (Number.isNaN(value)) throw notInFormat(line);
  return value;
}

function unescaped(text: string): string {
  return text.replace(/\\([\\"n])/g, (_, character: string) =>
    character === "n" ? "\n" : character,
  );
}

function notInFormat(line: string): Error {
  return new Error(`Not a line of Prometheus' text format: ${JSON.stringify(line)}`);
}
