"""PyTorch's ops, on the numbers that cases/kernels.js makes."""
import torch
import torch.nn.functional as nn

MASK = 0xFFFFFFFF


def numbers(dims, salt, device):
    h = ((torch.arange(torch.Size(dims).numel()) + 1) * 16 + salt) & MASK
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & MASK
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & MASK
    return ((h ^ (h >> 16)).double() / 2**31 - 1).float().view(dims).to(device)


def inputs(op, B, D=0, F=0, M=0, **_):
    weights = [[B, D], [F, D], [F]]
    return {"linear": weights, "gelu": [[B, M]], "layerNorm": [[B, D], [D], [D]], "attention": [[B, D]] * 3, "encodeTopK": weights, "decodeSparse": [*weights, [D]]}[op]


def encode(x, weight, bias, k):
    return torch.relu(nn.linear(x, weight, bias)).topk(k, sorted=False)


class open:
    def __init__(self, device, kernel, shape):
        self.shape = shape
        self.tensors = [numbers(dims, salt, device) for salt, dims in enumerate(inputs(kernel, **shape))]
        self.call = getattr(self, kernel)
        if kernel == "decodeSparse":
            x, weight, bias, self.decoder_bias = self.tensors
            self.decoder = weight.T.contiguous()  # [D,F], as dictionary_learning keeps it
            values, index = encode(x, weight, bias, shape["k"])
            self.features = torch.zeros(len(x), len(weight), device=device).scatter_(1, index, values)

    def linear(self, x, weight, bias):
        return nn.linear(x, weight, bias)

    def gelu(self, x):
        return nn.gelu(x)

    def layerNorm(self, x, weight, bias):
        return nn.layer_norm(x, x.shape[-1:], weight, bias, 1e-5)

    def attention(self, *qkv):
        T, H = self.shape["T"], self.shape["H"]
        heads = [one.view(-1, T, H, one.shape[1] // H).transpose(1, 2) for one in qkv]
        return nn.scaled_dot_product_attention(*heads, is_causal=True)

    def encodeTopK(self, x, weight, bias):
        return encode(x, weight, bias, self.shape["k"]).values

    def decodeSparse(self, *_):
        return nn.linear(self.features, self.decoder, self.decoder_bias)

    @torch.no_grad()
    def turn(self):
        self.call(*self.tensors)

    @torch.no_grad()
    def facts(self):
        return {"meanAbs": self.call(*self.tensors).abs().double().mean().item()}
