"""PyTorch's side of compare_pytorch: the same work as the programs *_bench here, as fast as PyTorch does it.

    /usr/bin/python3 benchmarks/pytorch_side.py training_tiny 1 2        # row, threads, seconds

prints one line of JSON: the median and the best time of a call in milliseconds, and the counts by which compare_pytorch
sees that both sides do the same work. compare_pytorch also sets the environment that PyTorch is fastest in.

What was tried, each kept only if faster (milliseconds of a step of training_tiny with one thread, each on top of the
last; two cores with AVX-512 that others were using, too):

    345   plain modules, one product for query, key and value, torch.optim.Adam(foreach=True)
    322   ATEN_CPU_CAPABILITY=avx512, and large pages for malloc
    303   masks of dropout drawn in one call
    273   the loss in one buffer (TiedLoss)
    271   Adam in chunks of 2^16 numbers; 279 in chunks of 2^18, 276 all at once
    257   heads split by one copy for query, key and value; masks by baddbmm
    250   buffers that are kept, malloc told not to give memory back

No gain: linear layers by oneDNN (mkldnn_linear, 284 in place of 274; convolutions of size 1, 1.6 to 2.4 times as long
as addmm), the loss in pieces that fit the cache, weight gradients transposed (277), relu in place, torch.jit.trace (277
in place of 264), other OPENBLAS_CORETYPEs. Translation, of 1 and of 64 sentences: 26 and 258 by bmm; 24 and 190 by
sums of products in TorchScript; 24 and 150 with the cache position by position and argmax by stretches; 16 and 136
with mv and addmv for one sentence.

Legend: B batch, T positions, S source positions, H heads, D = width / H, C width, V vocabulary.
"""

import json
import math
import resource
import statistics
import sys
import time
from typing import List

import torch
import torch.nn.functional as F
from torch import Tensor

TINY = dict(vocabulary=8000, layers=4, width=128, hidden=256, heads=4)
TOY = dict(vocabulary=200, layers=2, width=64, hidden=256, heads=4)
GPT2 = dict(vocabulary=50257, longest=1024, layers=12, width=768, heads=12)


def measure(work, seconds):
    """Times each call of `work` by itself, after five that are not measured: memory and caches are filled then."""
    for _ in range(5):
        work()
    times = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return dict(median_ms=statistics.median(times), best_ms=min(times),
                peak_MiB=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


# ---- parts that PyTorch has, written so that they are faster


class Dropout:
    """All masks of a step are drawn in one call, 16 random bits for each number; F.dropout takes ten times as long."""

    def __init__(self, rate, masks, numbers):
        self.scale = 1 / (1 - rate)
        self.limit = round((1 - rate) * 2**16) - 2**15
        self.bits = torch.empty((masks * numbers + 3) // 4, dtype=torch.int64)
        self.factors = torch.empty(4 * len(self.bits))
        self.masks = self.factors[:masks * numbers].split(numbers)

    def draw(self):
        self.bits.random_(-2**63, None)
        torch.lt(self.bits.view(torch.int16), self.limit, out=self.factors).mul_(self.scale)
        self.unused = iter(self.masks)

    def __call__(self, x):
        return x * next(self.unused).view(x.shape)


class TiedLoss(torch.autograd.Function):
    """The mean cross-entropy of F.linear(x, table), with smoothed labels. One buffer (N, V), kept, serves logits, powers
    and gradient, and what is the same for a whole row is put into the smaller factors of the products.
        loss = mean( log Σ exp(logit) - (1 - e) logit_target - e mean(logit) )
    """

    buffer = None

    @staticmethod
    def forward(ctx, x, table, targets, smoothing):
        if TiedLoss.buffer is None:
            TiedLoss.buffer = torch.empty(len(x), len(table))
        logits = torch.mm(x, table.t(), out=TiedLoss.buffer)  # (N, V)
        target = logits.gather(1, targets.unsqueeze(1))
        loss = -(1 - smoothing) * target
        if smoothing:
            loss -= smoothing * logits.mean(-1, keepdim=True)
        largest = logits.amax(-1, keepdim=True)
        powers = logits.sub_(largest).exp_()
        total = powers.sum(-1, keepdim=True)
        ctx.save_for_backward(x, table, targets, powers, total)
        ctx.smoothing = smoothing
        return (loss + largest + total.log()).mean()

    @staticmethod
    def backward(ctx, gradient):
        x, table, targets, powers, total = ctx.saved_tensors
        rows, vocabulary = powers.shape
        # d loss / d logits = (powers / total - (1 - e) [target] - e / V) / N
        powers.scatter_add_(1, targets.unsqueeze(1), -(1 - ctx.smoothing) * total)
        scale = gradient / (rows * total)
        dx = (powers @ table).mul_(scale)
        dtable = powers.t() @ (x * scale)
        if ctx.smoothing:
            share = gradient * ctx.smoothing / (vocabulary * rows)
            dx -= table.sum(0) * share
            dtable -= x.sum(0) * share
        return dx, dtable, None, None


class Adam:
    """Adam with clipping, a chunk of the numbers at a time, so that the caches hold it through all operations. Small
    parameters are parts of one long one."""

    CHUNK = 1 << 16

    def __init__(self, parameters, rate=1e-4, beta1=0.9, beta2=0.999, epsilon=1e-8, largest_norm=None):
        parameters = list(parameters)
        self.small = [p for p in parameters if p.numel() <= self.CHUNK]
        self.large = [p for p in parameters if p.numel() > self.CHUNK]
        together = torch.cat([p.detach().flatten() for p in self.small])
        for p, part in zip(self.small, together.split([p.numel() for p in self.small])):
            p.data = part.view(p.shape)
        self.small_gradients = torch.empty_like(together)
        self.values = [together] + [p.detach().view(-1) for p in self.large]
        self.means = [torch.zeros_like(p) for p in self.values]
        self.squares = [torch.zeros_like(p) for p in self.values]
        self.buffer = torch.empty(self.CHUNK)
        self.rate, self.beta1, self.beta2, self.epsilon = rate, beta1, beta2, epsilon
        self.largest_norm, self.steps = largest_norm, 0

    @torch.no_grad()
    def step(self):
        torch.cat([p.grad.reshape(-1) for p in self.small], out=self.small_gradients)
        gradients = [self.small_gradients] + [p.grad.reshape(-1) for p in self.large]
        factor = 1.0
        if self.largest_norm:
            norm = math.sqrt(sum(torch.linalg.vector_norm(g).item() ** 2 for g in gradients))
            factor = min(1.0, self.largest_norm / (norm + 1e-6))
        self.steps += 1
        root = math.sqrt(1 - self.beta2 ** self.steps)
        rate = self.rate * root / (1 - self.beta1 ** self.steps)
        for whole in zip(self.values, gradients, self.means, self.squares):
            for p, g, m, v in zip(*(x.split(self.CHUNK) for x in whole)):
                if factor < 1:
                    g.mul_(factor)
                m.lerp_(g, 1 - self.beta1)
                v.mul_(self.beta2).addcmul_(g, g, value=1 - self.beta2)
                divisor = torch.sqrt(v, out=self.buffer[:len(v)]).add_(self.epsilon * root)
                p.addcdiv_(m, divisor, value=-rate)


# ---- attention and the Transformer; x is (B T, C) throughout


def make_linear(inputs, outputs, parts=1):
    """`parts` layers in one, with attune's initial weights."""
    layer = torch.nn.Linear(inputs, parts * outputs)
    for part in layer.weight.split(outputs):
        torch.nn.init.xavier_uniform_(part.data)
    torch.nn.init.zeros_(layer.bias)
    return layer


def split_heads(x, pairs, parts, heads):
    """(B T, parts C) to `parts` tensors (B H, T, D)."""
    x = x.view(pairs, -1, parts, heads, x.shape[-1] // (parts * heads)).permute(2, 0, 3, 1, 4)  # (parts, B, H, T, D)
    return x.reshape(parts, pairs * heads, x.shape[3], x.shape[4]).unbind(0)


class Attention(torch.nn.Module):
    def __init__(self, width, heads, own):
        super().__init__()
        self.heads, self.own = heads, own
        if own:
            self.project = make_linear(width, width, 3)  # query, key and value
        else:
            self.query, self.project = make_linear(width, width), make_linear(width, width, 2)
        self.output = make_linear(width, width)

    def forward(self, pairs, x, memory=None, mask=None):
        if self.own:
            query, key, value = split_heads(self.project(x), pairs, 3, self.heads)
        else:
            query, = split_heads(self.query(x), pairs, 1, self.heads)
            key, value = split_heads(self.project(memory), pairs, 2, self.heads)
        scale = query.shape[-1] ** -0.5
        if mask is None:
            scores = torch.bmm(query * scale, key.transpose(1, 2))  # (B H, T, S)
        else:
            scores = torch.baddbmm(mask, query, key.transpose(1, 2), alpha=scale)
        read = torch.bmm(torch.softmax(scores, -1), value)  # (B H, T, D)
        read = read.view(pairs, self.heads, read.shape[1], read.shape[2]).transpose(1, 2)  # (B, T, H, D)
        return self.output(read.reshape(x.shape))


def causal_mask(length):
    """Added to the scores: 0 where attending is allowed, else minus infinity."""
    return torch.full((1, length, length), -math.inf).triu(1)


class Layer(torch.nn.Module):
    """A layer of the encoder, with one attention, or of the decoder, with two; post-norm."""

    def __init__(self, attentions, width, hidden, heads, dropout):
        super().__init__()
        self.dropout = dropout
        self.attentions = torch.nn.ModuleList([Attention(width, heads, own=i == 0) for i in range(attentions)])
        self.norms = torch.nn.ModuleList([torch.nn.LayerNorm(width) for _ in range(attentions + 1)])
        self.inner, self.outer = make_linear(width, hidden), make_linear(hidden, width)

    def forward(self, pairs, x, mask=None, memory=None):
        x = self.norms[0](x + self.dropout(self.attentions[0](pairs, x, mask=mask)))
        if memory is not None:
            x = self.norms[1](x + self.dropout(self.attentions[1](pairs, x, memory)))
        return self.norms[-1](x + self.dropout(self.outer(F.relu(self.inner(x)))))


class Transformer(torch.nn.Module):
    def __init__(self, vocabulary, layers, width, hidden, heads, dropout):
        super().__init__()
        self.dropout, self.heads, self.scale = dropout, heads, math.sqrt(width)
        self.table = torch.nn.Parameter(torch.randn(vocabulary, width) / self.scale)  # source, target and output
        self.encoder = torch.nn.ModuleList([Layer(1, width, hidden, heads, dropout) for _ in range(layers)])
        self.decoder = torch.nn.ModuleList([Layer(2, width, hidden, heads, dropout) for _ in range(layers)])
        angles = torch.arange(64).unsqueeze(1) / 10000 ** (torch.arange(0, width, 2) / width)
        self.positions = torch.stack([angles.sin(), angles.cos()], -1).flatten(1)  # (64, C)

    def embed(self, tokens):
        x = F.embedding(tokens, self.table) * self.scale + self.positions[:tokens.shape[1]]  # (B, T, C)
        return self.dropout(x.flatten(0, 1))

    def encode(self, source):
        x = self.embed(source)
        for layer in self.encoder:
            x = layer(len(source), x)
        return x

    def forward(self, source, target_in, mask):
        memory = self.encode(source)
        x = self.embed(target_in)
        for layer in self.decoder:
            x = layer(len(source), x, mask, memory)
        return x  # (B T, C); TiedLoss makes the scores


def make_tokens(pairs, length, vocabulary, shift):
    """By the rule of make_batch in training_step_bench.cpp."""
    return torch.tensor([[4 + (31 * b + 7 * (t + shift)) % (vocabulary - 4) for t in range(length)]
                         for b in range(pairs)])


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def training(sizes, pairs, length, rate, seconds):
    places = 2 + 5 * sizes["layers"]  # two embeddings, two sums in a layer of the encoder, three in one of the decoder
    dropout = Dropout(rate, places, pairs * length * sizes["width"]) if rate else lambda x: x
    model = Transformer(**sizes, dropout=dropout)
    adam = Adam(model.parameters(), beta2=0.98, largest_norm=1.0)
    source = target_in = make_tokens(pairs, length, sizes["vocabulary"], 0)
    target_out = make_tokens(pairs, length, sizes["vocabulary"], 1).flatten()
    mask = causal_mask(length)
    losses = []

    def step():
        if rate:
            dropout.draw()
        loss = TiedLoss.apply(model(source, target_in, mask), model.table, target_out, 0.1)
        model.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        losses.append(loss.item())

    figures = measure(step, seconds)
    return dict(figures, parameters=parameters(model), tokens=pairs * length, first_loss=losses[0])


# ---- greedy translation


@torch.jit.script
def linear(x: Tensor, weights: List[Tensor], at: int) -> Tensor:
    if len(x) == 1:
        return torch.addmv(weights[at + 1], weights[at], x[0]).unsqueeze(0)
    return F.linear(x, weights[at], weights[at + 1])


@torch.jit.script
def norm(x: Tensor, weights: List[Tensor], at: int) -> Tensor:
    return F.layer_norm(x, weights[at].shape, weights[at], weights[at + 1])


@torch.jit.script
def attend(query: Tensor, key: Tensor, value: Tensor, buffer: Tensor) -> Tensor:
    """query (B H, D), key and value (S, B H, D), one query for each head: products of a matrix and a vector."""
    products = buffer[:key.numel()].view(key.shape)
    torch.mul(key, query * query.shape[1] ** -0.5, out=products)
    weights = torch.softmax(products.sum(-1, keepdim=True), 0)  # (S, B H, 1)
    return torch.mul(value, weights, out=products).sum(0)  # (B H, D)


@torch.jit.script
def likeliest(scores: Tensor) -> Tensor:
    """argmax(-1), of 20 stretches side by side first: argmax alone is five times slower."""
    stretches = scores.view(len(scores), 20, -1)
    place = stretches.amax(1).argmax(-1)  # (B)
    stretch = stretches[torch.arange(len(scores)), :, place].argmax(-1)
    return stretch * stretches.shape[2] + place


@torch.jit.script
def decode(length: int, heads: int, cross: List[Tensor], layers: List[List[Tensor]], table: Tensor,
           positions: Tensor) -> Tensor:
    """cross (2, S, B H, D) of each layer: the source's keys and values. A layer's weights are as parameters() gives
    them: at 0 project and 2 output of self-attention; 4 query, 6 project and 8 output of cross-attention; 10, 12, 14 the
    norms; 16 inner and 18 outer."""
    width, head = table.shape[1], cross[0].shape[3]
    rows = cross[0].shape[2]  # B H
    sentences = rows // heads
    caches = [torch.empty(2, length, rows, head) for _ in layers]
    buffer = torch.empty(max(length, cross[0].shape[1]) * rows * head)
    found = torch.empty([length, sentences], dtype=torch.int64)
    latest = torch.full([sentences], 2)
    for t in range(length):
        x = F.embedding(latest, table) * width ** 0.5 + positions[t]  # (B, C)
        for i, w in enumerate(layers):
            own = linear(x, w, 0).view(sentences, 3, width)
            caches[i][:, t].view(2, sentences, width).copy_(own[:, 1:].transpose(0, 1))
            seen = caches[i][:, :t + 1]
            read = attend(own[:, 0].reshape(rows, head), seen[0], seen[1], buffer)
            x = norm(x + linear(read.view(sentences, width), w, 2), w, 10)
            read = attend(linear(x, w, 4).view(rows, head), cross[i][0], cross[i][1], buffer)
            x = norm(x + linear(read.view(sentences, width), w, 8), w, 12)
            x = norm(x + linear(F.relu(linear(x, w, 16)), w, 18), w, 14)
        scores = torch.mv(table, x[0]).unsqueeze(0) if sentences == 1 else x @ table.t()  # (B, V)
        latest = likeliest(scores)
        found[t] = latest
    return found


def translation(sizes, sentences, source_length, target_length, seconds):
    model = Transformer(**sizes, dropout=lambda x: x)
    with torch.no_grad():
        model.table[:4] = 0  # no special token is ever the likeliest: see translation_bench.cpp
    source = make_tokens(sentences, source_length, sizes["vocabulary"], 0)
    layers = [[p.detach() for p in layer.parameters()] for layer in model.decoder]
    counts = []

    @torch.inference_mode()
    def translate():
        memory = model.encode(source)
        cross = []
        for layer in model.decoder:
            both = layer.attentions[1].project(memory).view(sentences, source_length, 2, model.heads, -1)
            cross.append(both.permute(2, 1, 0, 3, 4).flatten(2, 3).contiguous())  # (2, S, B H, D)
        found = decode(target_length, model.heads, cross, layers, model.table.detach(), model.positions)
        counts.append(int((found >= 4).sum()))

    figures = measure(translate, seconds)
    return dict(figures, parameters=parameters(model), tokens=counts[-1])


# ---- GPT-2


class Gpt2Block(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.attention_norm, self.feed_forward_norm = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.attention = Attention(width, heads, own=True)
        self.inner, self.outer = make_linear(width, 4 * width), make_linear(4 * width, width)

    def forward(self, pairs, x, mask):
        x = x + self.attention(pairs, self.attention_norm(x), mask=mask)
        return x + self.outer(F.gelu(self.inner(self.feed_forward_norm(x))))


class Gpt2(torch.nn.Module):
    def __init__(self, vocabulary, longest, layers, width, heads):
        super().__init__()
        self.table = torch.nn.Parameter(torch.randn(vocabulary, width) / math.sqrt(width))
        self.positions = torch.nn.Parameter(torch.randn(longest, width) / math.sqrt(width))
        self.blocks = torch.nn.ModuleList([Gpt2Block(width, heads) for _ in range(layers)])
        self.norm = torch.nn.LayerNorm(width)

    def forward(self, pairs, embedded, mask):
        """embedded (B, T, C) to what the scores are made of, (B T, C)."""
        x = (embedded + self.positions[:embedded.shape[1]]).flatten(0, 1)
        for block in self.blocks:
            x = block(pairs, x, mask)
        return self.norm(x)


def training_gpt2(pairs, length, seconds):
    model = Gpt2(**GPT2)
    adam = Adam(model.parameters())
    tokens, following = (torch.tensor([[(7919 * b + 31 * (t + shift)) % GPT2["vocabulary"] for t in range(length)]
                                       for b in range(pairs)]) for shift in (0, 1))
    mask = causal_mask(length)
    losses = []

    def step():
        # The gradient of the few rows that are read is added to that of the output, in place of a second one as large
        # as the table.
        embedded = F.embedding(tokens, model.table.detach()).requires_grad_()
        loss = TiedLoss.apply(model(pairs, embedded, mask), model.table, following.flatten(), 0.0)
        model.zero_grad(set_to_none=True)
        loss.backward()
        model.table.grad.index_add_(0, tokens.flatten(), embedded.grad.flatten(0, 1))
        adam.step()
        losses.append(loss.item())

    figures = measure(step, seconds)
    return dict(figures, parameters=parameters(model), tokens=pairs * length, first_loss=losses[0])


# ---- products of matrices


def products(shapes, seconds):
    """shapes: [name, batch, M, K, N, A transposed, B transposed] of each; its fastest and its median GFLOP/s."""
    figures = {}
    for name, batch, m, k, n, a_transposed, b_transposed in shapes:
        a = torch.randn(batch, k, m).transpose(1, 2) if a_transposed else torch.randn(batch, m, k)
        b = torch.randn(batch, n, k).transpose(1, 2) if b_transposed else torch.randn(batch, k, n)
        c = torch.empty(batch, m, n)
        multiply = torch.bmm
        if batch == 1:
            a, b, c, multiply = a[0], b[0], c[0], torch.mm
        operations = 2 * batch * m * k * n
        repeats = max(1, round(2e7 / operations))

        def work():
            for _ in range(repeats):
                multiply(a, b, out=c)

        measured = measure(work, seconds)
        figures[name] = {"GFLOP/s": operations * repeats / measured["best_ms"] / 1e6,
                         "median": operations * repeats / measured["median_ms"] / 1e6}
    return figures


# ---- rows

ROWS = {
    "training_tiny": lambda seconds: training(TINY, 64, 20, 0.3, seconds),
    "training_tiny_no_dropout": lambda seconds: training(TINY, 64, 20, 0.0, seconds),
    "training_toy": lambda seconds: training(TOY, 32, 12, 0.1, seconds),
    "translation_1": lambda seconds: translation(TINY, 1, 20, 30, seconds),
    "translation_64": lambda seconds: translation(TINY, 64, 20, 30, seconds),
    "training_gpt2": lambda seconds: training_gpt2(4, 64, seconds),
    "products": lambda seconds: products(json.load(sys.stdin), seconds),
}


def main(row, threads, seconds):
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    print(json.dumps(ROWS[row](float(seconds))))


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ROWS:
        sys.exit(__doc__ + "\nRows: " + ", ".join(ROWS))
    main(*sys.argv[1:])
