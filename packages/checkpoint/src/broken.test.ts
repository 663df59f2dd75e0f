import { expect, test } from "vitest";
import { fixture, fixtureBytes, recording, seeded } from "../test/fixtures.js";
import { CheckpointError, memorySource, openSafetensors, openTorch, toFloat32, type ByteSource, type Checkpoint } from "./index.js";

const expected = JSON.parse(new TextDecoder().decode(fixtureBytes("broken/expected.json"))) as Record<
  string,
  { must_refuse: boolean | null; why: string }
>;

// Sound files of tensors that make no AutoEncoder: to refuse them is the business of who knows what an AutoEncoder is.
const refusedLater = ["wrong_shapes.pt", "transposed_encoder.pt", "missing_key.pt", "extra_key.pt"];

function open(source: ByteSource): Promise<Checkpoint> {
  return source.name?.endsWith(".safetensors") ? openSafetensors(source) : openTorch(source);
}

/** Asks for all that a file names, as weights. */
async function readAsWeights(source: ByteSource): Promise<number> {
  const checkpoint = await open(source);
  const values = "values" in checkpoint ? [...(checkpoint.values as Map<string, unknown>).keys()] : [];
  let numbers = 0;
  for (const name of [...checkpoint.names, ...values]) numbers += toFloat32(await checkpoint.read(name), { finite: true }).length;
  return numbers;
}

type Case = [file: string, why: string];
const filesWith = (mustRefuse: boolean | null): Case[] =>
  Object.entries(expected)
    .filter(([file, { must_refuse }]) => (refusedLater.includes(file) ? false : must_refuse) === mustRefuse)
    .map(([file, { why }]) => [file, why]);
const outcome = (file: string) => readAsWeights(fixture(`broken/${file}`)).catch((error: unknown) => error);

test.each(filesWith(true))("%s is refused: %s", async (file) => {
  const error = (await outcome(file)) as CheckpointError;
  expect(error).toBeInstanceOf(CheckpointError);
  expect(error.code).toBe(file === "reduce_os_system_legacy.pt" ? "UNSUPPORTED" : "FORMAT");
});

test.each(filesWith(false))("%s is read: %s", async (file) => {
  expect(await outcome(file)).toBeTypeOf("number");
});

test.each(filesWith(null))("%s is read or refused: %s", async (file) => {
  expect([Number, CheckpointError]).toContain(((await outcome(file)) as object).constructor);
});

test.each(Object.keys(expected))("%s is asked for bytes that it has, and for none many times", async (file) => {
  const source = recording(fixture(`broken/${file}`));
  await readAsWeights(source).catch(() => {});
  for (const [start, end] of source.ranges) expect(start <= end && end <= source.byteLength).toBe(true);
  expect(source.ranges.reduce((sum, [start, end]) => sum + end - start, 0)).toBeLessThanOrEqual(3 * source.byteLength);
});

test("messages say what the file holds, and what to do", async () => {
  const message = (file: string) => readAsWeights(fixture(`broken/${file}`)).catch((error: Error) => error.message);
  expect(await message("reduce_os_system.pt")).toBe(
    'broken/reduce_os_system.pt: pickle global "posix.system" is not allowed (only tensors are read, nothing is run)',
  );
  expect(await message("inst_opcode.pt")).toContain('pickle global "os.system" is not allowed');
  expect(await message("reduce_protocol4.pt")).toContain('pickle global "builtins.exec" is not allowed');
  expect(await message("value_is_text.pt")).toBe("broken/value_is_text.pt: bias: expected a tensor, got string");
  expect(await message("nan_weights.pt")).toBe("encoder.weight: expected finite values, got NaN at [2,3]");
  expect(await message("inf_weights.pt")).toBe("encoder.weight: expected finite values, got Infinity at [0,0]");
  expect(await message("complex_dtype.pt")).toBe("bias: expected f64, f32, f16 or bf16, got c64");
  expect(await message("list_not_dict.pt")).toBe("broken/list_not_dict.pt: expected a dict of tensors, got a list");
});

test.each([
  "broken/good.pt",
  "broken/good.safetensors",
  "dl_variants/deflated.pt",
  "dl_variants/backup_AutoEncoder.pt",
  "torch/zip64.pt",
])("whatever is cut off or flipped, %s gives tensors or an error with a code", { timeout: 20_000 }, async (file) => {
  const whole = fixtureBytes(file);
  const random = seeded(1);
  const surprises: unknown[] = [];
  const note = (error: unknown) => void (error instanceof CheckpointError || surprises.push(error));
  for (let round = 0; round < 300; round++) {
    const bytes = whole.slice(0, round % 3 === 0 ? random(whole.length) : whole.length);
    for (let flips = 1 + random(4); flips > 0 && bytes.length > 0; flips--) bytes[random(bytes.length)] ^= 1 << random(8);
    const checkpoint = await open(memorySource(bytes, file)).catch(note);
    for (const name of checkpoint?.names ?? []) await checkpoint!.read(name).catch(note);
  }
  expect(surprises).toEqual([]);
});
