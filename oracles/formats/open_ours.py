"""Open with dictionary_learning and SAELens what this project writes, and record what they make of it.

usage: node write_ours.mjs DIR; python open_ours.py DIR

Writes ours.json (sha256 of each file) and ours.safetensors (NAME/x, NAME/f, NAME/x_hat) beside itself.
Needs torch and safetensors, and `pip install --no-deps dictionary-learning==0.1.0 einops sae-lens==6.18.0`: of both
only loading is used, so what they import besides may be missing.
"""
import hashlib
import importlib.util
import json
import logging
import os
import sys
import types

import torch
from safetensors.torch import load_file, save_file

HERE = os.path.dirname(os.path.abspath(__file__))
FACTOR = 3.7

sys.path.append(os.path.join(HERE, "..", "python"))
import stand_ins  # noqa: E402, F401
from dictionary_learning.dictionary import AutoEncoderNew  # noqa: E402
from dictionary_learning.utils import load_dictionary  # noqa: E402


def sae_lens_loaders():
    """sae_lens.loading.pretrained_sae_loaders, without running the package's own __init__."""
    package = types.ModuleType("sae_lens")
    package.__path__ = list(importlib.util.find_spec("sae_lens").submodule_search_locations)
    package.logger = logging.getLogger("sae_lens")
    sys.modules["sae_lens"] = package
    return importlib.import_module("sae_lens.loading.pretrained_sae_loaders")


def layout(state):
    return [(name, tuple(v.shape), v.stride(), v.dtype) for name, v in state.items()]


@torch.no_grad()
def main():
    folder = sys.argv[1]
    loaders = sae_lens_loaders()
    loaders.hf_hub_download = lambda repo_id, filename, **_: os.path.join(repo_id, filename)
    io, recorded = {}, {}
    for name in sorted(os.listdir(folder)):
        ours, theirs = os.path.join(folder, name), os.path.join(HERE, "dl", name)
        state = torch.load(os.path.join(ours, "ae.pt"), weights_only=True)
        original = torch.load(os.path.join(theirs, "ae.pt"), weights_only=True)
        assert layout(state) == layout(original), name

        # this version of dictionary_learning computes what the recorded one did
        kind = name.split("_")[0]
        ae, config = load_dictionary(ours, "cpu")
        assert type(ae).__name__ == kind == config["trainer"]["dict_class"], name
        ae.load_state_dict(original)
        then = load_file(os.path.join(theirs, "io.safetensors"))
        f = ae.encode(then["x"])
        torch.testing.assert_close(f, then["f"], atol=1e-6, rtol=1e-6)
        torch.testing.assert_close(ae.decode(f), then["x_hat"], atol=1e-6, rtol=1e-6)

        # what dictionary_learning's own scale_biases makes of the original, bit for bit
        if isinstance(ae, AutoEncoderNew):
            ae.encoder.bias.data *= FACTOR
            ae.decoder.bias.data *= FACTOR
        else:
            ae.scale_biases(FACTOR)
        for key, value in ae.state_dict().items():
            assert torch.equal(value, state[key]), (name, key)

        ae, _ = load_dictionary(ours, "cpu")
        x = then["x"] * FACTOR
        io |= {f"{name}/x": x, f"{name}/f": ae.encode(x), f"{name}/x_hat": ae.decode(ae.encode(x))}
        recorded[name] = {}
        for file in ("ae.pt", "config.json"):
            with open(os.path.join(ours, file), "rb") as f:
                recorded[name][file] = hashlib.sha256(f.read()).hexdigest()

        if "encoder.weight" in state and kind != "AutoEncoderNew":  # what SAELens' loader is written for
            cfg, weights, _ = loaders.dictionary_learning_sae_huggingface_loader_1(folder, name)
            assert (cfg["d_in"], cfg["d_sae"]) == (12, 40) and cfg["context_size"] == 64, name
            assert weights["W_enc"].shape == (12, 40) and weights["W_dec"].shape == (40, 12), name
            assert torch.equal(weights["W_enc"], original["encoder.weight"].T), name
            recorded[name]["sae_lens"] = cfg["architecture"]

    save_file({k: v.contiguous() for k, v in io.items()}, os.path.join(HERE, "ours.safetensors"))
    with open(os.path.join(HERE, "ours.json"), "w") as f:
        json.dump(recorded, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
