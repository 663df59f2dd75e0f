"""Open with SAELens, sparsify and dictionary_learning what this project converts, and record what they make of it.

usage: node write_elsewhere.ts DIR; python open_elsewhere.py DIR

Writes elsewhere.json (versions; sha256 of each file, the class that opened it) and elsewhere.safetensors (NAME/x, NAME/f,
NAME/x_hat) beside itself. What each library computes is also compared with what was recorded of the original, which another
library or version computed. Needs torch, safetensors, sae-lens, eai-sparsify and dictionary-learning; of the packages that
these import for training alone, wandb and nnsight may be missing.
"""
import hashlib
import importlib.metadata
import json
import os
import sys

os.environ["SPARSIFY_DISABLE_TRITON"] = "1"

import torch
from safetensors.torch import load_file, save_file

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "python"))
import stand_ins  # noqa: E402, F401
from dictionary_learning.utils import load_dictionary  # noqa: E402
from sae_lens import SAE  # noqa: E402
from sparsify import SparseCoder  # noqa: E402


def sae_lens(path, x):
    sae = SAE.load_from_disk(path)
    assert sae.cfg.metadata.hook_name is None or sae.cfg.metadata.hook_name.startswith("blocks."), path
    f = sae.encode(x)
    return type(sae).__name__, f, sae.decode(f)


def sparsify(path, x):
    coder = SparseCoder.load_from_disk(path)
    top = coder.encode(x)
    f = torch.zeros(len(x), coder.num_latents).scatter(1, top.top_indices, top.top_acts)
    return type(coder).__name__, f, coder.decode(top.top_acts, top.top_indices)


def dictionary_learning(path, x):
    ae, _ = load_dictionary(path, "cpu")
    f = ae.encode(x)
    return type(ae).__name__, f, ae.decode(f)


libraries = {"saelens": sae_lens, "sparsify": sparsify, "dictionary-learning": dictionary_learning}


def original(source):
    """x, f and x_hat as they were recorded of the dictionary that was converted."""
    kind, name = os.path.split(source)
    if kind == "trained":
        io = load_file(os.path.join(HERE, "..", "trained", "opened.safetensors"))
        return io["x"], io[f"{name}/f"], io[f"{name}/x_hat"]
    if name.startswith(("batchtopk", "matryoshka")):
        name = name.replace("_full", "")  # in use, not in training
    io = load_file(os.path.join(HERE, "..", kind, name, "io.safetensors"))
    if "top_acts" in io:
        f = torch.zeros_like(io["pre_acts"]).scatter(1, io["top_indices"], io["top_acts"])
        return io["x"], f, io["sae_out"]
    return io["x"], io["f"], io["x_hat"]


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


@torch.no_grad()
def main():
    folder = sys.argv[1]
    with open(os.path.join(folder, "sources.json")) as file:
        sources = json.load(file)
    torch.set_num_threads(1)
    io, opened = {}, {}
    for name, source in sources.items():
        path = os.path.join(folder, name)
        x, f, x_hat = original(source)
        kind, got, decoded = libraries[name.split("/")[0]](path, x)
        if kind == "AutoEncoder":  # load_dictionary makes the decoder's columns unit vectors
            ratio = got.sum(0) / f.sum(0)
            f = f * torch.where(f.sum(0) > 0, ratio, 1)
        torch.testing.assert_close(got, f, rtol=0, atol=1e-5 * f.abs().max().item(), msg=lambda m: f"{name}: {m}")
        assert torch.equal(got != 0, f != 0), name
        torch.testing.assert_close(decoded, x_hat, rtol=0, atol=1e-5 * x_hat.abs().max().item(), msg=lambda m: f"{name}: {m}")
        io |= {f"{name}/x": x, f"{name}/f": got, f"{name}/x_hat": decoded}
        opened[name] = {"class": kind, **{file: sha256(os.path.join(path, file)) for file in sorted(os.listdir(path))}}
    versions = {name: importlib.metadata.version(name) for name in ("torch", "sae-lens", "eai-sparsify", "dictionary-learning")}
    save_file({k: v.contiguous() for k, v in io.items()}, os.path.join(HERE, "elsewhere.safetensors"))
    with open(os.path.join(HERE, "elsewhere.json"), "w") as file:
        json.dump({"versions": versions, "opened": opened}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
