"""dictionary_learning's side of train.js: a process that answers each line of JSON with a line of JSON.

Needs torch, safetensors, transformers, and `pip install --no-deps dictionary-learning==0.1.0 einops`: of what that imports
besides (nnsight, datasets, zstandard) nothing is used here, so it may be missing.
"""
import importlib.machinery
import importlib.metadata
import json
import os
import sys
import time
import types

sys.path.pop(0)  # this folder, whose kernels.py transformers would take for the package "kernels"
os.environ["HF_HUB_OFFLINE"] = "1"


class Stub(types.ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class Stubs:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("nnsight", "datasets", "zstandard"):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Stub(spec.name)

    def exec_module(self, module):
        pass


sys.meta_path.append(Stubs())  # last: what is installed is used

import torch  # noqa: E402
from dictionary_learning.evaluation import evaluate  # noqa: E402
from dictionary_learning.trainers.standard import StandardTrainer  # noqa: E402
from dictionary_learning.trainers.top_k import TopKTrainer  # noqa: E402
from dictionary_learning.utils import load_dictionary  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

data, opened = {}, {}


def make(trainer, arguments):
    return {"TopKTrainer": TopKTrainer, "StandardTrainer": StandardTrainer}[trainer](layer=3, lm_name="demo", device="cpu", **arguments)


def save(ae, path):
    torch.save({name: value.detach().cpu() for name, value in ae.state_dict().items()}, path)


def load(file):
    data.update(load_file(file))
    return {name: list(value.shape) for name, value in data.items()}


def train(trainer, arguments, batch, threads, factor, out):
    """Trains on x[order], a batch a step; leaves start.pt, ae.pt (for activations times the factor) and config.json in out."""
    torch.set_num_threads(threads)
    tr = make(trainer, arguments)
    save(tr.ae, f"{out}/start.pt")
    start = time.perf_counter()
    for step in range(arguments["steps"]):
        tr.update(step, data["x"][data["order"][step * batch : (step + 1) * batch].long()])
    seconds = time.perf_counter() - start
    tr.ae.scale_biases(factor)
    save(tr.ae, f"{out}/ae.pt")
    with open(f"{out}/config.json", "w") as f:
        json.dump({"trainer": tr.config}, f, indent=4)
    return {"seconds": seconds}


def evaluate_folder(folder, batch, threads):
    """dictionary_learning's own evaluate on the held-out activations."""
    torch.set_num_threads(threads)
    dictionary, _ = load_dictionary(folder, "cpu")
    batches = data["held"].split(batch)
    return evaluate(dictionary, iter(batches), n_batches=len(batches))


def open_step(name, trainer, arguments, batch, bias):
    """A trainer to be timed, on Gaussian rows."""
    opened.clear()
    tr = make(trainer, arguments)
    with torch.no_grad():
        tr.ae.encoder.bias.fill_(bias)
    opened[name] = [tr, torch.randn(batch, arguments["activation_dim"]), 0]
    return {}


def step(name, threads):
    torch.set_num_threads(threads)
    tr, x, at = opened[name]
    start, busy = time.perf_counter(), time.process_time()
    tr.update(at, x)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    opened[name][2] += 1
    return {"seconds": seconds, "cpuSeconds": busy}


class Buffer:
    """Batches drawn without replacement from activations of rows of tokens; filled up when half is read."""

    def __init__(self, rows, activations, batch, capacity):
        self.rows, self.activations, self.batch, self.capacity = rows, activations, batch, capacity
        self.left = torch.empty(0, 0)

    def next(self):
        if len(self.left) <= self.capacity // 2 and len(self.rows):
            more = -(-(self.capacity - len(self.left)) // self.rows.shape[1])
            take, self.rows = self.rows[:more], self.rows[more:]
            fresh = self.activations(take)
            both = torch.cat([self.left, fresh]) if len(self.left) else fresh
            self.left = both[torch.randperm(len(both))]
        x, self.left = self.left[: self.batch], self.left[self.batch :]
        return x


@torch.no_grad()
def activations_of(lm, layer, pass_rows):
    """Runs the model as far as the layer's MLP, no further."""

    class Enough(Exception):
        pass

    got = []

    def hook(_module, _inputs, output):
        got.append(output.reshape(-1, output.shape[-1]))
        raise Enough

    lm.gpt_neox.layers[layer].mlp.register_forward_hook(hook)

    @torch.no_grad()
    def run(rows):
        got.clear()
        for part in rows.split(pass_rows):
            try:
                lm.gpt_neox(part, use_cache=False)
            except Enough:
                pass
        return torch.cat(got)

    return run


def whole(model, texts, trainer, arguments, batch, capacity, threads, layer, context):
    """From texts to a dictionary: tokens, the model with transformers, a shuffling buffer, the trainer."""
    from tokenizers import Tokenizer
    from transformers import GPTNeoXForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.set_num_threads(threads)
    lm = GPTNeoXForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    tokenizer = Tokenizer.from_file(f"{model}/tokenizer.json")
    tr = make(trainer, arguments)
    start = time.perf_counter()
    needed, ids = arguments["steps"] * batch, []
    for name in sorted(os.listdir(texts)):
        if len(ids) >= needed:
            break
        with open(f"{texts}/{name}", encoding="utf-8") as f:
            ids += tokenizer.encode(f.read()).ids + [0]
    rows = torch.tensor(ids[: needed // context * context]).view(-1, context)
    buffer = Buffer(rows, activations_of(lm, layer, 16), batch, capacity)
    for at in range(arguments["steps"]):
        tr.update(at, buffer.next())
    return {"seconds": time.perf_counter() - start}


operations = {"load": load, "train": train, "evaluate": evaluate_folder, "open": open_step, "step": step, "whole": whole}
print(json.dumps({"python": sys.version.split()[0], "torch": torch.__version__, "dictionary_learning": importlib.metadata.version("dictionary-learning")}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(operations[request.pop("op")](**request)), flush=True)
