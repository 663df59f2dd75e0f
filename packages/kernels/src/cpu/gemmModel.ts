// An ONNX model is a protocol buffer (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, whose field numbers stand
// below). This one is a single node and some 150 bytes.

/** y = Gemm(a, b[, bias]) of any sizes: an ONNX model, opset 13. */
export function gemmModel({ transposeA, transposeB, bias }: { transposeA: boolean; transposeB: boolean; bias: boolean }): Uint8Array<ArrayBuffer> {
  const node = [
    ...["a", "b", ...(bias ? ["bias"] : [])].flatMap((name) => field(1, name)), // input
    ...field(2, "y"), //                                                           output
    ...field(4, "Gemm"), //                                                        op_type
    ...attribute("transA", transposeA),
    ...attribute("transB", transposeB),
  ];
  const graph = [
    ...field(1, node),
    ...field(2, "gemm"), //                                                        name
    ...field(11, valueInfo("a", transposeA ? ["K", "M"] : ["M", "K"])), //         input
    ...field(11, valueInfo("b", transposeB ? ["N", "K"] : ["K", "N"])),
    ...(bias ? field(11, valueInfo("bias", ["N"])) : []),
    ...field(12, valueInfo("y", ["M", "N"])), //                                   output
  ];
  return Uint8Array.from([...field(1, 8), ...field(8, field(2, 13)), ...field(7, graph)]); // ir_version, opset_import { version }, graph
}

/** NodeProto.attribute { name, i, type: INT } */
const attribute = (name: string, value: boolean) => field(5, [...field(1, name), ...field(3, Number(value)), ...field(20, 2)]);
/** ValueInfoProto { name, type { tensor_type { elem_type: FLOAT, shape { dim { dim_param } } } } } */
const valueInfo = (name: string, dims: readonly string[]) => [...field(1, name), ...field(2, field(1, [...field(1, 1), ...field(2, dims.flatMap((dim) => field(1, field(2, dim))))]))];

/** A field of a protocol buffer: a number as varint (wire type 0), all else with its length before it (2). */
function field(number: number, value: number | string | readonly number[]): number[] {
  if (typeof value === "number") return [...varint(8 * number), ...varint(value)];
  const bytes = typeof value === "string" ? [...new TextEncoder().encode(value)] : value;
  return [...varint(8 * number + 2), ...varint(bytes.length), ...bytes];
}
const varint = (n: number): number[] => (n < 128 ? [n] : [(n % 128) + 128, ...varint(Math.floor(n / 128))]);
