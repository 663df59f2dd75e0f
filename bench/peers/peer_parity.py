"""Whole trainings with dictionary_learning's trainers, and its own evaluate."""
import importlib.metadata
import json
import sys

import torch
from dictionary_learning.evaluation import evaluate as evaluate_dictionary
from dictionary_learning.trainers.standard import StandardTrainer
from dictionary_learning.trainers.top_k import TopKTrainer
from dictionary_learning.utils import load_dictionary
from safetensors.torch import load_file

data = {}


def versions():
    return {"python": sys.version.split()[0], "torch": torch.__version__, "dictionary-learning": importlib.metadata.version("dictionary-learning")}


def save(ae, path):
    torch.save({name: value.detach().cpu() for name, value in ae.state_dict().items()}, path)


def load(file):
    data.update(load_file(file))
    return {name: list(value.shape) for name, value in data.items()}


def train(trainer, arguments, batch, threads, factor, out):
    """Trains on x[order], a batch a step; leaves start.pt, ae.pt (for activations times the factor) and config.json in out."""
    torch.set_num_threads(threads)
    tr = {"TopKTrainer": TopKTrainer, "StandardTrainer": StandardTrainer}[trainer](layer=3, lm_name="demo", device="cpu", **arguments)
    save(tr.ae, f"{out}/start.pt")
    for step in range(arguments["steps"]):
        tr.update(step, data["x"][data["order"][step * batch : (step + 1) * batch].long()])
    tr.ae.scale_biases(factor)
    save(tr.ae, f"{out}/ae.pt")
    with open(f"{out}/config.json", "w") as f:
        json.dump({"trainer": tr.config}, f, indent=4)
    return {}


def evaluate(folder, batch, threads):
    """dictionary_learning's own evaluate on the held-out activations."""
    torch.set_num_threads(threads)
    dictionary, _ = load_dictionary(folder, "cpu")
    batches = data["held"].split(batch)
    return evaluate_dictionary(dictionary, iter(batches), n_batches=len(batches))
