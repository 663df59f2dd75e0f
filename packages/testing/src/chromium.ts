import type { Browser } from "playwright-core";

/**
 * The browser of `@sparticuz/chromium`, for tests of pages.
 * @returns how to launch it, or why it cannot be
 */
export async function findChromium(): Promise<{ executablePath: string; args: string[] } | string> {
  if (process.platform !== "linux" || process.arch !== "x64") return `Chromium comes for linux-x64 only, this is ${process.platform}-${process.arch}`;
  const chromium = await import("@sparticuz/chromium").catch(() => undefined);
  if (!chromium) return "Chromium: the optional package @sparticuz/chromium is not installed";
  return { executablePath: await chromium.default.executablePath(), args: chromium.default.args };
}

/** That browser, headless, or why there is none: a system library of the machine may be missing as well. */
export async function launchChromium(): Promise<Browser | string> {
  const options = await findChromium();
  if (typeof options === "string") return options;
  const { chromium } = await import("playwright-core");
  try {
    return await chromium.launch({ ...options, headless: true });
  } catch (error) {
    const [library] = /error while loading shared libraries: [^:]*/.exec((error as Error).message) ?? [];
    if (library === undefined) throw error;
    return `Chromium: ${library}`;
  }
}
