import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { openSafetensors } from "@dictlearn/checkpoint";
import { fileSource } from "@dictlearn/checkpoint/node";
import { type Device } from "@dictlearn/kernels";
import { topK } from "@dictlearn/sae";
import { devices, seededNormal } from "@dictlearn/testing";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { harvest, openActivations, openBuffer, openModel, openTexts, readActivations, RunDirectory, tokensIn, train, writeActivations, type RowCursor, type ShardManifest, type TrainingState, type WriteActivationsOptions } from "./index.js";

const temporary = mkdtempSync(join(tmpdir(), "activations-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));
let directory: string;
beforeEach(() => void (directory = join(mkdtempSync(join(temporary, "here-")), "kept")));
const device = (await devices()).find(({ device }) => device?.kind === "cpu")!.device!;

/** SHA-256 of every file. */
const files = () => Object.fromEntries(readdirSync(directory).map((name) => [name, createHash("sha256").update(readFileSync(join(directory, name))).digest("hex")]));

describe("a model's", async () => {
  const sites = ["layers.0.mlp_out", "layers.1.resid_pre"];
  const path = join(temporary, "texts.jsonl");
  writeFileSync(path, Array.from({ length: 30 }, (_, i) => `${JSON.stringify({ text: `The state of the union in the year ${1800 + 7 * i} is strong, and its people ${"work and ".repeat(i % 4)}hope.` })}\n`).join(""));
  const model = await openModel("demo", { device });
  afterAll(() => model.dispose());
  const opened = (cursor?: RowCursor) => harvest(model, openTexts(path, { cursor: cursor?.text ?? undefined }), { site: sites, contextLength: 16, rows: "packed", batchRows: 2, cursor });
  const options = { shardTokens: 90, skipFirst: 1, provenance: { model: "demo", texts: "texts.jsonl" } } satisfies WriteActivationsOptions;

  /** Every activation but those of first positions, by site, straight from the model. */
  const direct: Record<string, number[]> = Object.fromEntries(sites.map((site) => [site, []]));
  const source = opened();
  for (let found = await source.next(); found; found = await source.next()) {
    const { start } = found.rows;
    for (const [site, x] of Object.entries(found.activations)) {
      const all = await x.read();
      for (let r = 0; r + 1 < start.length; r++) direct[site].push(...all.subarray((start[r] + 1) * model.width, start[r + 1] * model.width));
      x.dispose();
    }
  }
  const total = direct[sites[0]].length / model.width;

  async function write(more: Partial<WriteActivationsOptions> = {}, { shards = Infinity, open = opened }: { shards?: number; open?: typeof opened } = {}): Promise<ShardManifest> {
    let written: ShardManifest | undefined;
    for await (written of writeActivations(directory, open, { ...options, ...more })) if (written.shards.length >= shards) break;
    return written!;
  }

  test("activations are in the files as a pass gives them, in the order of the text", async () => {
    const manifest = await write();
    expect(manifest).toMatchObject({ complete: true, dtype: "f32", skipFirst: 1, sites: { [sites[0]]: 192, [sites[1]]: 192 }, provenance: options.provenance });
    expect(await readActivations(directory)).toEqual(manifest);
    expect([manifest.shards.length, tokensIn(manifest)]).toEqual([Math.ceil(total / 90), total]);
    for (const site of sites) {
      const read: number[] = [];
      for (const { name } of manifest.shards) {
        await using file = await fileSource(join(directory, name));
        read.push(...((await (await openSafetensors(file)).read(site)).data as Float32Array));
      }
      expect(read).toEqual(direct[site]);
    }
  });

  test("cut short anywhere, between shards or in one, they go on to the same files", async () => {
    await write();
    const expected = files();
    for (const shards of [1, 2, 3]) {
      rmSync(directory, { recursive: true });
      await write({}, { shards });
      const failing = (cursor?: RowCursor) => {
        const whole = opened(cursor);
        let passes = 0;
        return { ...whole, next: async () => (++passes === 2 ? Promise.reject(new Error("killed")) : whole.next()) };
      };
      await expect(write({}, { open: failing })).rejects.toThrow("killed");
      expect(existsSync(join(directory, `0000${shards}.safetensors`))).toBe(false);
      await write();
      expect(files()).toEqual(expected);
    }
  });

  test("what is there is not computed again: the source is not opened, or only behind it", async () => {
    await write({ tokens: 100 });
    const first = files()["00000.safetensors"];
    const unopened = () => expect.unreachable();
    expect(tokensIn(await write({ tokens: 90 }, { open: unopened }))).toBeGreaterThanOrEqual(100);
    const more = await write();
    expect(tokensIn(more)).toBe(total);
    expect(files()["00000.safetensors"]).toEqual(first);
    expect(tokensIn(await write({ tokens: 10 * total }))).toBe(total); // the texts have ended
  });

  test("those of other settings are refused, each difference told, and stay as they are", async () => {
    await write({ tokens: 20 });
    const before = files();
    await expect(write({ provenance: { model: "other", texts: "texts.jsonl", rows: "packed" }, skipFirst: 0, dtype: "f16", sites: ["embed"] }, { open: () => expect.unreachable() })).rejects.toMatchObject({
      code: "USAGE",
      message: `${directory}: expected activations of model "other", got "demo"; rows "packed", got none; skip_first 0, got 1; dtype "f16", got "f32"; sites ["embed"], got ["${sites[0]}","${sites[1]}"]`,
    });
    expect(files()).toEqual(before);
    await write({ tokens: 20, sites: [sites[1]] });
  });

  test("are trained on, with either dtype, and a state goes on bit for bit, also where more were written since", async () => {
    const specs = [topK({ features: 16, k: 3 })];
    const training = async (state?: TrainingState) => train(await openActivations(directory, { device, seed: 3, sites: [sites[1]], cursor: state?.buffer.json.cursor }), specs, { tokens: 150, batchSize: 16, bufferTokens: 64, seed: 3, state });
    for (const dtype of ["f32", "f16"] as const) {
      rmSync(directory, { recursive: true, force: true });
      await write({ tokens: 200, dtype });
      const run = new RunDirectory(join(directory, "run"));
      using whole = await training();
      expect(whole.trainees.map(({ site }) => site)).toEqual([sites[1]]);
      let last: number | undefined;
      for await (const { step, loss } of whole) {
        if (step === 4) await run.writeState(await whole.state(), {});
        last = loss;
      }
      expect([whole.step, last]).toEqual([9, expect.any(Number)]);
      await write();
      using resumed = await training((await run.readState()).state);
      for await (const _ of resumed);
      expect(await Promise.all(resumed.trainees.map(({ trainer }) => trainer.save()))).toEqual(await Promise.all(whole.trainees.map(({ trainer }) => trainer.save())));
    }
  });
});

test("a folder without activations is told", async () => {
  await expect(openActivations(directory, { device })).rejects.toMatchObject({ code: "NOT_FOUND", message: `${directory}: expected activations (manifest.json), got none` });
  expect(await readActivations(directory)).toBeUndefined();
});

test("training holds a shard and the buffer, however much lies on disk", async () => {
  const [D, shardTokens, shards] = [64, 2048, 40];
  const data = 4 * D * shardTokens * shards; // 20 MiB
  const synthetic = (device: Device) => ({
    device,
    widths: { embed: D },
    rerun: () => expect.unreachable(),
    next: async () => ({ rows: { tokens: new Uint32Array(shardTokens), start: Uint32Array.of(0, shardTokens) }, activations: { embed: device.tensor(numbers, [shardTokens, D]) }, cursor: null }),
  });
  const numbers = seededNormal(1, shardTokens * D);
  for await (const _ of writeActivations(directory, () => synthetic(device), { tokens: shardTokens * shards, shardTokens, provenance: {} }));

  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const held = () => (collect(), process.memoryUsage().arrayBuffers);
  using buffer = openBuffer(await openActivations(directory, { device }), { batchSize: 1024, capacity: 4096, seed: 0 });
  const [before, onDevice] = [held(), device.bytesInUse];
  let [most, mostOnDevice, drawn] = [0, 0, 0];
  for await (const batch of buffer) {
    for (const x of Object.values(batch)) x.dispose();
    if (drawn++ % 8 !== 0) continue;
    most = Math.max(most, held() - before);
    mostOnDevice = Math.max(mostOnDevice, device.bytesInUse - onDevice);
  }
  expect(drawn).toBe((shardTokens * shards) / 1024);
  expect(mostOnDevice).toBeGreaterThanOrEqual(4 * D * 4096); // the buffer
  expect(most + mostOnDevice).toBeLessThan(data / 4);
});
