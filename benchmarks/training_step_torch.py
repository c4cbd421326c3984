#!/usr/bin/python3
"""The work of training_step_bench.cpp, done by PyTorch: the same models, batches, loss, clipping and Adam.

    /usr/bin/python3 benchmarks/training_step_torch.py tour 1 3        # workload, threads, seconds

prints the name and real target tokens per second, of the best pass over the batches and of the median one. Written for
speed: one product for query, key and value, masks made once, no synchronisation inside a step.

Legend: B batch, T target positions, S source positions, H heads, D = width / H, C width.
"""

import math
import statistics
import sys
import time

import torch
import torch.nn.functional as F

WORKLOADS = {
    "tour": dict(vocabularies=(330, 680), layers=2, norm="pre", dropout=0.0, smoothing=0.0, share=False,
                 padded_tokens=2048, longest=(8, 9, 10, 11, 12, 13)),
    "tiny": dict(vocabularies=(10000, 10000), layers=4, norm="post", dropout=0.3, smoothing=0.1, share=True,
                 padded_tokens=4096, longest=(10, 13, 16, 19, 22, 25)),
}
WIDTH, HIDDEN, HEADS = 128, 256, 4
PAD = 0


def make_batch(workload, number, longest):
    size = workload["padded_tokens"] // longest
    lengths = [longest - b % 3 for b in range(size)]

    def tokens(vocabulary, shift):
        return torch.tensor([[4 + (31 * b + 7 * (t + shift) + 13 * number) % (vocabulary - 4) if t < length else PAD
                              for t in range(longest)] for b, length in enumerate(lengths)])

    source_vocabulary, target_vocabulary = workload["vocabularies"]
    seen = torch.arange(longest) < torch.tensor(lengths).unsqueeze(1)  # (B, S)
    return dict(
        source=tokens(source_vocabulary, 0),
        target_in=tokens(target_vocabulary, 0),
        target_out=tokens(target_vocabulary, 1),
        # Added to the scores: 0 where attending is allowed, else minus infinity.
        source_mask=torch.zeros(seen.shape).masked_fill(~seen, -math.inf)[:, None, None, :],  # (B, 1, 1, S)
        causal_mask=torch.full((longest, longest), -math.inf).triu(1),  # (T, T)
        tokens=sum(lengths),
    )


class Attention(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.project = torch.nn.Linear(WIDTH, 3 * WIDTH)  # query, key and value
        self.output = torch.nn.Linear(WIDTH, WIDTH)

    def forward(self, asking, answering, mask):
        if asking is answering:
            query, key, value = self.project(asking).chunk(3, -1)
        else:
            query = F.linear(asking, self.project.weight[:WIDTH], self.project.bias[:WIDTH])
            key, value = F.linear(answering, self.project.weight[WIDTH:], self.project.bias[WIDTH:]).chunk(2, -1)

        def heads(x):
            return x.reshape(x.shape[0], x.shape[1], HEADS, WIDTH // HEADS).transpose(1, 2)  # (B, H, T, D)

        scores = heads(query * (WIDTH // HEADS) ** -0.5) @ heads(key).transpose(-1, -2)  # (B, H, T, S)
        read = torch.softmax(scores + mask, -1) @ heads(value)  # (B, H, T, D)
        return self.output(read.transpose(1, 2).reshape(asking.shape))


class Layer(torch.nn.Module):
    def __init__(self, workload, attentions):
        super().__init__()
        self.pre, self.dropout = workload["norm"] == "pre", workload["dropout"]
        self.attentions = torch.nn.ModuleList([Attention() for _ in range(attentions)])
        self.norms = torch.nn.ModuleList([torch.nn.LayerNorm(WIDTH) for _ in range(attentions + 1)])
        self.inner, self.outer = torch.nn.Linear(WIDTH, HIDDEN), torch.nn.Linear(HIDDEN, WIDTH)

    def around(self, norm, x, sublayer):
        if self.pre:
            return x + F.dropout(sublayer(norm(x)), self.dropout)
        return norm(x + F.dropout(sublayer(x), self.dropout))

    def forward(self, x, own_mask, memory=None, memory_mask=None):
        x = self.around(self.norms[0], x, lambda y: self.attentions[0](y, y, own_mask))
        if memory is not None:
            x = self.around(self.norms[1], x, lambda y: self.attentions[1](y, memory, memory_mask))
        return self.around(self.norms[-1], x, lambda y: self.outer(F.relu(self.inner(y))))


class Transformer(torch.nn.Module):
    def __init__(self, workload):
        super().__init__()
        self.dropout = workload["dropout"]

        def embedding(vocabulary):
            return torch.nn.Parameter(torch.randn(vocabulary, WIDTH) / math.sqrt(WIDTH))

        self.source_table = embedding(workload["vocabularies"][0])
        self.target_table = self.source_table if workload["share"] else embedding(workload["vocabularies"][1])
        self.encoder = torch.nn.ModuleList([Layer(workload, 1) for _ in range(workload["layers"])])
        self.decoder = torch.nn.ModuleList([Layer(workload, 2) for _ in range(workload["layers"])])
        final = torch.nn.LayerNorm if workload["norm"] == "pre" else lambda width: torch.nn.Identity()
        self.encoder_norm, self.decoder_norm = final(WIDTH), final(WIDTH)
        channel = torch.arange(0, WIDTH, 2)
        angles = torch.arange(64).unsqueeze(1) / 10000 ** (channel / WIDTH)
        self.positions = torch.stack([angles.sin(), angles.cos()], -1).flatten(1)  # (64, C)

    def embed(self, table, tokens):
        x = F.embedding(tokens, table) * math.sqrt(WIDTH) + self.positions[:tokens.shape[1]]
        return F.dropout(x, self.dropout)

    def forward(self, batch):
        memory = self.embed(self.source_table, batch["source"])
        for layer in self.encoder:
            memory = layer(memory, batch["source_mask"])
        memory = self.encoder_norm(memory)
        x = self.embed(self.target_table, batch["target_in"])
        for layer in self.decoder:
            x = layer(x, batch["causal_mask"], memory, batch["source_mask"])
        return F.linear(self.decoder_norm(x), self.target_table)  # (B, T, V)


def main(name, threads, seconds):
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    workload = WORKLOADS[name]
    model = Transformer(workload)
    adam = torch.optim.Adam(model.parameters(), lr=1e-4, betas=(0.9, 0.98), foreach=True)
    batches = [make_batch(workload, number, longest) for number, longest in enumerate(workload["longest"])]

    def train():
        for batch in batches:
            logits = model(batch)
            loss = F.cross_entropy(logits.flatten(0, 1), batch["target_out"].flatten(), ignore_index=PAD,
                                   label_smoothing=workload["smoothing"])
            adam.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            adam.step()

    train()  # once unmeasured: memory and caches are filled
    times = []
    end = time.perf_counter() + float(seconds)
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        train()
        times.append(time.perf_counter() - start)
    tokens = sum(batch["tokens"] for batch in batches)
    print(f"{name}/threads:{threads} {tokens / min(times):.0f} {tokens / statistics.median(times):.0f}")


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in WORKLOADS:
        sys.exit(__doc__)
    main(*sys.argv[1:])
