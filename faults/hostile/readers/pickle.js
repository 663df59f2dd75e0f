import { storedZip } from "../storedZip.js";
import { magic } from "../mutate.js";
import { readTorch } from "./torch.js";

const latin1 = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const u32 = (n) => String.fromCharCode(n & 255, (n >>> 8) & 255, (n >>> 16) & 255, (n >>> 24) & 255);
const text = (value) => `X${u32(value.length)}${value}`;
const storage = `(${text("storage")}ctorch\nFloatStorage\n${text("0")}${text("cpu")}K\x02tQ`;
const tensor = `ctorch._utils\n_rebuild_tensor_v2\n(${storage}K\0K\x02\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR`;
const good = `}(${text("a")}${tensor}${text("b")}K\x07u`;
const globals = ["os\nsystem", "builtins\neval", "builtins\nexec", "posix\nsystem", "numpy.core.multiarray\n_reconstruct", "torch\nload", "torch.hub\nload", "torch._utils\n_rebuild_tensor_v2", "torch._utils\n_rebuild_tensor_v3", "torch._utils\n_rebuild_parameter", "collections\nOrderedDict", "torch\nSize", "torch\nFloatStorage", "torch\nfloat32", "torch.storage\nUntypedStorage", "__proto__\n__proto__", "constructor\nconstructor", "torch._utils._rebuild_tensor_v2\n__call__", "a.b.c\nd.e"];

/** One step of a pickle, most of them ones that a state dict has. */
const steps = [
  (r) => r.pick(["N", "\x88", "\x89", "}", "]", ")", "(", "t", "l", "d", "\x85", "\x86", "\x87", "a", "e", "s", "u", "0", "1", "2", "R", "b", "Q", "\x93", "\x94", "\x81", "o", ".", "P", "\x8f", "\x90", "\x91", "\x92", "\x98"]),
  (r) => `K${String.fromCharCode(r.below(256))}`,
  (r) => `J${u32(r.pick(magic))}`,
  (r) => `M${u32(r.pick(magic)).slice(0, 2)}`,
  (r) => `\x8a${String.fromCharCode(r.below(r.below(8) === 0 ? 256 : 12))}${"\xff".repeat(r.below(12))}`,
  (r) => `\x8b${u32(r.pick([2 ** 31 - 1, 2 ** 31, 4, 0]))}abcd`, // LONG4
  (r) => `G${u32(r.below(2 ** 32))}${u32(r.below(2 ** 32))}`,
  (r) => text(r.pick(["storage", "a", "", "0", "cpu", "__proto__", "a.b", "../0", "x".repeat(300)])),
  (r) => `X${u32(r.pick(magic))}abc`,
  (r) => `\x8d${u32(r.pick(magic))}${u32(r.pick([0, 1, 2 ** 31]))}abc`, // BINUNICODE8
  (r) => `c${r.pick(globals)}\n`,
  (r) => `i${r.pick(globals)}\n`,
  (r) => `q${String.fromCharCode(r.below(5))}`,
  (r) => `r${u32(r.pick([0, 1, 2 ** 31, 2 ** 32 - 1]))}`,
  (r) => `h${String.fromCharCode(r.below(5))}`,
  (r) => `j${u32(r.pick([0, 1, 2 ** 32 - 1]))}`,
  (r) => `\x95${u32(r.pick(magic))}${u32(r.pick([0, 0, 1, 2 ** 32 - 1]))}`, // FRAME
  () => storage,
  () => tensor,
  (r) => r.pick(["N", "]", "(", "}", "K\0", "\x94", "h\0", "2", "h\0h\0\x86q\0", "h\0h\0h\0\x87q\0", "]q\0h\0a"]).repeat(r.below(r.below(10) === 0 ? 3000 : 30)),
  (r) => `P${r.pick(["/etc/passwd", "../0", "0"])}\n`,
];

export const pickle = {
  name: "pickle",
  seeds: [zip(good)],
  tokens: globals.map((name) => latin1(`c${name}\n`)),
  make(random) {
    let body = random.below(2) === 0 ? good : "";
    for (let left = 1 + random.below(12); left > 0; left--) {
      const at = random.below(2) === 0 ? body.length : random.below(body.length + 1);
      body = body.slice(0, at) + random.pick(steps)(random) + body.slice(at);
    }
    return zip(body);
  },
  read: readTorch,
};

function zip(body) {
  return storedZip({ "a/data.pkl": latin1(`\x80\x02${body}.`), "a/data/0": new Uint8Array(8) });
}
