"""Open with dictionary_learning what this project's trainers made, and record what it makes of it.

usage: node write_ours.ts; python open_ours.py

Writes opened.json (class, names, sha256 of each file) and opened.safetensors (NAME/x, NAME/f, NAME/x_hat) beside itself.
Needs torch and safetensors, and `pip install --no-deps dictionary-learning==0.1.0 einops`: only loading is used, so what
else it imports may be missing.
"""
import hashlib
import json
import os
import sys

import torch
from safetensors.torch import load_file, save_file

HERE = os.path.dirname(os.path.abspath(__file__))

sys.path.append(os.path.join(HERE, "..", "python"))
import stand_ins  # noqa: E402, F401
from dictionary_learning.utils import load_dictionary  # noqa: E402


@torch.no_grad()
def main():
    data = load_file(os.path.join(HERE, "..", "trainers", "data.safetensors"))["x"]
    x = data[:2, :10].reshape(-1, data.shape[-1]).contiguous()
    io, opened = {"x": x}, {}
    for name in sorted(os.listdir(HERE)):
        folder = os.path.join(HERE, name)
        if not os.path.isdir(folder) or name == "__pycache__":
            continue
        state = torch.load(os.path.join(folder, "ae.pt"), weights_only=True)
        ae, config = load_dictionary(folder, "cpu")
        kind = type(ae).__name__
        assert kind == config["trainer"]["dict_class"], name
        assert (ae.activation_dim, ae.dict_size) == (config["trainer"]["activation_dim"], config["trainer"]["dict_size"]) == (16, 40), name
        # from_pretrained took every tensor as it is (AutoEncoder: and divided the decoder by its norms, which april leaves free)
        assert list(ae.state_dict()) == list(state), name
        for key, value in ae.state_dict().items():
            assert kind == "AutoEncoder" or torch.equal(value, state[key]), (name, key)
        f = ae.encode(x)
        assert 0 < (f != 0).float().mean() < 1 and torch.isfinite(f).all(), name
        io |= {f"{name}/f": f, f"{name}/x_hat": ae.decode(f)}
        opened[name] = {"class": kind, "tensors": list(state)}
        for file in ("ae.pt", "config.json"):
            with open(os.path.join(folder, file), "rb") as handle:
                opened[name][file] = hashlib.sha256(handle.read()).hexdigest()
        print(name, kind, f"{(f != 0).float().sum(1).mean():.2f} features a row, fve {1 - ((x - ae.decode(f)).var(0).sum() / x.var(0).sum()):.3f}")

    save_file({key: value.contiguous() for key, value in io.items()}, os.path.join(HERE, "opened.safetensors"))
    with open(os.path.join(HERE, "opened.json"), "w") as f:
        json.dump(opened, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
