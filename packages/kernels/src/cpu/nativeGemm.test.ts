import { linear, matmul, ShapeError, type Device } from "@dictlearn/kernels";
import { openDevice, openNativeGemm } from "@dictlearn/kernels/node";
import { seededNormal } from "@dictlearn/testing";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

const installed = (() => {
  try {
    return !!createRequire(import.meta.url).resolve("onnxruntime-node");
  } catch {
    return false;
  }
})();

/** toEqual takes a second for so many numbers. */
const isSame = (a: Float32Array | Int32Array | Uint32Array, b: typeof a): boolean => Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer)) === 0;

describe.skipIf(!installed)(`native engine${installed ? "" : ", skipped: onnxruntime-node is not installed"}`, async () => {
  const opened: Device[] = [];
  const open = async (engine: "wasm" | "native", threads: number) => {
    const device = await openDevice({ backend: "cpu", engine, threads });
    opened.push(device);
    return device;
  };
  const [wasm, one, two, ten] = (installed ? [await open("wasm", 2), await open("native", 1), await open("native", 2), await open("native", 10)] : []) as [Device, Device, Device, Device];
  afterAll(() => opened.forEach((device) => device.dispose()));

  const product = (device: Device, [M, N, K]: readonly number[], { transposeA = false, transposeB = false }) =>
    device.scope(async () => {
      const a = device.tensor(seededNormal(1, M * K), transposeA ? [K, M] : [M, K]);
      const b = device.tensor(seededNormal(2, N * K), transposeB ? [N, K] : [K, N]);
      return matmul(a, b, { transposeA, transposeB }).read();
    });
  const layouts = [false, true].flatMap((transposeA) => [false, true].map((transposeB) => ({ transposeA, transposeB })));

  // large enough to be taken; a last block of one row, of one column, several blocks each way
  test.each([
    [257, 1025, 130],
    [1000, 37, 515],
    [129, 2051, 67],
  ])("[%i,%i] of depth %i, in blocks: within rounding of WebAssembly's, the same bytes on any number of threads", async (...size) => {
    for (const layout of layouts) {
      const expected = await product(wasm, size, layout);
      const actual = await product(two, size, layout);
      let worst = 0;
      actual.forEach((y, i) => (worst = Math.max(worst, Math.abs(y - expected[i]))));
      expect(worst).toBeLessThan(size[2] * 2 ** -19);
      expect(isSame(actual, expected)).toBe(false); // it is another engine that was asked
      for (const device of [one, two, ten]) expect(isSame(await product(device, size, layout), actual)).toBe(true);
    }
  });

  test("a bias is added in every block", async () => {
    const [M, N, K] = [300, 1100, 60];
    const inputs: [Float32Array, number[]][] = [[seededNormal(1, M * K), [M, K]], [seededNormal(2, N * K), [N, K]], [seededNormal(3, N), [N]]];
    const run = (device: Device) => device.scope(() => linear(...(inputs.map(([data, shape]) => device.tensor(data, shape)) as Parameters<typeof linear>)).read());
    const [expected, actual] = [await run(wasm), await run(two)];
    let worst = 0;
    actual.forEach((y, i) => (worst = Math.max(worst, Math.abs(y - expected[i]))));
    expect(worst).toBeLessThan(1e-4);
  });

  test("memory that grows under it is seen", async () => {
    const device = await open("native", 2);
    const size = [256, 256, 256] as const;
    const before = await product(device, size, {});
    const large = device.zeros([2 ** 26]);
    expect(await product(device, size, {})).toEqual(before);
    large.dispose();
  });

  test("small products stay in WebAssembly, and what an engine is called says so", async () => {
    expect(await product(two, [31, 20, 16], {})).toEqual(await product(wasm, [31, 20, 16], {}));
    expect([wasm.engine, wasm.exact, two.exact]).toEqual(["wasm", true, false]);
    expect(two.engine).toMatch(/^onnxruntime \d+\.\d+\.\d+ on \S/);
    expect(two.label).toContain(two.engine);
    two.scope(() => expect(() => matmul(two.zeros([400, 400]), two.zeros([401, 400]))).toThrow(ShapeError));
  });

  test("a product that the library refuses is an error, not a hang, and the workers work on", async () => {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 64, shared: true });
    const engine = await openNativeGemm(memory);
    const gemm = { a: 0, b: 1024, bias: 0, y: 65536, M: 8, N: 8, K: 8, transposeA: false, transposeB: true };
    expect(() => engine.run({ ...gemm, a: 2 ** 31 })).toThrow(/^onnxruntime .*: expected a product \[8,8\] x \[8,8\], got an error of its own$/);
    new Float32Array(memory.buffer, 0, 64).fill(1);
    new Float32Array(memory.buffer, 1024, 64).fill(2);
    engine.run(gemm);
    expect([...new Float32Array(memory.buffer, 65536, 64)]).toEqual(Array(64).fill(16));
    engine.close();
  });

  test("what the library returns does not gather as garbage", () => {
    const node = fileURLToPath(new URL("../../dist/node.js", import.meta.url));
    // a product of [1024,1024] is 4 MiB that the library returns; memory is at its most after the first few
    const code = `
      import { openDevice } from ${JSON.stringify(node)};
      import { linear } from ${JSON.stringify(node.replace("node.js", "index.js"))};
      const device = await openDevice({ backend: "cpu", threads: 2, engine: "native" });
      const [x, w] = [device.zeros([1024, 64]), device.zeros([1024, 64])];
      const after = (products) => { for (let i = 0; i < products; i++) device.scope(() => void linear(x, w)); return process.resourceUsage().maxRSS; };
      const few = after(4);
      console.log(Math.round((after(60) - few) / 1024));`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8", timeout: 60_000 });
    expect(stderr).toBe("");
    expect(Number(stdout)).toBeLessThan(16); // MiB; as garbage some 60
  });

  test("a process ends by itself with the engine open, and with it disposed", () => {
    const node = fileURLToPath(new URL("../../dist/node.js", import.meta.url));
    for (const last of ["", "device.dispose();"]) {
      const code = `import { openDevice } from ${JSON.stringify(node)}; const device = await openDevice({ backend: "cpu", threads: 2, engine: "native" }); console.log(device.engine); ${last}`;
      expect(spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8", timeout: 60_000 })).toMatchObject({ status: 0, stderr: "", stdout: expect.stringMatching(/^onnxruntime /) });
    }
  });
});

test.skipIf(!installed)("a process that ends, and a device that is disposed of, while threads load the library, end as they were told", () => {
  const node = fileURLToPath(new URL("../../dist/node.js", import.meta.url));
  const open = `import { openDevice } from ${JSON.stringify(node)}; const opening = openDevice({ backend: "cpu", threads: 3, engine: "native" });`;
  const ends = [
    ...[20, 40, 50, 60, 70, 90].map((ms) => `setTimeout(() => process.exit(7), ${ms});`),
    ...[0, 10, 30, 50].flatMap((ms) => [`await opening; setTimeout(() => process.exit(7), ${ms});`, `const device = await opening; setTimeout(() => device.dispose(), ${ms}); process.exitCode = 7;`]),
  ];
  for (const end of ends) expect(spawnSync(process.execPath, ["--input-type=module", "-e", `${open} ${end}`], { encoding: "utf8", timeout: 60_000 })).toMatchObject({ status: 7, stderr: "" });
});

// https://github.com/microsoft/onnxruntime/pull/27379
test.skipIf(!installed)("the library keeps no file of events, and so sends none; in a worker thread, where that can't be seen to, it is refused", () => {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "kernels-home-")));
  const { CI: _, ORT_DISABLE_TELEMETRY: __, ...env } = process.env; // in CI there are none anyway
  const node = JSON.stringify(fileURLToPath(new URL("../../dist/node.js", import.meta.url)));
  const run = (code: string) => spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8", timeout: 60_000, env: { ...env, HOME: home, USERPROFILE: home, XDG_CACHE_HOME: join(home, "cache") } });
  try {
    const open = `import { openDevice } from ${node}; const device = await openDevice({ backend: "cpu", threads: 2, engine: "native" });`;
    expect(run(`${open} device.dispose(); console.log(process.env.ORT_DISABLE_TELEMETRY);`)).toMatchObject({ status: 0, stderr: "", stdout: "1\n" });
    expect(readdirSync(home)).toEqual([]);

    const inWorker = `const { openDevice } = await import(${node}); const lines = [];
      await openDevice({ backend: "cpu", engine: "native" }).catch((error) => lines.push(error.code, error.message));
      lines.push((await openDevice({ backend: "cpu", threads: 1, onNotice: (line) => lines.push(line) })).engine);
      (await import("node:worker_threads")).parentPort.postMessage(lines);`;
    const { stdout, stderr } = run(`import { Worker } from "node:worker_threads"; new Worker(${JSON.stringify(`(async () => { ${inWorker} })()`)}, { eval: true }).on("message", (lines) => { console.log(lines.join("\\n")); process.exit(); });`);
    expect(stderr).toBe("");
    const why = "engine: expected ORT_DISABLE_TELEMETRY in the environment of a process that opens the native engine in a worker thread, got none";
    expect(stdout.trimEnd().split("\n")).toEqual(["UNSUPPORTED", why, `engine: wasm, since onnxruntime-node can't be had: ${why}`, "wasm"]);
    expect(readdirSync(home)).toEqual([]);
  } finally {
    rmSync(home, { recursive: true });
  }
});

test("where it is not installed, native is an error that says what to do, and auto is WebAssembly and a notice", () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "kernels-")));
  try {
    cpSync(dirname(fileURLToPath(new URL("../../dist/node.js", import.meta.url))), join(folder, "dist"), { recursive: true });
    const code = `
      import { openDevice } from ${JSON.stringify(join(folder, "dist/node.js"))};
      const device = await openDevice({ backend: "cpu", threads: 2, onNotice: (line) => console.log(line.replaceAll(${JSON.stringify(folder)}, "")) });
      console.log(device.label);
      await openDevice({ backend: "cpu", engine: "native" }).catch(({ code, message, remedy }) => console.log(code, message, remedy));`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8", cwd: folder, timeout: 60_000, env: { ...process.env, NODE_PATH: "" } }); // pnpm's launchers set it
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout.trimEnd().split("\n")).toEqual([
      "engine: wasm, since onnxruntime-node can't be had: Cannot find module 'onnxruntime-node/package.json'",
      "cpu (WebAssembly SIMD, 2 threads)",
      "UNSUPPORTED engine: expected onnxruntime-node for native, got Cannot find module 'onnxruntime-node/package.json' npm install onnxruntime-node, or take the engine wasm",
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
