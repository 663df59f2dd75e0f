import { devices, webgpuDevice } from "@dictlearn/testing";
import { add, defineOp, gelu, openDevice, type Tensor } from "@dictlearn/kernels";
import { describe, expect, test, vi } from "vitest";

const onGpu = await webgpuDevice();

describe.each(await devices())("on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped)("what is uploaded comes back, for every dtype and odd lengths", async () => {
    expect(await device.tensor(new Float32Array([1.5, -0, Infinity]), [3]).read()).toEqual(new Float32Array([1.5, -0, Infinity]));
    expect(await device.tensor(new Int32Array([-1, 2 ** 31 - 1]), [1, 2]).read()).toEqual(new Int32Array([-1, 2 ** 31 - 1]));
    expect(await device.tensor(new Uint32Array([2 ** 32 - 1]), []).read()).toEqual(new Uint32Array([2 ** 32 - 1]));
    expect(await device.tensor(new Uint16Array([0x3c00, 0xc000, 0x7c00]), [3]).read()).toEqual(new Float32Array([1, -2, Infinity]));
    expect(await device.tensor(new Float32Array(), [0, 7]).read()).toEqual(new Float32Array());
    expect(await device.zeros([2, 2], "u32").read()).toEqual(new Uint32Array(4));
  });

  test.skipIf(skipped)("an upload between ops is seen by the ops after it and by none before", async () => {
    const one = device.tensor(new Float32Array(1000).fill(1), [1000]);
    const two = add(one, one);
    one.dispose();
    const three = device.tensor(new Float32Array(1000).fill(3), [1000]); // may take the memory of `one`
    const five = add(two, three);
    expect([...new Set(await two.read())]).toEqual([2]);
    expect([...new Set(await five.read())]).toEqual([5]);
  });

  test.skipIf(skipped)("a scope frees what was made inside and keeps what it returns, nested, async and on a throw", async () => {
    const [live, bytes] = [device.scopes.live, device.bytesInUse];
    const x = device.tensor(new Float32Array(64), [64]);
    const inside: Tensor[] = [];
    const make = () => (inside.push(gelu(x)), inside.at(-1)!);
    const kept = device.scope(() => {
      make();
      return { deep: [device.scope(() => (make(), make()))] };
    });
    expect(inside.map((t) => t.disposed)).toEqual([true, true, false]);
    await device.scope(async () => {
      make();
      await device.idle();
      make();
    });
    expect(() =>
      device.scope(() => {
        make();
        throw new Error("stop");
      }),
    ).toThrow("stop");
    expect(inside.slice(3).map((t) => t.disposed)).toEqual([true, true, true]);
    kept.deep[0]!.dispose();
    x.dispose();
    x.dispose();
    expect([device.scopes.live, device.bytesInUse]).toEqual([live, bytes]);
  });

  test.skipIf(skipped)("what is kept outlives every scope around it", () => {
    let kept: Tensor | undefined;
    device.scope(() => {
      device.scope(() => {
        kept = device.keep(device.zeros([4]));
      });
    });
    expect(kept!.disposed).toBe(false);
    kept!.dispose();
    expect(kept!.disposed).toBe(true);
  });

  test.skipIf(skipped)("memory is flat: 2,000 turns of ops hold what 10 do", async () => {
    const x = device.tensor(new Float32Array(5000).fill(0.5), [50, 100]);
    const turn = () => device.scope(() => void gelu(add(gelu(x), x)));
    for (let i = 0; i < 10; i++) turn();
    await device.idle();
    const [live, bytes] = [device.scopes.live, device.bytesInUse];
    for (let i = 0; i < 2000; i++) turn();
    await device.idle();
    expect([device.scopes.live, device.bytesInUse]).toEqual([live, bytes]);
    x.dispose();
  });

  test.skipIf(skipped)("reshape shares memory, which lives as long as one of the two", async () => {
    const x = device.tensor(new Float32Array([1, 2, 3, 4, 5, 6]), [2, 3]);
    const y = x.reshape([3, 2]);
    x.dispose();
    expect(y.shape).toEqual([3, 2]);
    expect(await y.read()).toEqual(new Float32Array([1, 2, 3, 4, 5, 6]));
    expect(() => y.reshape([4])).toThrow("reshape: expected 6 elements, got [4] for f32[3,2]");
    y.dispose();
  });

  test.skipIf(skipped)("misuse is named: wrong length, wrong dtype, used after dispose", () => {
    expect(() => device.tensor(new Float32Array(3), [2, 2])).toThrow("tensor: expected 4 elements for f32[2,2], got 3");
    expect(() => device.tensor(new Float32Array(4), [4], "u32")).toThrow("tensor: expected data of u32, got Float32Array");
    const x = device.tensor(new Float32Array(3), [3]);
    x.dispose();
    expect(() => gelu(x)).toThrow("gelu: expected a live tensor, got f32[3] after dispose()");
    expect(() => x.read()).toThrow("read: expected a live tensor");
    expect(() => x.reshape([3])).toThrow("after dispose()");
  });

  test.skipIf(skipped)("an op defined outside runs: WGSL on a GPU, its reference on cpu", async () => {
    const double = defineOp<{ x: Float32Array }, { y: Float32Array }>({
      name: "double",
      outputs: ({ x }) => ({ y: { dtype: "f32", shape: x.shape } }),
      reference({ x }, { y }) {
        x.data.forEach((v, i) => (y.data[i] = 2 * v));
      },
      wgsl: ({ x }, { y }) => ({ code: "@compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = 2 * x[id.x]; }", read: { x }, write: { y }, workgroups: [x.size] }),
    });
    expect(await double({ x: device.tensor(new Float32Array([1, -4]), [2]) }, {}).y.read()).toEqual(new Float32Array([2, -8]));
  });
});

test.skipIf(onGpu.skipped)("a step that comes again on webgpu makes no buffer and no bind group anew", async () => {
  const device = onGpu.device!;
  const spies = (["createBuffer", "createBindGroup"] as const).map((name) => vi.spyOn(GPUDevice.prototype, name));
  try {
    using weight = device.tensor(new Float32Array(64).fill(1), [64]);
    let log: Tensor | undefined;
    const step = async () => {
      using x = device.tensor(new Float32Array(64).fill(2), [64]);
      log?.dispose(); // of the step before, which lives this long
      log = gelu(x);
      // freed in another order than made: what was freed last would come round to the same use after nine steps only
      const between = Array.from({ length: 9 }, () => add(x, weight));
      for (const odd of [0, 1]) between.forEach((tensor, i) => i % 2 === odd && tensor.dispose());
      await device.idle();
    };
    for (let i = 0; i < 4; i++) await step();
    spies.forEach((spy) => spy.mockClear());
    for (let i = 0; i < 4; i++) await step();
    log?.dispose();
    expect(spies.map((spy) => spy.mock.calls.length)).toEqual([0, 0]);
  } finally {
    spies.forEach((spy) => spy.mockRestore());
    device.dispose();
  }
});

test("tensors of two devices do not mix", async () => {
  const [a, b] = [await openDevice(), await openDevice()];
  const on = (device: typeof a) => device.tensor(new Float32Array(2), [2]);
  expect(() => add(on(a), on(b))).toThrow("add: expected b on the device of a");
});

test("webgpu asked for where there is none is an error with a remedy; auto takes the cpu", async () => {
  await expect(openDevice({ backend: "webgpu" })).rejects.toMatchObject({ code: "UNSUPPORTED", message: "device: expected a WebGPU adapter, got no WebGPU here" });
  expect((await openDevice({ backend: "auto" })).kind).toBe("cpu");
});

test("threads fall back to one where nothing can start them", async () => {
  const device = await openDevice({ backend: "cpu", threads: 4 });
  expect(device.label).toBe("cpu (WebAssembly SIMD, 1 thread)");
});
