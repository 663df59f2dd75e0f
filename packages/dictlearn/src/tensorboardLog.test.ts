import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { oracle } from "@dictlearn/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { evaluation, folder, lines, writeRuns } from "../../../oracles/tensorboard/runs.ts";
import { tensorboardLog } from "./tensorboardLog.js";

// What TensorBoard made of these files (oracles/tensorboard/README.md).

const { files, whole, served } = JSON.parse(readFileSync(oracle("tensorboard/opened.json"), "utf8"));
const out = mkdtempSync(join(tmpdir(), "tensorboard-"));
beforeAll(() => writeRuns(tensorboardLog as never, out));
afterAll(() => rmSync(out, { recursive: true, force: true }));

test.each(["whole", "killed", "resumed"])("the files of the run, %s, are those that TensorBoard opened", (name) => {
  const hashes = Object.fromEntries(readdirSync(join(out, name, folder)).map((file) => [file, createHash("sha256").update(readFileSync(join(out, name, folder, file))).digest("hex")]));
  expect(hashes).toEqual(files[name]);
});

test("it told what was logged, of the whole run as of the one that was killed and went on", () => {
  const { feature_density, ...measures } = evaluation;
  const logged = Object.fromEntries(Object.keys(lines[0]).filter((name) => name !== "step").map((name) => [name, lines.map((line) => [line.step, Math.fround(line[name as "loss"])])]));
  const evaluated = Object.fromEntries(Object.entries(measures).map(([name, value]) => [`eval/${name}`, [[600, Math.fround(value)]]]));
  expect(whole.scalars).toEqual({ ...logged, ...evaluated });
  expect(whole.histograms).toEqual({ "eval/feature_density_log10": [[600, expect.objectContaining({ bucket: feature_density.features, bucket_limit: [-0.75, -0.5, -0.25, 0], num: 1152 })]] });
  expect(whole.hparams).toEqual({ dict_class: "AutoEncoderTopK", activation_dim: 192, dict_size: 1536, k: 32, lr: 0.0008, group_fractions: "[0.25,0.75]", wandb_name: "TopK, µ", sparse: true });
  expect(JSON.parse(whole.text.replace(/^```json\n|\n```$/g, ""))).toMatchObject({ wandb_name: "TopK, µ", decay_start: null });
  expect(served).toMatchObject({ loss: { whole: whole.scalars.loss, resumed: whole.scalars.loss }, session_groups: 3 });
});

test("a run that says nothing leaves no file", async () => {
  const log = tensorboardLog({ folderOf: () => join(out, "silent") } as never);
  await log.begin({ trainer: { config: {} } } as never, 0);
  expect(readdirSync(out)).not.toContain("silent");
});
