// oxlint-disable no-restricted-imports -- for tests only, and outside src so that no build ships it
import { readFileSync } from "node:fs";
import { memorySource, openSafetensors, openShardedSafetensors, openTorch, type Checkpoint } from "@dictlearn/checkpoint";
import type { Device } from "@dictlearn/kernels";
import { openNeox, packRows, parseConfig, type NeoxConfig, type NeoxOptions, type PackedRows } from "../src/index.js";
import { oracle, readOracle, type Arrays } from "@dictlearn/testing";

/** What transformers computed for one of oracles/neox, and the model that it computed with. */
export interface OracleModel {
  name: string;
  config: NeoxConfig;
  weights: Checkpoint;
  expected: Arrays;
  info: { "right.loss": number; "left.loss": number; "right.loss_targets": number; "right.zero_mlp1.loss": number; "right.add_v1.loss": number };
}

export const oracleNames = ["a-parallel-f32", "b-sequential-f32", "c-f16-sharded", "d-f16-bin-legacy"];

const text = (path: string) => readFileSync(oracle(path), "utf8");
const file = (path: string) => memorySource(readFileSync(oracle(path)), path);

export async function oracleModel(name: string): Promise<OracleModel> {
  const folder = `neox/${name}`;
  return {
    name,
    config: parseConfig(JSON.parse(text(`${folder}/model/config.json`))),
    weights: await openWeights(`${folder}/model`),
    expected: readOracle(`${folder}/expected.safetensors`),
    info: JSON.parse(text(`${folder}/expected.json`)),
  };
}

async function openWeights(folder: string): Promise<Checkpoint> {
  if (folder.includes("sharded")) return openShardedSafetensors(text(`${folder}/model.safetensors.index.json`), async (name) => file(`${folder}/${name}`));
  if (folder.includes("bin")) return openTorch(file(`${folder}/pytorch_model.bin`));
  return openSafetensors(file(`${folder}/model.safetensors`));
}

export const openOn = (device: Device, { config, weights }: OracleModel, options: Partial<NeoxOptions> = {}) => openNeox({ device, config, weights, ...options });

/** The padded batch as rows. Padding on the right stays, for transformers computes it; padding on the left is left out. */
export function paddedRows({ expected }: OracleModel, side: "right" | "left"): PackedRows {
  const lengths = realLengths(expected);
  const [, T] = expected["right.input_ids"].shape;
  const ids = expected[`${side}.input_ids`].data;
  const rows = lengths.map((length, r) => ids.subarray(r * T + (side === "left" ? T - length : 0), (r + 1) * T));
  return side === "right" ? packRows(rows, { attended: lengths }) : packRows(rows, { firstPosition: lengths.map((length) => T - length) });
}

/** The values of one side as [N, ...], at the tokens that `paddedRows` keeps. */
export function values({ expected }: OracleModel, side: "right" | "left", name: string): Float32Array {
  const { shape, data } = expected[`${side}.${name}`];
  const mask = expected[`${side}.attention_mask`].data;
  const width = shape[2];
  return Float32Array.from(data as Float32Array).filter((_, i) => side === "right" || mask[Math.floor(i / width)] === 1);
}

function realLengths(expected: Arrays): number[] {
  const { shape, data } = expected["right.attention_mask"];
  const [R, T] = shape;
  return Array.from({ length: R }, (_, r) => [...data.subarray(r * T, (r + 1) * T)].filter((real) => real === 1).length);
}
