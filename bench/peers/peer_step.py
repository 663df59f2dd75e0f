"""dictionary_learning's own trainers, one step a turn, from the weights that both sides are given."""
import torch
from dictionary_learning.trainers.batch_top_k import BatchTopKTrainer
from dictionary_learning.trainers.gdm import GatedSAETrainer
from dictionary_learning.trainers.jumprelu import JumpReluTrainer
from dictionary_learning.trainers.standard import StandardTrainer
from dictionary_learning.trainers.top_k import TopKTrainer
from safetensors.torch import load_file

trainers = {trainer.__name__: trainer for trainer in (BatchTopKTrainer, GatedSAETrainer, JumpReluTrainer, StandardTrainer, TopKTrainer)}


class open:
    def __init__(self, device, trainer, arguments, norm, vectors, file):
        self.trainer = trainers[trainer](layer=3, lm_name="none", device=device, **arguments)
        start = load_file(file, device=device)
        self.x, self.at = start["x"], 0
        directions = start["directions"] * norm  # [F,D]
        with torch.no_grad():
            for name, parameter in self.trainer.ae.named_parameters():
                if parameter.dim() == 2:
                    parameter.copy_(directions if parameter.shape == directions.shape else directions.T)
                else:
                    parameter.fill_(vectors.get(name, 0.001 if name == "threshold" else 0))

    def turn(self):
        self.trainer.update(self.at, self.x)
        self.at += 1

    @torch.no_grad()
    def facts(self):
        options = {"use_threshold": False} if isinstance(self.trainer, (BatchTopKTrainer, TopKTrainer)) else {}
        features = self.trainer.ae.encode(self.x, **options)
        return {"l0": (features > 0).sum(1).double().mean().item(), "loss": float(self.trainer.loss(self.x, step=self.at))}
