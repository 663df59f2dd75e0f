import { expect, test, vi } from "vitest";
import { fixture } from "../test/fixtures.js";
import { memorySource, openSharded, openShardedSafetensors, openTorch, writeSafetensors, type ByteSource } from "./index.js";

const index = JSON.stringify({
  metadata: { total_size: 12 },
  weight_map: { a: "model-00001-of-00002.safetensors", b: "model-00001-of-00002.safetensors", c: "model-00002-of-00002.safetensors" },
});
const f32 = (name: string, value: number) => ({ name, dtype: "f32" as const, shape: [1], data: Float32Array.of(value) });
const shards: Record<string, ByteSource> = {
  "model-00001-of-00002.safetensors": memorySource(writeSafetensors([f32("a", 1), f32("b", 2)])),
  "model-00002-of-00002.safetensors": memorySource(writeSafetensors([f32("d", 3)])),
};

test("a shard is opened once, when its first tensor is asked for", async () => {
  const openShard = vi.fn(async (name: string) => shards[name]);
  const model = openShardedSafetensors(index, openShard);
  expect(model.names).toEqual(["a", "b", "c"]);
  expect(openShard).not.toHaveBeenCalled();
  const [a, b] = await Promise.all([model.read("a"), model.read("b")]);
  expect([...(a.data as Float32Array), ...(b.data as Float32Array)]).toEqual([1, 2]);
  expect(await model.info("b")).toEqual({ dtype: "f32", shape: [1] });
  expect(openShard.mock.calls).toEqual([["model-00001-of-00002.safetensors"]]);
});

test("a tensor that its shard lacks, or that no shard has", async () => {
  const model = openShardedSafetensors(index, async (name) => shards[name]);
  await expect(model.read("c")).rejects.toMatchObject({ code: "FORMAT", message: 'index: expected tensor "c" in model-00002-of-00002.safetensors, got none' });
  await expect(model.read("d")).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("a shard that could not be opened is tried again", async () => {
  const openShard = vi.fn(async (name: string) => shards[name]).mockRejectedValueOnce(new Error("offline"));
  const model = openShardedSafetensors(index, openShard);
  await expect(model.read("a")).rejects.toThrow("offline");
  expect((await model.read("a")).data).toEqual(Float32Array.of(1));
});

test("shards may be torch files", async () => {
  const model = openSharded('{"weight_map":{"bias":"pytorch_model-00001-of-00001.bin"}}', () => openTorch(fixture("broken/good.pt")));
  expect((await model.read("bias")).shape).toEqual([6]);
});

test.each(["../secret", "/etc/passwd", "a/b.safetensors", "a\\b", "..", ".", "", "C:x", "x\0", "x\n", 7, null])("a shard named %j is refused", (fileName) => {
  const open = () => openShardedSafetensors(JSON.stringify({ weight_map: { w: fileName } }), async () => shards["model-00001-of-00002.safetensors"]);
  expect(open).toThrow("expected a plain file name");
});

test.each(["", "[]", "null", "{}", '{"weight_map":[]}', '{"weight_map":"x"}'])("an index of %j is refused", (text) => {
  expect(() => openShardedSafetensors(text, async () => shards["x"])).toThrow(expect.objectContaining({ code: "FORMAT" }));
});
