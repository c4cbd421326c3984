"""PyTorch's side of compare_pytorch: the same work as the programs *_bench here, as fast as PyTorch does it.

    /usr/bin/python3 benchmarks/pytorch_side.py training_tiny 1 2        # row, threads, seconds

prints one line of JSON: the median and the best time of a call in milliseconds, and the counts by which compare_pytorch
sees that both sides do the same work. compare_pytorch also sets the environment that PyTorch is fastest in.

Legend: B batch, T target positions, S source positions, H heads, D = width / H, C width.
"""

import json
import math
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F

PAD = 0
TINY = dict(vocabulary=8000, layers=4, width=128, hidden=256, heads=4)
TOY = dict(vocabulary=200, layers=2, width=64, hidden=256, heads=4)


def measure(work, seconds):
    """Times each call of `work` by itself, after three that are not measured: memory and caches are filled then."""
    for _ in range(3):
        work()
    times = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return dict(median_ms=statistics.median(times), best_ms=min(times),
                peak_MiB=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


# ---- the Transformer


class Attention(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.scale = heads, (width // heads) ** -0.5
        self.project = torch.nn.Linear(width, 3 * width)  # query, key and value
        self.output = torch.nn.Linear(width, width)

    def forward(self, asking, answering, mask):
        if asking is answering:
            query, key, value = self.project(asking).chunk(3, -1)
        else:
            width = asking.shape[-1]
            query = F.linear(asking, self.project.weight[:width], self.project.bias[:width])
            key, value = F.linear(answering, self.project.weight[width:], self.project.bias[width:]).chunk(2, -1)

        def heads(x):
            return x.reshape(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)  # (B, H, T, D)

        scores = heads(query * self.scale) @ heads(key).transpose(-1, -2)  # (B, H, T, S)
        read = torch.softmax(scores + mask, -1) @ heads(value)  # (B, H, T, D)
        return self.output(read.transpose(1, 2).reshape(asking.shape))


class Layer(torch.nn.Module):
    """A layer of the encoder, with one attention, or of the decoder, with two; post-norm."""

    def __init__(self, attentions, width, hidden, heads, dropout):
        super().__init__()
        self.dropout = dropout
        self.attentions = torch.nn.ModuleList([Attention(width, heads) for _ in range(attentions)])
        self.norms = torch.nn.ModuleList([torch.nn.LayerNorm(width) for _ in range(attentions + 1)])
        self.inner, self.outer = torch.nn.Linear(width, hidden), torch.nn.Linear(hidden, width)

    def around(self, norm, x, y):
        return norm(x + F.dropout(y, self.dropout))

    def forward(self, x, own_mask, memory=None, memory_mask=None):
        x = self.around(self.norms[0], x, self.attentions[0](x, x, own_mask))
        if memory is not None:
            x = self.around(self.norms[1], x, self.attentions[1](x, memory, memory_mask))
        return self.around(self.norms[-1], x, self.outer(F.relu(self.inner(x))))


class Transformer(torch.nn.Module):
    def __init__(self, vocabulary, layers, width, hidden, heads, dropout):
        super().__init__()
        self.width, self.dropout = width, dropout
        self.table = torch.nn.Parameter(torch.randn(vocabulary, width) / math.sqrt(width))  # source, target and output
        self.encoder = torch.nn.ModuleList([Layer(1, width, hidden, heads, dropout) for _ in range(layers)])
        self.decoder = torch.nn.ModuleList([Layer(2, width, hidden, heads, dropout) for _ in range(layers)])
        angles = torch.arange(64).unsqueeze(1) / 10000 ** (torch.arange(0, width, 2) / width)
        self.positions = torch.stack([angles.sin(), angles.cos()], -1).flatten(1)  # (64, C)

    def embed(self, tokens):
        x = F.embedding(tokens, self.table) * math.sqrt(self.width) + self.positions[:tokens.shape[1]]
        return F.dropout(x, self.dropout)

    def encode(self, source, source_mask):
        memory = self.embed(source)
        for layer in self.encoder:
            memory = layer(memory, source_mask)
        return memory

    def forward(self, source, target_in, source_mask, causal_mask):
        memory = self.encode(source, source_mask)
        x = self.embed(target_in)
        for layer in self.decoder:
            x = layer(x, causal_mask, memory, source_mask)
        return F.linear(x, self.table)  # (B, T, V)


def make_tokens(pairs, length, vocabulary, shift):
    """By the rule of make_batch in training_step_bench.cpp."""
    return torch.tensor([[4 + (31 * b + 7 * (t + shift)) % (vocabulary - 4) for t in range(length)]
                         for b in range(pairs)])


def training(sizes, pairs, length, dropout, seconds):
    model = Transformer(**sizes, dropout=dropout)
    adam = torch.optim.Adam(model.parameters(), lr=1e-4, betas=(0.9, 0.98), foreach=True)
    source = target_in = make_tokens(pairs, length, sizes["vocabulary"], 0)
    target_out = make_tokens(pairs, length, sizes["vocabulary"], 1).flatten()
    # Added to the scores: 0 where attending is allowed, else minus infinity.
    source_mask = torch.zeros(pairs, 1, 1, length)
    causal_mask = torch.full((length, length), -math.inf).triu(1)
    losses = []

    def step():
        logits = model(source, target_in, source_mask, causal_mask)
        loss = F.cross_entropy(logits.flatten(0, 1), target_out, ignore_index=PAD, label_smoothing=0.1)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        losses.append(loss.item())

    figures = measure(step, seconds)
    return dict(figures, parameters=parameters(model), tokens=pairs * length, first_loss=losses[0])


def parameters(model):
    return sum(p.numel() for p in model.parameters())


# ---- rows

ROWS = {
    "training_tiny": lambda seconds: training(TINY, 64, 20, 0.3, seconds),
    "training_tiny_no_dropout": lambda seconds: training(TINY, 64, 20, 0.0, seconds),
    "training_toy": lambda seconds: training(TOY, 32, 12, 0.1, seconds),
}


def main(row, threads, seconds):
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    print(json.dumps(ROWS[row](float(seconds))))


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ROWS:
        sys.exit(__doc__ + "\nRows: " + ", ".join(ROWS))
    main(*sys.argv[1:])
