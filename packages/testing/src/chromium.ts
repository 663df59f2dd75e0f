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
