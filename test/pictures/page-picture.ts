import { startBrowser } from "../support/browser.js";
import { repositoryPath } from "../unit/dashboards/classic-board.js";

/** How the page is seen in each picture, and in which state. */
const PICTURES = [
  { file: "page-light.png", colorScheme: "light", act: "" },
  { file: "page-dark.png", colorScheme: "dark", act: "" },
  { file: "page-order.png", colorScheme: "light", act: "Rate… shop" },
] as const;
const VIEW = { width: 1_280, height: 1_000 };

/** Gives an order by the page of a real run, as a person does. */
export async function orderByPage(url: string, rate: string, reason: string): Promise<void> {
  await using browser = await startBrowser();
  const { page } = await browser.open(url);
  await page.getByRole("button", { name: "Rate… shop" }).click();
  await page.getByLabel("Rate", { exact: true }).fill(rate);
  await page.getByLabel("Reason").fill(reason);
  await page.locator("dialog button[type=submit]:enabled, dialog .sure").first().waitFor();
  const sure = page.locator("dialog .sure input");
  if ((await sure.count()) > 0) await sure.check();
  await page.getByRole("button", { name: "Set it" }).click();
  await page.locator("dialog").waitFor({ state: "detached" });
}

/** Writes the pictures of the page of a real run. */
export async function drawPage(url: string): Promise<void> {
  await using browser = await startBrowser();
  for (const { file, colorScheme, act } of PICTURES) {
    const { page, close } = await browser.open(url, { colorScheme, viewport: VIEW });
    await page.locator(".link.is-live").waitFor();
    const path = repositoryPath(`docs/images/${file}`);
    if (act === "") await page.screenshot({ path, fullPage: true });
    else {
      await page.getByRole("button", { name: act }).click();
      await page.getByLabel("Rate", { exact: true }).fill("120/s");
      await page.locator("dialog .sure").waitFor();
      await page.locator("dialog").screenshot({ path });
    }
    await close();
    console.log(`wrote docs/images/${file}`);
  }
}
