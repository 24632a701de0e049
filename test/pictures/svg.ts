/** What drawings are made of: elements as text. Coordinates are pixels. */

export const INK = "#24292f";
export const FAINT = "#8b949e";
const PALETTE = [
  ...["#3274d9", "#e0752d", "#56a64b", "#b877d9", "#e02f44", "#0a97a7"],
  ...["#c9a400", "#7c4b2a", "#d683ce", "#6b7785"],
];
/** Grafana's names of colours. */
const NAMED: Readonly<Record<string, string>> = {
  green: "#56a64b",
  red: "#e02f44",
  orange: "#ff780a",
  yellow: "#c9a400",
  blue: "#3274d9",
  "light-blue": "#8ab8ff",
  purple: "#a352cc",
  text: "#57606a",
  transparent: "none",
};

/** A colour by Grafana's name, or of the palette by a number. */
export function colour(name: string | number): string {
  if (typeof name === "number") return PALETTE[name % PALETTE.length]!;
  return NAMED[name] ?? name;
}

export function text(
  x: number,
  y: number,
  words: string,
  { size = 11, fill = INK, anchor = "start", weight = "normal" } = {},
): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" font-size="${size}" fill="${fill}" text-anchor="${anchor}" font-weight="${weight}">${escaped(words)}</text>`;
}

export function box(
  x: number,
  y: number,
  width: number,
  height: number,
  fill: string,
  stroke = "none",
): string {
  return `<rect x="${fixed(x)}" y="${fixed(y)}" width="${fixed(Math.max(width, 0))}" height="${fixed(Math.max(height, 0))}" fill="${fill}" stroke="${stroke}"/>`;
}

export function path(
  points: readonly (readonly [x: number, y: number])[],
  stroke: string,
  { fill = "none", dash = "", width = 1.5 } = {},
): string {
  const steps = points.map(([x, y], index) => `${index === 0 ? "M" : "L"}${fixed(x)} ${fixed(y)}`);
  return `<path d="${steps.join("")}" fill="${fill}" stroke="${stroke}" stroke-width="${width}"${dash && ` stroke-dasharray="${dash}"`}/>`;
}

export function page(width: number, height: number, elements: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif">
${box(0, 0, width, height, "#f6f8fa")}
${elements.join("\n")}
</svg>
`;
}

/** As many characters as fit, by the width of an average one. */
export function fitting(words: string, width: number, size = 11): string {
  const most = Math.floor(width / (size * 0.55));
  return words.length <= most ? words : `${words.slice(0, Math.max(most - 1, 1))}…`;
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
