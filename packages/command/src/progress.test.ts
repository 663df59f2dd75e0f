import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { progress } from "./progress.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function screen(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80 }) as PassThrough & NodeJS.WriteStream;
  return { stream, printed: () => String(stream.read() ?? "") };
}

/** 100 tokens a second for so long. */
function work(bar: { update(done: number, note?: string): void }, seconds: number, from = 0): void {
  for (let s = 1; s <= seconds; s++) {
    vi.advanceTimersByTime(1000);
    bar.update(from + 100 * s, "loss 0.5");
  }
}

test.each([true, false])("what is done within two seconds prints nothing (terminal: %s)", (isTTY) => {
  const { stream, printed } = screen(isTTY);
  const bar = progress({ label: "harvest", total: 100, stream });
  work(bar, 1);
  bar.stop();
  expect(printed()).toBe("");
});

test.each([true, false])("quiet prints nothing (terminal: %s)", (isTTY) => {
  const { stream, printed } = screen(isTTY);
  using bar = progress({ label: "harvest", total: 1000, quiet: true, stream });
  work(bar, 10);
  expect(printed()).toBe("");
});

test("elsewhere than on a terminal: a line after two seconds, then every five, and a last one", () => {
  const { stream, printed } = screen(false);
  const bar = progress({ label: "harvest", total: 10_000, unit: "tokens", stream });
  work(bar, 12);
  bar.stop();
  bar.stop();
  expect(printed()).toBe(
    [
      "harvest: 2% 200/10,000 tokens, 100 tokens/s, 1 min 38 s left, loss 0.5",
      "harvest: 7% 700/10,000 tokens, 100 tokens/s, 1 min 33 s left, loss 0.5",
      "harvest: 12% 1,200/10,000 tokens, 100 tokens/s, 1 min 28 s left, loss 0.5",
      "harvest: 1,200 tokens in 12 s",
      "",
    ].join("\n"),
  );
});

test("a resumed run counts on, at the rate of this one; without a total there is no time left", () => {
  const { stream, printed } = screen(false);
  const bar = progress({ label: "read", unit: "rows", from: 5000, stream });
  work(bar, 2, 5000);
  expect(printed()).toBe("read: 5,200 rows, 100 rows/s, loss 0.5\n");
  bar.stop();
});

test("on a terminal: what is behind the counts is shown rather than these, and than the bar", () => {
  const { stream, printed } = screen(true);
  using bar = progress({ label: "train", total: 10_000_000, unit: "tokens", stream });
  vi.advanceTimersByTime(100_000);
  bar.update(1_000_000, "loss 0.5, L0 32");
  expect(printed()).toContain("train ██░░░░░░░░░░░░░░ 10%, 10,000 tokens/s, 15 min 00 s left, loss 0.5, L0 32\u001b");
  vi.advanceTimersByTime(1000); // it is not drawn more often than one can see
  bar.update(1_010_000, "loss 0.5, L0 32, FVE 0.812");
  expect(printed()).toContain("\u001b[1Gtrain 10%, 10,000 tokens/s, 14 min 59 s left, loss 0.5, L0 32, FVE 0.812");
});

test("on a terminal: one bar, within the line, gone at the end", () => {
  const { stream, printed } = screen(true);
  const bar = progress({ label: "harvest", total: 1000, unit: "tokens", stream });
  work(bar, 5);
  const drawn = printed();
  expect(drawn).toContain("harvest ████████░░░░░░░░ 50% 500/1,000 tokens, 100 tokens/s, 5 s left, loss 0.5");
  expect(drawn).not.toContain("\n");
  bar.stop();
  expect(printed().endsWith("\u001b[2K")).toBe(true); // the line is cleared
});
