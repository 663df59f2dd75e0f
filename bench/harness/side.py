"""The peer's side of a benchmark: `python side.py CASE` answers each line of JSON with a line of JSON, as side.js does.

Needs torch, numpy, safetensors, transformers, and `pip install --no-deps dictionary-learning==0.1.0 einops`: of what that
imports besides (nnsight, datasets, zstandard) nothing is used here, so it may be missing.
"""
import importlib
import importlib.metadata
import json
import os
import sys
import time

sys.path.pop(0)  # this folder, from which nothing is imported
os.environ["HF_HUB_OFFLINE"] = "1"

answers = sys.stdout
sys.stdout = sys.stderr  # what libraries print is no answer

import torch  # noqa: E402

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(BENCH, "peers"), os.path.join(BENCH, "..", "oracles", "python")]
import stand_ins  # noqa: E402, F401
from peak import peak_mib  # noqa: E402

peer = importlib.import_module("peer_" + sys.argv[1].replace("-", "_"))


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


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
