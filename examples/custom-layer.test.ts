import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { softwareGpu } from "@dictlearn/testing";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("custom-layer.mjs", import.meta.url));
// The example takes the GPU that Dawn finds; here that is the tests' own.
const withGpu = `data:text/javascript,import { softwareGpu } from ${JSON.stringify(import.meta.resolve("@dictlearn/testing"))}; await softwareGpu();`;

test("custom-layer.mjs: gradients are the differences on every device; the layer rebuilt changes nothing; swish at 1.7 is nearly GELU", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", withGpu, script, "8"]);
  const lines = stdout.trimEnd().split("\n");
  const skipped = "skipped" in (await softwareGpu());
  const kinds = skipped ? ["cpu"] : ["cpu", "webgpu"];
  const off = lines.flatMap((line) => /^(cpu|webgpu).*: gradient and differences are at most (\S+) apart$/.exec(line)?.slice(1) ?? []);
  expect(off.filter((_, i) => i % 2 === 0)).toEqual(kinds);
  // Four roundings of numbers up to 5, 2⁻²² each, over 0.02 make 5e-5; 0.01² / 6 of a third derivative below 1.5 is 3e-5.
  for (let i = 1; i < off.length; i += 2) expect(Number(off[i])).toBeLessThan(1e-4);
  if (skipped) expect(lines).toContainEqual(expect.stringMatching(/^device: expected a WebGPU adapter, got /));

  const nats = Object.fromEntries(lines.flatMap((line) => [/^(.+?) +(\d\.\d{4}) nats a token$/.exec(line)?.slice(1) ?? []]).filter(([name]) => name)) as Record<string, string>;
  expect(nats["its layer, written here"]).toBe(nats["the model as it is"]);
  const above = (name: string) => Number(nats[name]) - Number(nats["the model as it is"]);
  expect(Math.abs(above("with swish, β = 1.7"))).toBeLessThan(0.01); // x sigmoid(1.702 x), Hendrycks & Gimpel 2016, §2
  for (const beta of [0.5, 1, 4]) expect(above(`with swish, β = ${beta}`)).toBeGreaterThan(Math.abs(above("with swish, β = 1.7")));
});
