"""Open with dictionary_learning every dictionary of a run directory that the app `train` wrote.

usage: node apps/train/dist/main.js ... --save-dir DIR; python open_run.py DIR

For each ae.pt: torch.load(weights_only=True), load_dictionary, and one pass of random activations, whose reconstruction
must be finite. Checkpoints too. Prints a line each. Needs what open_ours.py needs, without sae-lens.
"""
import glob
import json
import os
import sys

import torch

from open_ours import load_dictionary


@torch.no_grad()
def main():
    folders = sorted(glob.glob(os.path.join(sys.argv[1], "**", "trainer_*", ""), recursive=True))
    assert folders, "no trainer_* here"
    for folder in folders:
        state = torch.load(os.path.join(folder, "ae.pt"), weights_only=True)
        ae, config = load_dictionary(folder, "cpu")
        kind = type(ae).__name__
        assert kind == config["trainer"]["dict_class"], kind
        from_file = type(ae).from_pretrained(os.path.join(folder, "ae.pt"), **({"k": config["trainer"]["k"]} if "k" in config["trainer"] else {}))
        for key, value in ae.state_dict().items():
            assert torch.equal(value, from_file.state_dict()[key]), (folder, key)
            if kind != "AutoEncoder":  # from_pretrained normalises that one's decoder
                assert torch.equal(value, state[key]), (folder, key)
        for checkpoint in glob.glob(os.path.join(folder, "checkpoints", "ae_*.pt")):
            assert torch.load(checkpoint, weights_only=True).keys() == state.keys(), checkpoint
        x = torch.randn(64, config["trainer"]["activation_dim"])
        x_hat, f = ae(x, output_features=True)
        assert torch.isfinite(x_hat).all() and f.shape == (64, config["trainer"]["dict_size"]), folder
        with open(os.path.join(folder, "metrics.jsonl")) as metrics:
            steps = [json.loads(line)["step"] for line in metrics]
        print(f"{folder}: {kind} of {f.shape[1]} features, step {steps[-1]} of {config['trainer'].get('steps', '?')}")


if __name__ == "__main__":
    main()
