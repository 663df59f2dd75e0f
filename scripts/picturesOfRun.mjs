// docs/pictures/run.png: the page of the run that `pnpm start` made, as a browser shows it. Needs Linux on x64 (@sparticuz/chromium).
//   pnpm start && node scripts/picturesOfRun.mjs
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { launchChromium } from "@dictlearn/testing";

const root = fileURLToPath(new URL("..", import.meta.url));

const browser = await launchChromium();
if (typeof browser === "string") throw new Error(browser);
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1400 }, colorScheme: "light" });
  await page.goto(pathToFileURL(join(root, "demo_results/report.html")).href);
  await page.screenshot({ path: join(root, "docs/pictures/run.png") });
} finally {
  await browser.close();
}
