"""Record what torch computes for gradients, clipping, Adam and the geometric median.

usage: python make_gradients.py OUTDIR

All in float32 on one CPU thread; weights in torch's own layout are transposed where ours differs (README.md).
"""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

torch.set_num_threads(1)
torch.manual_seed(0)
out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
tensors = {}

# A ReLU autoencoder as in Bricken et al. 2023: mean squared error and L1, 20 steps of Adam on batches of their own.
B, D, F, STEPS = 12, 7, 19, 20
x = torch.randn(STEPS, B, D) * torch.linspace(0.5, 2, D) + 0.3
parameters = {
    "encoder": torch.randn(F, D) * 0.4,
    "encoderBias": torch.randn(F) * 0.1,
    "decoder": torch.randn(F, D) * 0.4,  # a feature a row
    "bias": torch.randn(D) * 0.1,
}
tensors["autoencoder.x"] = x.clone()
for name, p in parameters.items():
    tensors[f"autoencoder.init.{name}"] = p.clone()
    p.requires_grad_(True)
adam = torch.optim.Adam(parameters.values(), lr=0.02, betas=(0.9, 0.999), eps=1e-8)
losses, norms = [], []
for step in range(STEPS):
    f = torch.relu((x[step] - parameters["bias"]) @ parameters["encoder"].T + parameters["encoderBias"])
    y = f @ parameters["decoder"] + parameters["bias"]
    loss = (x[step] - y).pow(2).sum(dim=1).mean() + 0.1 * f.sum(dim=1).mean()
    adam.zero_grad()
    loss.backward()
    losses.append(loss.item())
    if step == 0:
        for name, p in parameters.items():
            tensors[f"autoencoder.gradient.{name}"] = p.grad.clone()
    if step >= 10:  # clipped in the second half only, so that both are recorded
        norms.append(torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0).item())
    adam.step()
    if step + 1 in (1, 10, STEPS):
        for name, p in parameters.items():
            tensors[f"autoencoder.after_{step + 1}.{name}"] = p.detach().clone()
tensors["autoencoder.loss"] = torch.tensor(losses)
tensors["autoencoder.norm"] = torch.tensor(norms)

# Adam alone: no momentum, another epsilon, a learning rate that changes, gradients from 1e-9 to 1e3.
p = torch.randn(50, requires_grad=True)
tensors["adam.parameter"] = p.detach().clone()
gradients = torch.randn(5, 50) * torch.logspace(-9, 3, 50)
tensors["adam.gradients"] = gradients
optimiser = torch.optim.Adam([p], lr=1.0, betas=(0.0, 0.99), eps=1e-6)
for i, g in enumerate(gradients):
    optimiser.param_groups[0]["lr"] = 0.1 / (i + 1)
    p.grad = g.clone()
    optimiser.step()
    tensors[f"adam.after_{i + 1}"] = p.detach().clone()
tensors["adam.m"] = optimiser.state[p]["exp_avg"].clone()
tensors["adam.v"] = optimiser.state[p]["exp_avg_sq"].clone()

# Weiszfeld's iteration, in float64: the limit itself, and after 3 steps.
points = torch.randn(40, 5) * torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0])
points[:4] += 25  # outliers, which the mean follows
tensors["median.points"] = points
guess = points.double().mean(dim=0)
for i in range(2000):
    weights = 1 / (points.double() - guess).norm(dim=1)
    guess = (weights[:, None] * points.double()).sum(dim=0) / weights.sum()
    if i == 2:
        tensors["median.after_3"] = guess.float()
tensors["median.limit"] = guess.float()

save_file({k: v.contiguous() for k, v in tensors.items()}, out / "gradients.safetensors")
(out / "versions.json").write_text(json.dumps({"python": sys.version.split()[0], "torch": torch.__version__}, indent=2) + "\n")
