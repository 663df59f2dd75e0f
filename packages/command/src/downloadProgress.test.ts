import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { downloadProgress } from "./downloadProgress.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function screen(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 120 }) as PassThrough & NodeJS.WriteStream;
  return { stream, printed: () => String(stream.read() ?? "") };
}

test("bytes, rate and time left of a file, what an earlier run had fetched apart", () => {
  const { stream, printed } = screen(false);
  const files = downloadProgress({ stream });
  for (let s = 0; s <= 3; s++) {
    files.onProgress({ name: "model.safetensors", received: 10e6 + s * 10e6, total: 77e6 });
    vi.advanceTimersByTime(1000);
  }
  files.stop();
  expect(printed()).toBe("fetching: 38% 30.0/77.0 MB, 10.0 MB/s, 5 s left, model.safetensors\nfetching: 40.0 MB in 4 s\n");
});

test("no time left is told from the first bytes of many", () => {
  const { stream, printed } = screen(false);
  const files = downloadProgress({ stream });
  for (const received of [65_536, 131_072]) {
    files.onProgress({ name: "ae.pt", received, total: 134e6 });
    vi.advanceTimersByTime(2500);
  }
  files.onProgress({ name: "ae.pt", received: 196_608, total: 134e6 });
  expect(printed()).toBe("fetching: 0% 0.1/134.0 MB, 0.0 MB/s, ae.pt\n");
  files.stop();
});

test("files that arrive together are one line; sizes may turn out on the way", () => {
  const { stream, printed } = screen(true);
  const files = downloadProgress({ stream });
  files.onProgress({ name: "config.json", received: 500 });
  files.onProgress({ name: "a", received: 0, total: 10e6 });
  vi.advanceTimersByTime(2500);
  files.onProgress({ name: "b", received: 0, total: 5e6 });
  vi.advanceTimersByTime(500); // bars are not drawn more often than ten times a second
  files.onProgress({ name: "a", received: 5e6, total: 10e6 });
  const drawn = printed();
  expect(drawn).toContain("33% 5.0/15.0 MB, 1.7 MB/s, 6 s left, a");
  expect(drawn).not.toContain("\n");
  files.stop();
  expect(printed().endsWith("\u001b[2K")).toBe(true);
});

test.each([true, false])("quick or quiet downloads print nothing (quiet: %s)", (quiet) => {
  const { stream, printed } = screen(false);
  using files = downloadProgress({ stream, quiet });
  files.onProgress({ name: "a", received: 1, total: 2 });
  vi.advanceTimersByTime(quiet ? 10_000 : 1000);
  files.onProgress({ name: "a", received: 2, total: 2 });
  expect(printed()).toBe("");
});
