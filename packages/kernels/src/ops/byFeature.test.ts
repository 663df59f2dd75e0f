import { byFeature, sliceRows, type Tensor } from "@dictlearn/kernels";
import { devices, expectReference, seededFeatures, webgpuDevice } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const small = await webgpuDevice({ bindingBytes: 4096 });

describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 4 KiB` }])("byFeature on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [0, 3, 1],
    [1, 1, 1],
    [5, 1, 1],
    [17, 67, 4],
    [131, 5, 5],
    [300, 13, 2],
    [9, 300, 75],
  ])("%i rows, %i features, up to %i active: every entry in the order of features, then rows", async (B, F, most) => {
    const [rowStart, index] = seededFeatures(1, B, F, most);
    const nnz = rowStart[0][B];
    const cut = (t: Tensor) => sliceRows(t.reshape([t.size, 1]), { start: 0, end: nnz });
    await expectReference(device!, [rowStart, index], (rowStart, index) => {
      const { start, entry, row } = byFeature(rowStart, index, { F });
      return [start, cut(entry), cut(row)];
    });
  });

  test.skipIf(skipped)("memory comes back", async () => {
    const [rowStart, index] = seededFeatures(1, 9, 20, 5);
    const [live, bytes] = [device!.scopes.live, device!.bytesInUse];
    const given = [device!.tensor(...rowStart), device!.tensor(...index)] as const;
    for (const t of [...Object.values(byFeature(...given, { F: 20 })), ...given]) t.dispose();
    expect([device!.scopes.live, device!.bytesInUse]).toEqual([live, bytes]);
  });
});
