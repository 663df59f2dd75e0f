import { dtypeCalled, isCount, type Dtype } from "./dtypes.js";
import { formatError } from "./error.js";
import { unpickle, type PickleGlobal } from "./pickle.js";
import type { StridedView } from "./strides.js";

/** A tensor as a state dict describes it, not yet held against the archive. Offset and strides in elements. */
export class TorchTensor implements StridedView {
  constructor(
    readonly storage: TorchStorage,
    readonly dtype: Dtype,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** A run of elements, the archive's member `data/<key>`. An untyped one has no dtype and counts bytes. */
export class TorchStorage {
  constructor(
    readonly key: string,
    readonly dtype: Dtype | undefined,
    readonly length: number,
  ) {}
}

/**
 * Reads the `data.pkl` of a torch archive into Maps, arrays, plain values and {@link TorchTensor}s. It knows the globals
 * that a state dict is made of, and refuses all others by name.
 * @throws FORMAT `ae.pt: pickle global "os.system" is not allowed (only tensors are read, nothing is run)`
 */
export function unpickleTorch(bytes: Uint8Array, subject: string): unknown {
  const wrong = (message: string) => formatError(`${subject}: ${message}`);

  function tensor(storage: unknown, offset: unknown, shape: unknown, strides: unknown, dtype: unknown): TorchTensor {
    if (!(storage instanceof TorchStorage)) throw wrong("expected a tensor on a storage, got another object");
    const type = storage.dtype ?? dtype;
    if (typeof type !== "string") throw wrong(`expected a dtype for storage ${storage.key}, got none`);
    if (!isGeometry(shape) || !isGeometry(strides) || shape.length !== strides.length || !isCount(offset))
      throw wrong(`expected offset, shape and strides >= 0, got offset ${shown(offset)}, shape ${shown(shape)}, strides ${shown(strides)}`);
    return new TorchTensor(storage, type as Dtype, offset, [...shape], [...strides]); // a pickle can still append to its own
  }

  const globals: Record<string, PickleGlobal["call"]> = {
    "torch._utils._rebuild_tensor_v2": ([storage, offset, shape, strides]) => tensor(storage, offset, shape, strides, undefined),
    "torch._utils._rebuild_tensor_v3": ([storage, offset, shape, strides, , , type]) =>
      tensor(storage, offset, shape, strides, type instanceof TorchType ? type.dtype : undefined),
    "torch._utils._rebuild_parameter": ([data]) => data,
    "collections.OrderedDict": (args) => {
      if (args.length > 0) throw wrong("expected an empty OrderedDict to fill, got one with arguments"); // so Python 2 wrote them
      return new Map();
    },
    "torch.Size": ([sizes]) => sizes,
  };

  const types = new Map<string, TorchType>(); // one of each, however often it is named
  return unpickle(
    bytes,
    {
      global(name) {
        const known = types.get(name);
        if (known) return known;
        const call = Object.hasOwn(globals, name) ? globals[name] : undefined;
        if (call) return { name, call };
        const dtype = storageTypes[name] ?? dtypeCalled("torch", name.replace(/^torch\./, ""));
        if (dtype || name === untyped) {
          const type = new TorchType(name, dtype);
          types.set(name, type);
          return type;
        }
        throw formatError(
          `${subject}: pickle global "${name}" is not allowed (only tensors are read, nothing is run)`,
          "save a state dict: torch.save(module.state_dict(), path)",
        );
      },
      persistent(id) {
        const [kind, type, key, , length] = Array.isArray(id) ? (id as unknown[]) : [];
        if (kind !== "storage" || !(type instanceof TorchType) || typeof key !== "string" || !isCount(length))
          throw wrong("expected a storage with its type, key and length, got another reference");
        return new TorchStorage(key, type.dtype, length);
      },
    },
    subject,
  );
}

/** `torch.FloatStorage` or `torch.float32`: a global that stands for a dtype. */
class TorchType implements PickleGlobal {
  constructor(
    readonly name: string,
    readonly dtype: Dtype | undefined,
  ) {}
}

const untyped = "torch.storage.UntypedStorage";

const storageTypes: Readonly<Record<string, Dtype>> = {
  __proto__: null as never,
  "torch.DoubleStorage": "f64",
  "torch.FloatStorage": "f32",
  "torch.HalfStorage": "f16",
  "torch.BFloat16Storage": "bf16",
  "torch.LongStorage": "i64",
  "torch.IntStorage": "i32",
  "torch.ShortStorage": "i16",
  "torch.CharStorage": "i8",
  "torch.ByteStorage": "u8",
  "torch.BoolStorage": "bool",
  "torch.ComplexFloatStorage": "c64",
};

/** What torch calls a storage of this dtype: `FloatStorage`; nothing for a dtype without one. */
export function storageTypeOf(dtype: Dtype): string | undefined {
  return Object.keys(storageTypes).find((name) => storageTypes[name] === dtype)?.slice("torch.".length);
}

const mostAxes = 32; // torch itself stops at 64

function isGeometry(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= mostAxes && value.every(isCount);
}

/** Lists in lists as far as three deep: a stranger's may have no end, or hold themselves. */
function shown(value: unknown, depth = 0): string {
  if (!Array.isArray(value)) return typeof value === "number" || typeof value === "bigint" ? String(value) : typeof value;
  if (depth === 3) return "[…]";
  return `[${value.slice(0, 8).map((one) => shown(one, depth + 1))}${value.length > 8 ? ", …" : ""}]`;
}
