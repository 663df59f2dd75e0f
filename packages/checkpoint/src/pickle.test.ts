import { describe, expect, test } from "vitest";
import { memorySource, openTorch } from "./index.js";

// Pickles by hand. A character is a byte.
const text = (value: string) => `X${String.fromCharCode(value.length & 255, value.length >> 8)}\0\0${value}`;
const get = (memo: number) => `h${String.fromCharCode(memo)}`;
const put = (memo: number) => `q${String.fromCharCode(memo)}`;
const byte = (value: number) => `K${String.fromCharCode(value)}`;

/** Reads it as a torch file's data.pkl, beside a storage `data/0` of two f32. */
const open = (pickle: string) => openTorch(memorySource(archive(pickle), "x.pt"));

function archive(pickle: string): Uint8Array {
  const bytes = Uint8Array.from(`\x80\x02${pickle}.`, (character) => character.charCodeAt(0));
  return storedZip({ "a/data.pkl": bytes, "a/data/0": new Uint8Array(8) });
}

describe("a small file cannot make much", () => {
  test("dicts that hold the one before twice", async () => {
    const level = (i: number) => `}${text("a")}${get(i)}s${text("b")}${get(i)}s${put(i + 1)}`;
    const levels = `}${text("x")}${byte(0)}s${put(0)}${Array.from({ length: 12 }, (_, i) => level(i)).join("")}`; // 4096 leaves
    await expect(open(`${levels}}${text("all")}(${get(12).repeat(100)}ls`)).rejects.toMatchObject({
      message: "x.pt: expected names of at most 4194304 characters, got more",
    });
  });

  test("a dict in itself", async () => {
    await expect(open(`}${put(0)}${text("self")}${get(0)}s`)).rejects.toMatchObject({
      message: "x.pt: expected at most 16 levels of dicts and lists, got more",
    });
  });

  test("one long name before many short ones", async () => {
    const short = Array.from({ length: 2000 }, (_, i) => `${text(String(i))}${byte(0)}s`).join("");
    await expect(open(`}${text("n".repeat(60_000))}}${short}s`)).rejects.toMatchObject({ code: "FORMAT" });
  });

  test.each(["}", "(", "N", "\x94"])("more steps than a state dict takes, of %j", async (opcode) => {
    await expect(open(`}${opcode.repeat(210_000)}`)).rejects.toMatchObject({
      code: "FORMAT",
      message: expect.stringContaining("expected a pickle of at most 204000 steps"),
    });
  });
});

describe("what a hostile pickle makes before it is refused stays below 16 MB", () => {
  const length = 250_000;
  const long = `\x8a\xff${"\x7f".repeat(255)}`;
  test.each([["dicts", "}"], ["lists", "]"], ["dicts in dicts", "]}a"], ["tuples in tuples", "N\x85"], ["marks", "("], ["memos", "N\x94"], ["OrderedDicts", "h\0)R"], ["dtypes", "ctorch\nfloat32\n"], ["long integers", long], ["doubled tuples", "N\x940h\0h\0\x86q\0"]])("%s", async (_, opcodes) => {
    const source = memorySource(archive(`ccollections\nOrderedDict\n${put(0)}${opcodes.repeat(Math.ceil(length / opcodes.length))}`), "x.pt");
    const before = process.memoryUsage().heapUsed;
    await expect(openTorch(source)).rejects.toMatchObject({ code: "FORMAT" });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(16e6 + 10 * length); // garbage included, unless it was collected
  });
});

test("a shape that grows after it was checked stays as it was", async () => {
  const storage = `(${text("storage")}ctorch\nFloatStorage\n${text("0")}${text("cpu")}${byte(2)}tQ`;
  const shape = `]${put(1)}${byte(2)}a`;
  const tensor = `ctorch._utils\n_rebuild_tensor_v2\n(${storage}${byte(0)}${shape}]${byte(1)}aNNtR`;
  const checkpoint = await open(`}${text("w")}${tensor}s${get(1)}${byte(99)}a0`);
  expect(await checkpoint.read("w")).toEqual({ name: "w", dtype: "f32", shape: [2], data: new Float32Array(2) });
});

test.each([
  ["attributes on a list", "]}b"],
  ["a call of nothing", "N)R"],
  ["a call of a dtype", "ctorch\nfloat32\n)R"],
  ["a call without its arguments", "ctorch._utils\n_rebuild_tensor_v2\n)R"],
  ["a class", "ccollections\nOrderedDict\n)\x81"],
  ["an INST of an allowed name", "(icollections\nOrderedDict\n"],
  ["a global that a JavaScript object has", "cconstructor\nname\n"],
  ["a global called __proto__", "c__proto__\n__proto__\n"],
  ["a global by values that are no names", "NN\x93"],
  ["a memo that was never put", get(3)],
  ["a memo between others that was never put", `Nq\x05${get(3)}`],
  ["a memo of a number that no pickler comes to", "Nr\xff\xff\xff\xff"],
  ["a mark that was never set", "t"],
  ["a key that is no name", "}}Ns"],
  ["a key without value", "}(Nu"],
  ["more bytes than there are", "X\xff\xff\xff\xff"],
  ["a storage of no type", "(Q"],
])("%s is refused", async (_, pickle) => {
  await expect(open(pickle)).rejects.toMatchObject({ code: "FORMAT" });
});

test.each([
  ["\x8a\0", 0],
  ["\x8a\x01\xff", -1],
  ["\x8a\x02\xff\0", 255],
  ["\x8a\x07\xff\xff\xff\xff\xff\xff\x1f", Number.MAX_SAFE_INTEGER],
  ["\x8a\x07\0\0\0\0\0\0\x20", 2n ** 53n],
  ["\x8a\x08\0\0\0\0\0\0\0\x80", -(2n ** 63n)],
  ["J\xfe\xff\xff\xff", -2],
  ["G\x3f\xb9\x99\x99\x99\x99\x99\x9a", 0.1],
  ["\x8c\x02\xc3\xa9", "é"],
])("%j is %s", async (pickle, value) => {
  expect((await open(`}${text("v")}${pickle}s`)).values.get("v")).toBe(value);
});

/** A zip of stored members, with the least that a reader needs. */
function storedZip(members: Record<string, Uint8Array>): Uint8Array {
  const file: number[] = [];
  const directory: number[] = [];
  const u16 = (value: number) => [value & 255, value >> 8];
  const u32 = (value: number) => [...u16(value & 0xffff), ...u16(value >>> 16)];
  for (const [name, data] of Object.entries(members)) {
    const letters = [...new TextEncoder().encode(name)];
    const zeros = (n: number) => Array<number>(n).fill(0);
    const common = [...u16(20), ...zeros(12), ...u32(data.length), ...u32(data.length), ...u16(letters.length), ...u16(0)];
    directory.push(0x50, 0x4b, 1, 2, ...u16(20), ...common, ...zeros(10), ...u32(file.length), ...letters);
    file.push(0x50, 0x4b, 3, 4, ...common, ...letters);
    for (const value of data) file.push(value);
  }
  const count = u16(Object.keys(members).length);
  const end = [0x50, 0x4b, 5, 6, 0, 0, 0, 0, ...count, ...count, ...u32(directory.length), ...u32(file.length), 0, 0];
  return Uint8Array.from([...file, ...directory, ...end]);
}
