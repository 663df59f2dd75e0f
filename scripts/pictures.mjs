// The pictures in docs/pictures: pages of the bundled demo, as a browser shows them. Needs Linux on x64 (@sparticuz/chromium).
//   node scripts/build.mjs && node scripts/pictures.mjs
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { launchChromium } from "@dictlearn/testing";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Each page is made by an app, and shown once or more. */
const pages = [
  {
    page: "page.html",
    make: (page) => ["sparse-rep", "--model", "demo", "--dictionary", "demo", "--report", page, "--force"],
    pictures: [
      { name: "sentences", height: 820, prepare: async (page) => {
        await page.fill("#feature", "1321"); // was, are, is, not
        await page.keyboard.press("Enter");
        await page.locator("#feature").blur();
        await page.locator("#sentence-3 .tokens span", { hasText: " is" }).hover();
      } },
      { name: "similarity", height: 960, colorScheme: "dark", prepare: (page) => page.selectOption("#order", "features"), at: "#heat-map" },
    ],
  },
  {
    page: "features/index.html",
    make: () => ["cli", "features", "--model", "demo", "--dictionary", "demo", "--dataset-name", "demo", "--tokens", "100000", "--out", "features", "--quiet"],
    pictures: [
      { name: "features", height: 900, prepare: (page) => page.waitForSelector("#rows tr") },
      { name: "feature", height: 1100, prepare: async (page) => {
        await page.evaluate('void (location.hash = "16")'); // it
        await page.waitForSelector("#title");
        await page.hover("#feature mark.peak");
      } },
    ],
  },
];

const folder = mkdtempSync(join(tmpdir(), "pictures-"));
const browser = await launchChromium();
if (typeof browser === "string") throw new Error(browser);
try {
  const page = await browser.newPage();
  for (const { page: name, make, pictures } of pages) {
    const file = join(folder, name);
    const [app, ...args] = make(file);
    execFileSync(process.execPath, [join(root, "apps", app, "dist/main.cjs"), ...args], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
    for (const { name, height, colorScheme = "light", prepare, at } of pictures) {
      await page.setViewportSize({ width: 1280, height });
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.goto(pathToFileURL(file).href);
      await prepare?.(page);
      if (at) await page.evaluate((id) => document.querySelector(id).scrollIntoView(), at);
      await page.screenshot({ path: join(root, "docs/pictures", `${name}.png`) });
    }
  }
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
