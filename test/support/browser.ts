import "./dispose.js";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { findProgram } from "../../src/setup/programs.js";
import { missingPrograms } from "./debian-packages.js";

/** Why there is no browser; null: there is one, if need be installed for it. */
export function browserMissing(): Promise<string | null> {
  return missingPrograms({ chromium: "chromium" });
}

export interface TestBrowser extends AsyncDisposable {
  /** A page of its own: storage and connections of others are not its. */
  open(url: string, options?: BrowserContextOptions): Promise<TestPage>;
}

export interface TestPage {
  readonly page: Page;
  /** What went wrong in it, or was asked of another place than where it came from. */
  readonly complaints: readonly string[];
  /**
   * Goes from control to control with the Tab key until one of that name has the focus.
   * @throws Error with those that had it
   */
  tabTo(name: string | RegExp): Promise<void>;
  close(): Promise<void>;
}

/** Starts the system's Chromium without a window. */
export async function startBrowser(): Promise<TestBrowser> {
  const executablePath = (await findProgram("chromium"))!;
  // Root has no sandbox.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const browser = await chromium.launch({ executablePath, args });
  return {
    open: (url, options) => openPage(browser, url, options),
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<TestPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(`${error.stack}`));
  page.on("console", (message) => {
    // What is refused or away is said by the browser itself, and by the page to whoever looks.
    const isOfNetwork = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isOfNetwork) complaints.push(message.text());
  });
  page.on("request", (request) => {
    if (new URL(request.url()).host !== new URL(url).host) complaints.push(request.url());
  });
  await page.goto(url);
  return {
    page,
    complaints,
    async tabTo(name) {
      const met: string[] = [];
      for (let step = 0; step < MOST_TABS; step++) {
        await page.keyboard.press("Tab");
        const found = await page.evaluate<string>(nameOfFocus);
        if (typeof name === "string" ? found === name : name.test(found)) return;
        met.push(found);
      }
      const others = [...new Set(met)].join(" | ");
      throw new Error(`No control "${name}" is met by the Tab key, but: ${others.slice(0, 2_000)}`);
    },
    close: () => context.close(),
  };
}

const MOST_TABS = 150;
const PATIENCE_MS = 15_000;

/** Runs in the page. */
const nameOfFocus = `(() => {
  const focused = document.activeElement;
  const label = focused?.labels?.[0]?.textContent;
  return (focused?.getAttribute("aria-label") ?? label ?? focused?.textContent ?? "").trim().slice(0, 200);
})()`;

/** What axe has against what is shown, one line each; the WCAG's levels A and AA and axe's own advice. */
export async function violations(page: Page): Promise<string[]> {
  const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  await page.evaluate(await readFile(axe, "utf8"));
  const found = (await page.evaluate("axe.run()")) as {
    violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[];
  };
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}\n${html}\n${failureSummary}`),
  );
}
