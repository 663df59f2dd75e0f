import { add, decodeSparse, encodeRelu, SparseFeatures } from "@dictlearn/kernels";
import { devices, expectClose, expectGradients, expectReference, seededFeatures, seededNormal, webgpuDevice, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const small = await webgpuDevice({ bindingBytes: 4096 });

describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 4 KiB` }])("decodeSparse on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [1, 1, 1, 1],
    [3, 5, 2, 2],
    [17, 67, 3, 4],
    [9, 300, 64, 75], // indices 0, 4, 8, ...: the first of each part too
    [2, 101, 257, 101],
  ])("%i rows, %i features, %i columns, up to %i active", async (B, F, D, most) => {
    // row b has b*7 % (most+1) features, evenly spread
    const rows = Array.from({ length: B }, (_, b) => Array.from({ length: (b * 7) % (most + 1) }, (_, e) => Math.floor((e * F) / most)));
    const rowStart = Uint32Array.from({ length: B + 1 }, (_, b) => rows.slice(0, b).flat().length);
    const index = Uint32Array.from([...rows.flat(), 2 ** 32 - 1]); // past the entries anything may stand
    const given = [[rowStart, [B + 1]], [index, [index.length]], [seededNormal(1, index.length), [index.length]], [seededNormal(2, F * D), [F, D]], [seededNormal(3, D), [D]]] as const;
    // as many additions of products below 16 as there are features
    await expectReference(
      device!,
      given,
      (rowStart, index, values, decoder, bias) => {
        const features = new SparseFeatures([B, F], rowStart, index, values);
        return [decodeSparse(features, decoder), decodeSparse(features, decoder, bias)];
      },
      { absolute: 16 * Math.sqrt(most) * 2 ** -24 * 2, relative: 2 ** -22 },
    );
  });

  test.skipIf(skipped).each([
    [1, 1, 1, 1],
    [9, 5, 3, 2],
    [3, 7, 11, 7],
  ])("%i rows, %i features, %i columns, up to %i active: gradients are finite differences", async (B, F, D, most) => {
    const inputs = [...seededFeatures(1, B, F, most), [seededNormal(2, F * D), [F, D]], [seededNormal(3, D), [D]]] as const;
    // values past the entries have slopes that nobody defines
    const nnz = inputs[0][0][B];
    const cut: Input[] = [inputs[0], [inputs[1][0].slice(0, nnz), [nnz]], [inputs[2][0].slice(0, nnz), [nnz]], inputs[3] as Input, inputs[4] as Input];
    await expectGradients(device!, cut, (rowStart, index, values, decoder, bias) => decodeSparse(new SparseFeatures([B, F], rowStart, index, values), decoder, bias), { absolute: 1e-5, relative: 1e-5 });
  });

  test.skipIf(skipped)("encode and decode: a dictionary of plus and minus each direction gives x back", async () => {
    await device!.scope(async () => {
      const D = 6;
      const both = Float32Array.from({ length: 2 * D * D }, (_, i) => (Math.floor(i / D) % D === i % D ? (i < D * D ? 1 : -1) : 0));
      const x = seededNormal(5, 7 * D);
      const [encoder, bias] = [device!.tensor(both, [2 * D, D]), device!.zeros([2 * D])];
      const given = device!.tensor(x, [7, D]);
      const y = decodeSparse(encodeRelu(given, encoder, bias), encoder, device!.zeros([D]));
      expectClose(await y.read(), x, {});
      expectClose(await add(y, given).read(), x.map((v) => 2 * v), {});
    });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      const features = new SparseFeatures([8, 4096], device!.zeros([9], "u32"), device!.zeros([1], "u32"), device!.zeros([1]));
      expect(() => decodeSparse(features, device!.zeros([512, 4096]))).toThrow("decodeSparse: expected decoder f32[4096,D], got f32[512,4096] (features are [8,4096])");
    });
  });
});
