import { labelText } from "./text-format.js";

type Labels = Readonly<Record<string, string>>;

/**
 * What a metric keeps of each of its series from one scrape to the next. Found by its place, as nearly every page
 * has the same series in the same order, and most sources give the same labels object every time; else by its
 * label values. The names of the labels are the same for all series of a metric.
 */
export class KeptSeries<Kept> {
  readonly #places: { readonly labels: Labels; readonly kept: Kept }[] = [];

  /** What is kept of the series in this place, else what `make` makes of its labels' text. */
  at(place: number, labels: Labels, make: (labels: string) => Kept): Kept {
    const known = this.#places[place];
    if (known !== undefined && isSame(known.labels, labels)) return known.kept;
    const kept = make(labelText(labels));
    this.#places[place] = { labels, kept };
    return kept;
  }
}

function isSame(known: Labels, labels: Labels): boolean {
  if (known === labels) return true;
  for (const name in labels) if (known[name] !== labels[name]) return false;
  return true;
}
