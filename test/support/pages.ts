import "./dispose.js";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface ServedPages extends AsyncDisposable {
  readonly port: number;
}

/**
 * Serves pages in Prometheus' text format by their names, as exporters do whose counters rise and whose
 * memory grows: each scrape of a page finds its counters, and the memory that is used, higher by the
 * same amount than the one before.
 */
export async function servePages(pages: Readonly<Record<string, string>>): Promise<ServedPages> {
  const scrapes = new Map<string, number>();
  const server = createServer((request, response) => {
    const name = (request.url ?? "").slice(1).split("?")[0] ?? "";
    const page = pages[name];
    if (page === undefined) {
      response.writeHead(404).end();
      return;
    }
    const scrape = (scrapes.get(name) ?? 0) + 1;
    scrapes.set(name, scrape);
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4" });
    response.end(grown(page, scrape));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const GROWS = /_(total|bucket|sum|count)$/;
const USED_MEMORY = /_(used|resident_memory|working_set)_bytes$/;

function grown(page: string, scrape: number): string {
  return page.replaceAll(/^([a-zA-Z_:][\w:]*)(.*) (\S+)$/gm, (line, name, labels, value) => {
    if (GROWS.test(name)) return `${name}${labels} ${Number(value) * scrape}`;
    if (USED_MEMORY.test(name)) return `${name}${labels} ${Number(value) * (1 + scrape / 1000)}`;
    return line;
  });
}
