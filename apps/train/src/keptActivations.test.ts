import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readActivations, tokensIn } from "dictlearn";
import { devices, seededNormal } from "@dictlearn/testing";
import { afterAll, beforeEach, expect, test } from "vitest";
import { harvestTo, type HarvestingOptions } from "./keptActivations.js";
import { askedFor } from "./settings.js";

const temporary = mkdtempSync(join(tmpdir(), "kept-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));
let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(temporary, "here-"))));

const device = (await devices()).find(({ device }) => device?.kind === "cpu")!.device!;
const [D, N] = [8, 100];
const numbers = seededNormal(1, D * N);

/** 100 tokens a pass, without end. */
const source = (onPass: () => void | Promise<void> = () => {}) => ({
  device,
  widths: { embed: D },
  passBytes: 0,
  rerun: () => expect.unreachable(),
  next: async () => (await onPass(), { rows: { tokens: new Uint32Array(N), start: Uint32Array.of(0, N) }, activations: { embed: device.tensor(numbers, [N, D]) }, cursor: { text: null, used: 1 } }),
});

function options(more: Partial<HarvestingOptions> = {}) {
  const notes: string[] = [];
  return { notes, given: { tokens: 1000, shardTokens: 200, widths: { embed: D }, provenance: {}, quiet: true, signal: new AbortController().signal, note: (line: string) => void notes.push(line), ...more } };
}

test("a folder is filled once, with its size told before; then it is read, and no lock stays", async () => {
  const kept = join(folder, "a/kept");
  const { given, notes } = options({ dtype: "f16" });
  expect(await harvestTo(kept, () => source(), given)).toEqual({ text: null, used: 1 });
  expect(await harvestTo(kept, () => expect.unreachable(), given)).toEqual({ text: null, used: 1 });
  expect(notes).toEqual([expect.stringMatching(/kept: 1,000 tokens take 16 kB as f16 \(.* are free\)$/), expect.stringMatching(/kept has the 1,000 tokens; they are read, and the model does not run$/)]);
  expect(readdirSync(join(folder, "a"))).toEqual(["kept"]);
});

test("of two at once one writes, and the other waits for it and reads", async () => {
  const kept = join(folder, "kept");
  let passes = 0;
  const waits: string[] = [];
  let heWaits = () => {};
  const other = new Promise<void>((resolve) => void (heWaits = resolve));
  const note = (line: string) => {
    if (!line.includes("waiting")) return;
    waits.push(line);
    heWaits();
  };
  await Promise.all([0, 1].map(() => harvestTo(kept, () => source(() => (passes++, other)), options({ note }).given))); // nobody is done before the other waits
  expect(passes).toBe(10);
  expect(waits).toEqual([expect.stringMatching(/another process writes to .*kept; waiting for it$/)]);
});

test("Ctrl-C stops between passes, and says what is there and how to go on", async () => {
  const kept = join(folder, "kept");
  const interruption = new AbortController();
  let passes = 0;
  const { given, notes } = options({ signal: interruption.signal });
  await expect(harvestTo(kept, () => source(() => void (++passes === 5 && interruption.abort())), given)).rejects.toMatchObject({ name: "AbortError" });
  expect(notes.at(-1)).toMatch(/^harvest: stopped; whole shards in .*kept have 400 of 1,000 tokens, and the same command goes on there$/);
  expect(tokensIn((await readActivations(kept))!)).toBe(400);
  expect(readdirSync(folder)).toEqual(["kept"]);
  const again = options();
  await harvestTo(kept, () => source(() => void passes++), again.given);
  expect([passes, again.notes[0]]).toEqual([11, expect.stringMatching(/kept has 400 of 1,000 tokens; the rest takes 19 kB as f32/)]);
});

test("too little room on the disk is told before anything is written", async () => {
  const { given } = options({ tokens: 1e15 });
  await expect(harvestTo(join(folder, "kept"), () => source(), given)).rejects.toMatchObject({ code: "USAGE", message: expect.stringMatching(/^activations: expected 32,000,000 GB free for .*kept, got [\d,.]+ [MG]B$/), remedy: "fewer --num-tokens, --activations-dtype f16, or a folder on another disk" });
  expect(readdirSync(folder)).toEqual([]);
});

test("--activations-dtype without a folder is told", () => {
  expect(() => askedFor({ activationsDtype: "f16" })).toThrow("--activations-dtype: expected --activations with it, got none");
});
