"""PyTorch's side of kernels.js: for every line read, one x @ weight.T on one thread, answered with its seconds."""

import json
import sys
import time

import torch

M, N, K = map(int, sys.argv[1:])
torch.set_num_threads(1)
x, weight, y = torch.rand(M, K) - 0.5, torch.rand(N, K) - 0.5, torch.empty(M, N)
print(json.dumps({"torch": torch.__version__, "blas": "MKL" if torch.backends.mkl.is_available() else "other"}), flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    torch.mm(x, weight.T, out=y)
    print(time.perf_counter() - start, flush=True)
