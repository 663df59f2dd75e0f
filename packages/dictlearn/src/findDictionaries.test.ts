import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { devices, oracle } from "@dictlearn/testing";
import { afterAll, expect, test } from "vitest";
import { findDictionaries, openDictionary } from "./index.js";

const folder = mkdtempSync(join(tmpdir(), "dictionaries-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
for (const path of [
  "run/resid_post_layer_10/trainer_0/ae.pt", "run/resid_post_layer_2/trainer_0/ae.pt", "run/resid_post_layer_2/trainer_0/checkpoints/ae_5.pt", "run/resid_post_layer_2/trainer_1/ae.pt",
  "run/state/step-9/ae.pt", "run/earlier-1/resid_post_layer_2/trainer_0/ae.pt", "run/.hidden/ae.pt", "run/report.html",
  "of many/layers.3.mlp/sae.safetensors", "of many/hook/sae_weights.safetensors", "a/b/c/d/e/f/ae.pt", "empty/config.json",
]) {
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  writeFileSync(join(folder, path), "");
}
const found = async (name: string) => (await findDictionaries(join(folder, name))).map((path) => path.slice(folder.length + 1));

test("of a run's folder: all its dictionaries by their numbers, but no checkpoint, state or earlier run", async () => {
  expect(await found("run")).toEqual(["run/resid_post_layer_2/trainer_0", "run/resid_post_layer_2/trainer_1", "run/resid_post_layer_10/trainer_0"]);
  expect(await found("run/resid_post_layer_2")).toEqual(["run/resid_post_layer_2/trainer_0", "run/resid_post_layer_2/trainer_1"]);
  expect(await found("of many")).toEqual(["of many/hook", "of many/layers.3.mlp"]);
});

test("of what is a dictionary, or holds none, or does not lie here: the name itself", async () => {
  for (const name of ["run/resid_post_layer_2/trainer_0", "run/resid_post_layer_2/trainer_0/ae.pt", "empty", "nowhere", "a"]) expect(await found(name)).toEqual([name]);
  expect(await findDictionaries("demo")).toEqual(["demo"]);
  expect(await findDictionaries("hf:owner/repo/path")).toEqual(["hf:owner/repo/path"]);
});

test("a dictionary says where it was trained, as its file does", async () => {
  const [{ device }] = await devices();
  const origins = [["demo", "mlp_out_layer3"], [fileURLToPath(oracle("formats/saelens/jumprelu_layer_norm")), "blocks.3.hook_resid_post"], [fileURLToPath(oracle("formats/saelens/jumprelu_transcoder")), "blocks.3.hook_resid_post"], [fileURLToPath(oracle("sparse-rep/ae.pt")), undefined]] as const;
  for (const [name, site] of origins) {
    const dictionary = await openDictionary(name, { device: device! });
    expect(dictionary.origin?.site).toBe(site);
    dictionary.dispose();
  }
});
