import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { softwareGpu } from "./softwareGpu.js";

const found = await softwareGpu();
const skipped = "skipped" in found ? found.skipped : undefined;

test.skipIf(skipped)(`a compute shader doubles numbers${skipped ? ` (${skipped})` : ""}`, async () => {
  if ("skipped" in found) return;
  const adapter = await found.gpu.requestAdapter();
  const device = await adapter!.requestDevice();
  const numbers = Float32Array.from({ length: 1000 }, (_, i) => i - 500.5);
  const values = device.createBuffer({
    size: numbers.byteLength,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
  });
  const readable = device.createBuffer({ size: numbers.byteLength, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(values, 0, numbers);

  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: {
      module: device.createShaderModule({
        code: `@group(0) @binding(0) var<storage, read_write> values: array<f32>;
          @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) at: vec3u) {
            if (at.x < arrayLength(&values)) { values[at.x] = 2 * values[at.x]; }
          }`,
      }),
    },
  });
  const commands = device.createCommandEncoder();
  const pass = commands.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer: values } }] }),
  );
  pass.dispatchWorkgroups(Math.ceil(numbers.length / 64));
  pass.end();
  commands.copyBufferToBuffer(values, 0, readable, 0, numbers.byteLength);
  device.queue.submit([commands.finish()]);

  await readable.mapAsync(GPUMapMode.READ);
  expect(new Float32Array(readable.getMappedRange().slice(0))).toEqual(numbers.map((x) => 2 * x));
  device.destroy();
});

test("the same GPU object is handed out again", async () => {
  expect(await softwareGpu()).toBe(found);
});

test.skipIf(skipped)("processes that start together with nothing unpacked all get a GPU, and no half folder is left", async () => {
  const swiftshader = fileURLToPath(new URL("../dist/swiftshader.js", import.meta.url));
  const program = `
    const { loadSwiftShader } = await import(${JSON.stringify(swiftshader)});
    console.log(await loadSwiftShader(process.argv[1]));`;
  const folder = fileURLToPath(new URL(`../../../node_modules/.cache/dictlearn/race-${process.pid}/`, import.meta.url));
  try {
    const runs = Array.from({ length: 3 }, () =>
      promisify(execFile)(process.execPath, ["--input-type=module", "-e", program, folder]),
    );
    for (const { stdout } of await Promise.all(runs)) expect(stdout).toBe("undefined\n");
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^swiftshader-[\d.]+$/)]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
