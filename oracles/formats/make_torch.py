"""Write torch files of kinds that the other scripts leave out, with the same tensors as safetensors.

usage: python make_torch.py OUTDIR

Writes OUTDIR/torch/NAME.pt and OUTDIR/torch/NAME.safetensors (every tensor made contiguous); each .pt is read back by
torch.load(weights_only=True) and compared first, except protocol4.pt, which that refuses (it reads protocol 2 only).
"""
import argparse
import io
import os
import zipfile

import torch
from safetensors.torch import save_file


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("outdir")
    out = os.path.join(ap.parse_args().outdir, "torch")
    os.makedirs(out, exist_ok=True)
    g = torch.Generator().manual_seed(0)
    state = {"encoder.weight": torch.randn(5, 3, generator=g).T.contiguous().T, "bias": torch.randn(3, generator=g)}
    block = torch.randn(4, 6, 5, generator=g)

    def zip64(buf):
        """Every size and offset in 64-bit fields only, as in an archive of more than 4 GiB."""
        plain, archive, limit = io.BytesIO(), io.BytesIO(), zipfile.ZIP64_LIMIT
        torch.save(state, plain)
        zipfile.ZIP64_LIMIT = zipfile.ZIP_FILECOUNT_LIMIT = 0
        try:
            with zipfile.ZipFile(plain) as zin, zipfile.ZipFile(archive, "w") as zout:
                for item in zin.infolist():
                    with zout.open(zipfile.ZipInfo(item.filename), "w", force_zip64=True) as member:
                        member.write(zin.read(item))
        finally:
            zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = limit, (1 << 16) - 1
        raw = bytearray(archive.getvalue())
        raw[-14:-2] = b"\xff" * 12  # zipfile leaves the true values in the end record as well
        buf.write(raw)

    def put(name, tensors, write=None, check=True, **kw):
        path = os.path.join(out, f"{name}.pt")
        with open(path, "wb") as f:
            write(f) if write else torch.save(tensors, f, **kw)
        if check:
            loaded = torch.load(path, weights_only=True)
            assert all(torch.equal(loaded[k].view(torch.uint8), v.view(torch.uint8)) if v.dtype.itemsize == 1
                       else torch.equal(loaded[k], v) for k, v in tensors.items())
        save_file({k: v.clone(memory_format=torch.contiguous_format) for k, v in tensors.items()},
                  os.path.join(out, f"{name}.safetensors"))

    put("zip64", state, zip64)
    put("protocol4", state, check=False, pickle_protocol=4)
    # dtypes without a storage class of their own: _rebuild_tensor_v3 on an UntypedStorage
    put("untyped", {"u16": torch.tensor([1, 65535], dtype=torch.uint16), "u32": torch.tensor([2**32 - 1], dtype=torch.uint32),
                    "u64": torch.tensor([2**63 + 1], dtype=torch.uint64),
                    "e4m3": torch.tensor([0.5, -448.0]).to(torch.float8_e4m3fn),
                    "e5m2": torch.tensor([0.5, -1.0, 3.0]).to(torch.float8_e5m2)})
    # views of one storage: every order of the axes, steps, single rows and columns, repeated rows, one tensor twice
    views = {f"permuted_{a}{b}{c}": block.permute(a, b, c) for a in range(3) for b in range(3) for c in range(3)
             if len({a, b, c}) == 3}
    views |= {"stepped": block[1:, ::2, 1::3], "column": block[:, 2, 3], "row": block[2, 3], "scalar": block[3, 5, 4],
              "repeated": block[0, :1].expand(7, 5), "empty": block[:, :0], "tied": block, "with_ones": block[:, :1].permute(2, 1, 0)}
    put("views", views)
    halves = block.double()
    put("views_f64", {"transposed": halves[0].T, "tail": halves[1:]})
    put("views_f16", {"transposed": block[0].half().T})
    put("views_u8", {"transposed": (block[0] > 0).to(torch.uint8).T})


if __name__ == "__main__":
    main()
