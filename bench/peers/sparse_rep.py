"""The same work in Python: a CSV's sentences -> a layer's MLP output -> a sparse autoencoder -> statistics.

    python sparse_rep.py FOLDER OUT.json THREADS

As the original script does it (one right-padded batch, AutoModelForCausalLM, dictionary_learning's AutoEncoder with its
normalization), in float32, with the mean over real tokens. Prints the table; writes the statistics for comparison.
"""
import json, os, sys, time

sys.path.append(sys.path.pop(0))  # this folder last: nothing in it hides a package
os.environ["HF_HUB_OFFLINE"] = "1"
import pandas as pd
import torch
import transformers
from tabulate import tabulate
from transformers import AutoModelForCausalLM, AutoTokenizer

from peak import peak_mib

folder, out, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
sentences = pd.read_csv(f"{folder}/sentences.csv")["sentence"].tolist()

model = AutoModelForCausalLM.from_pretrained(f"{folder}/model", torch_dtype=torch.float32).eval()
tokenizer = AutoTokenizer.from_pretrained(f"{folder}/model")
tokenizer.pad_token = tokenizer.eos_token
batch = tokenizer(sentences, return_tensors="pt", padding=True, truncation=True)
got = []
handle = model.gpt_neox.layers[3].mlp.register_forward_hook(lambda _m, _i, output: got.append(output))
with torch.no_grad():
    model(**batch)
handle.remove()
mask = batch["attention_mask"][..., None].float()
pooled = (got[0] * mask).sum(1) / mask.sum(1)  # [B,D]


class AutoEncoder(torch.nn.Module):
    def __init__(self, activation_dim, dict_size):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(activation_dim))
        self.encoder = torch.nn.Linear(activation_dim, dict_size, bias=True)
        self.decoder = torch.nn.Linear(dict_size, activation_dim, bias=False)
        w = torch.randn(activation_dim, dict_size)
        w = w / w.norm(dim=0, keepdim=True) * 0.1
        self.encoder.weight = torch.nn.Parameter(w.clone().T)
        self.decoder.weight = torch.nn.Parameter(w.clone())

    def encode(self, x):
        return torch.relu(self.encoder(x - self.bias))

    def decode(self, f):
        return self.decoder(f) + self.bias

    def normalize_decoder(self):
        norms = torch.norm(self.decoder.weight, dim=0)
        if torch.allclose(norms, torch.ones_like(norms)):
            return
        x = torch.randn(10, self.decoder.weight.shape[0])
        before = self.decode(self.encode(x))
        self.decoder.weight.data /= norms
        self.encoder.weight.data *= norms[:, None]
        self.encoder.bias.data *= norms
        assert torch.allclose(before, self.decode(self.encode(x)), atol=1e-4)


state = torch.load(f"{folder}/dictionary/ae.pt")
dictionary = AutoEncoder(state["encoder.weight"].shape[1], state["encoder.weight"].shape[0])
dictionary.load_state_dict(state)
with torch.no_grad():
    dictionary.normalize_decoder()
    features = dictionary.encode(pooled)  # [B,F]


def statistics(x):
    return [[float(row.mean()), float(row.var()), float(row.max()), int(row.argmax())] for row in x.numpy()]


rows = [[s, *a, *b] for s, a, b in zip(sentences, statistics(pooled), statistics(features))]
headers = ["Sentence"] + [f"{p} {s}" for p in ("Orig", "Sparse") for s in ("Mean", "Var", "Max Weight", "Max Pos")]
print(tabulate(rows, headers=headers, tablefmt="grid", stralign="center", numalign="center"))
versions = {"python": sys.version.split()[0], "torch": torch.__version__, "transformers": transformers.__version__}
with open(out, "w") as f:
    json.dump({"rows": [row[1:] for row in rows], "versions": versions}, f)
os.write(3, json.dumps({"peakMiB": peak_mib(), "cpuSeconds": time.process_time()}).encode())
