import { known, type Watcher } from "./watch.js";

/** How long nobody has asked for /metrics: the one who watched may be gone. */
export function watchScrapeAge(): Watcher {
  return { look: ({ scrapeAgeMs }) => known(scrapeAgeMs) };
}
