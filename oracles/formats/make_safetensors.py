"""Write safetensors files with Hugging Face's own writer, to compare ours with byte for byte.

usage: python make_safetensors.py OUTDIR

Writes OUTDIR/safetensors/{plain,metadata,empty}.safetensors. Values are simple, so that a test can state them again.
"""
import argparse
import os

import torch
from safetensors.torch import save_file

DTYPES = dict(bool=torch.bool, u8=torch.uint8, i8=torch.int8, f8_e5m2=torch.float8_e5m2, f8_e4m3=torch.float8_e4m3fn,
              i16=torch.int16, u16=torch.uint16, f16=torch.float16, bf16=torch.bfloat16, i32=torch.int32,
              u32=torch.uint32, f32=torch.float32, c64=torch.complex64, f64=torch.float64, i64=torch.int64,
              u64=torch.uint64)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("outdir")
    out = os.path.join(ap.parse_args().outdir, "safetensors")
    os.makedirs(out, exist_ok=True)
    # one [3] tensor of each dtype, all bits zero but for its first byte, which is 1
    plain = {}
    for name, dtype in DTYPES.items():
        raw = torch.zeros(3 * dtype.itemsize, dtype=torch.uint8)
        raw[0] = 1
        plain[f"{name}.x"] = raw.view(dtype)
    save_file(plain, os.path.join(out, "plain.safetensors"))
    # names that sort, escape and look like integers; a scalar; nothing at all in a tensor
    save_file({"b": torch.tensor([1.0, 2.0]), "a": torch.tensor(3.0), "0": torch.zeros(0, 4), "10": torch.tensor([5.0]),
               "2": torch.tensor([6.0]), 'quote " back \\ line \n': torch.tensor([7.0]), "größe.重み": torch.tensor([8.0])},
              os.path.join(out, "metadata.safetensors"), metadata={"format": "pt"})
    save_file({}, os.path.join(out, "empty.safetensors"))


if __name__ == "__main__":
    main()
