"""Opens with real torch what our writeTorch wrote (write_ours.ts), and records what torch found.

python open_ours.py FOLDER > opened.torch-VERSION.json
"""
import hashlib
import json
import pathlib
import sys
import zipfile

import torch


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def describe(value):
    if isinstance(value, torch.Tensor):
        data = value.contiguous().reshape(-1)
        data = bytes(data.untyped_storage() if hasattr(data, "untyped_storage") else data.storage().untyped())
        return {
            "dtype": str(value.dtype).removeprefix("torch."),
            "shape": list(value.shape),
            "strides": list(value.stride()),
            "sha256": sha256(data),  # of the elements in row-major order
        }
    if isinstance(value, dict):
        return {"dict": [[key, describe(inner)] for key, inner in value.items()]}
    if isinstance(value, list):
        return [describe(inner) for inner in value]
    return repr(value)


def main():
    opened = {}
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.pt")):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None, path  # checks every CRC
        try:
            content = describe(torch.load(path, map_location="cpu", weights_only=True))
        except Exception as error:  # recorded: torch 1.13 knows no floats
            content = {"error": str(error).strip().splitlines()[-1][:200]}
        opened[path.stem] = {"sha256": sha256(path.read_bytes()), "content": content}
    json.dump({"torch": torch.__version__, "files": opened}, sys.stdout, indent=1, ensure_ascii=True)
    print()


main()
