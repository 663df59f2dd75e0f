"""The peer's side of a benchmark: `python side.py CASE` answers each line of JSON with a line of JSON, as side.js does.

Needs torch, numpy, safetensors, transformers, and `pip install --no-deps dictionary-learning==0.1.0 einops`: of what that
imports besides (nnsight, datasets, zstandard) nothing is used here, so it may be missing.
"""
import importlib
import importlib.machinery
import importlib.metadata
import json
import os
import resource
import sys
import time
import types

sys.path.pop(0)  # this folder, from which nothing is imported
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

answers = sys.stdout
sys.stdout = sys.stderr  # what libraries print is no answer

import torch  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers"))
peer = importlib.import_module("peer_" + sys.argv[1].replace("-", "_"))


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def peak_mib():
    """The most memory this process had resident."""
    try:
        with open("/proc/self/status") as status:
            return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def settled(device):
    if device == "cuda":
        torch.cuda.synchronize()


class Side:
    def open(self, device="cpu", threads=2, repeat=1, **params):
        torch.set_num_threads(threads)
        self.device, self.repeat = device, repeat
        self.opened = peer.open(device=device, **params)
        packages = ("torch", "transformers", "dictionary-learning")
        versions = {"python": sys.version.split()[0], **{name: version(name) for name in packages}}
        label = f"PyTorch, {threads} thread{'s' if threads > 1 else ''}" if device == "cpu" else f"PyTorch, {torch.cuda.get_device_name()}"
        return {"label": label, "versions": {name: value for name, value in versions.items() if value}}

    def turn(self):
        settled(self.device)
        start, busy = time.perf_counter(), time.process_time()
        units = sum(self.opened.turn() or 1 for _ in range(self.repeat))
        settled(self.device)
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        return {"seconds": seconds / units, "cpuSeconds": busy / units}

    def facts(self):
        return {"peakMiB": peak_mib(), **self.opened.facts()}

    def cuda(self):
        return {"available": torch.cuda.is_available()}


side = Side()
for line in sys.stdin:
    request = json.loads(line)
    op = request.pop("op")
    answer = getattr(side, op, None) or getattr(peer, op)
    print(json.dumps(answer(**request)), file=answers, flush=True)
