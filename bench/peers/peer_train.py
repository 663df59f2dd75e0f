"""From texts to a dictionary: tokenizers, transformers, a shuffling buffer, dictionary_learning's TopKTrainer."""
import json
from pathlib import Path

import torch
from dictionary_learning.trainers.top_k import TopKTrainer
from peer_harvest import activations_of, load
from tokenizers import Tokenizer


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
            self.left = both[torch.randperm(len(both), device=both.device)]
        x, self.left = self.left[: self.batch], self.left[self.batch :]
        return x


def read(texts):
    """A file of JSON lines, or a folder of text files."""
    if texts.is_dir():
        for file in sorted(texts.iterdir()):
            yield file.read_text("utf-8")
    else:
        with texts.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)["text"]


class open:
    def __init__(self, device, model, texts, layer, D, F, k, B, T, steps, capacity):
        self.device, self.T, self.B, self.steps, self.capacity = device, T, B, steps, capacity
        self.texts = Path(texts)
        self.arguments = {"steps": steps, "activation_dim": D, "dict_size": F, "k": k, "warmup_steps": max(1, steps // 10)}
        self.tokenizer = Tokenizer.from_file(f"{model}/tokenizer.json")
        self.activations = activations_of(load(model, device), layer, 32)

    def turn(self):
        trainer = TopKTrainer(layer=3, lm_name="none", device=self.device, **self.arguments)
        needed, ids = self.steps * self.B, []
        for text in read(self.texts):
            if len(ids) >= needed:
                break
            ids += self.tokenizer.encode(text).ids + [0]
        rows = torch.tensor(ids[: needed // self.T * self.T], device=self.device).view(-1, self.T)
        buffer = Buffer(rows, self.activations, self.B, self.capacity)
        self.tokens = 0
        for at in range(self.steps):
            x = buffer.next()
            trainer.update(at, x)
            self.tokens += len(x)
        return self.tokens

    def facts(self):
        return {"tokens": self.tokens}
