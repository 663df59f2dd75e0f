"""transformers' GPT-NeoX, stopped behind the layer that is wanted."""
import torch
from transformers import GPTNeoXForCausalLM
from transformers.utils import logging

logging.disable_progress_bar()


def load(model, device):
    return GPTNeoXForCausalLM.from_pretrained(model, dtype=torch.float32).eval().to(device)


def activations_of(lm, layer, pass_rows):
    """A function of tokens [R,T] to what the layer's MLP writes, [R*T,D]."""

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


class open:
    def __init__(self, device, model, R, T, V, layer, pass_rows):
        self.rows = (7919 * torch.arange(R * T) % V).view(R, T).to(device)
        self.run = activations_of(load(model, device), layer, pass_rows)

    def turn(self):
        self.out = self.run(self.rows)
        return self.rows.numel()

    def facts(self):
        values = self.out.flatten()
        return {"sample": values[[i * 104_729 % len(values) for i in range(64)]].tolist()}
