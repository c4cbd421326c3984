"""Draws cases: DRAW[operation](random) returns a Case without results.

Shapes have 0 to 4 axes and sizes of 0, 1, odd and lanes ± 1; operands broadcast; most lie in memory in some other way than
row after row; some operands are one tensor, and some want no gradient. Every number is exact in float.
"""

import math
from random import Random

import numpy as np

import reference
from case_format import Case

SIZES = [1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33]
LIMIT = 70  # of elements in most tensors


def f32(number):
    return float(np.float32(number))


def count(shape):
    return int(np.prod(shape, dtype=np.int64))


class Draw:
    def __init__(self, operation, random):
        self.r = random
        self.case = Case(operation)
        self.case.operands = []
        self.case.cotangent = lambda shape: self.uniform(shape, -1, 1)

    # ---- numbers

    def chance(self, probability):
        return self.r.random() < probability

    def uniform(self, shape, low, high):
        numbers = [f32(self.r.uniform(low, high)) for _ in range(count(shape))]
        return np.array(numbers, dtype=np.float64).reshape(shape)

    def coarse(self, shape, low, high):
        """Few different numbers, 0 among them: equal ones, and kinks."""
        numbers = [self.r.randint(math.ceil(2 * low), math.floor(2 * high)) / 2 for _ in range(count(shape))]
        return np.array(numbers, dtype=np.float64).reshape(shape)

    def numbers(self, shape, kind):
        kind = kind or (-2, 2)
        if callable(kind):
            return np.array([f32(kind()) for _ in range(count(shape))], dtype=np.float64).reshape(shape)
        if len(kind) == 3:
            return self.coarse(shape, kind[0], kind[1])
        return self.uniform(shape, *kind)

    def away(self, low, high):
        """Of either sign, with a size between low and high."""
        return lambda: self.r.choice((-1, 1)) * self.r.uniform(low, high)

    # ---- shapes

    def shape(self, least=0, most=4, limit=LIMIT, empty=0.05):
        rank = self.r.choice([n for n in (0, 1, 1, 2, 2, 2, 3, 3, 4) if least <= n <= most])
        sizes = [self.r.choice(SIZES) for _ in range(rank)]
        while count(sizes) > limit:
            axis = self.r.randrange(rank)
            sizes[axis] = max(1, sizes[axis] // 2)
        if sizes and self.chance(empty):
            sizes[self.r.randrange(rank)] = 0
        return sizes

    def broadcastable(self, shape):
        """A shape that broadcasts to this one."""
        sizes = [1 if self.chance(0.3) else size for size in shape]
        return sizes[self.r.randrange(len(sizes) + 1) :] if self.chance(0.4) else sizes

    def axis(self, rank):
        return self.r.randrange(-rank, rank)

    # ---- operands

    def operand(self, shape, kind=None, constant=None, plain=False, varied=None):
        """A new operand of this shape, through some view of a new leaf, but none that repeats one number along the axis
        `varied`: the gradient of such a row's softmax or norm is 0, and all that float has of it is rounding."""
        base, views = (list(shape), []) if plain else self.layout(list(shape))
        if varied is not None:
            from_end = len(shape) - varied if varied >= 0 else -varied
            while views and views[-1][0] == "broadcast" and (
                    len(base) < from_end or base[-from_end] != shape[-from_end]):
                base, views = self.layout(list(shape))
        name = f"x{len(self.case.leaves)}"
        self.case.leaves[name] = self.numbers(base, kind)
        if constant or (constant is None and self.chance(0.08)):
            self.case.constants.append(name)
        self.case.operands.append((name, views))
        return self

    def same_operand(self, leaf=0):
        """The operand before, once more."""
        self.case.operands.append(self.case.operands[leaf])
        return self

    def layout(self, shape):
        """The shape of a leaf and the views that turn it into this shape."""
        rank = len(shape)
        kinds = ["plain"] * 4
        if rank >= 1:
            kinds += ["sliced", "sliced", "broadcast"]
        if rank >= 2:
            kinds += ["transposed", "transposed", "permuted", "sliced and transposed"]
        kind = self.r.choice(kinds)
        views = []
        base = list(shape)
        if "transposed" in kind:
            a, b = self.r.sample(range(rank), 2)
            base[a], base[b] = base[b], base[a]
            views.append(["transpose", a, b])
        if kind == "permuted":
            order = self.r.sample(range(rank), rank)
            base = [0] * rank
            for i, axis in enumerate(order):
                base[axis] = shape[i]
            views.append(["permute", order])
        if "sliced" in kind:
            axis, step, begin = self.r.randrange(rank), self.r.choice((1, 1, 2, 3)), self.r.randrange(3)
            end = begin + (base[axis] - 1) * step + 1 if base[axis] else begin
            views.insert(0, ["slice", axis, begin, end, step])
            base[axis] = end + self.r.randrange(3)
        if kind == "broadcast":
            axis = self.r.randrange(rank)
            if base[axis] > 0:
                base[axis] = 1
            if axis == 0 and self.chance(0.5):
                base = base[1:]
            views.append(["broadcast", list(shape)])
        return base, views

    def parameter(self, name, shape, low=-1, high=1):
        self.case.leaves[name] = self.uniform(shape, low, high)

    def set(self, **attributes):
        for key, value in attributes.items():
            self.case.attributes[key] = f32(value) if isinstance(value, float) else value
        return self

    def done(self):
        """At least one leaf wants a gradient."""
        case = self.case
        if len(case.constants) == len(case.leaves):
            case.constants = case.constants[:-1]
        return case


# ---- elementwise


def unary(kinds):
    def draw(d):
        kind = d.r.choice(kinds)
        return d.operand(d.shape(limit=50), kind(d) if callable(kind) else kind)

    return draw


def binary(kinds_a, kinds_b=None):
    def draw(d):
        a, b = d.r.choice(kinds_a), d.r.choice(kinds_b or kinds_a)
        a, b = (kind(d) if callable(kind) else kind for kind in (a, b))
        shape = d.shape(limit=50)
        if kinds_b is None and d.chance(0.1):
            return d.operand(shape, a, constant=False).same_operand()
        first, second = d.broadcastable(shape), list(shape)
        if d.chance(0.3):  # both broadcast
            second = [1 if d.chance(0.3) else n for n in shape]
        if d.chance(0.5):
            return d.operand(first, a).operand(second, b)
        return d.operand(second, a).operand(first, b)

    return draw


def power(d):
    shape = d.shape()
    kind = d.r.randrange(4)
    if kind == 0:  # any base with a whole exponent, which then has no gradient
        d.operand(shape, (-3, 3), constant=False)
        return d.operand(d.broadcastable(shape), lambda: float(d.r.randrange(0, 4)), constant=True)
    if kind == 1:  # a base of 0
        d.operand(shape, (0, 2, "coarse"), constant=False)
        return d.operand(d.broadcastable(shape), (1, 3))
    return d.operand(d.broadcastable(shape), (0.1, 4)).operand(shape, (-3, 3))


def where(d):
    shape = d.shape()
    condition = d.r.choice([shape, d.broadcastable(shape), [1] * len(shape)])
    d.operand(condition, lambda: d.r.choice((0, 0, 0, 1, 1, 2, -0.5)), constant=True)
    return d.operand(d.broadcastable(shape)).operand(shape)


# ---- reductions


def axes_and_keep(d, rank):
    axes = d.r.sample(range(rank), d.r.randrange(rank + 1))
    return d.set(axes=[axis - rank if d.chance(0.4) else axis for axis in axes], keep=d.chance(0.5))


def reduction(empty, kinds):
    def draw(d):
        shape = d.shape(empty=0.15 if empty else 0)
        axes_and_keep(d, len(shape))
        return d.operand(shape, d.r.choice(kinds), constant=False)

    return draw


def sum_to(d):
    shape = d.shape()
    target = d.broadcastable(shape)
    return d.set(shape=target).operand(shape, constant=False)


# ---- matrices


def matmul(d):
    m, k, n = (d.r.choice([0] if d.chance(0.04) else [1, 2, 3, 4, 5, 7, 8, 9, 16, 17]) for _ in range(3))
    if m * k > 100:
        k = max(1, 100 // m)
    if k * n > 100:
        n = max(1, 100 // k)
    batch = d.r.choice([[], [], [], [1], [2], [3], [2, 2], [1, 3], [2, 1]])
    left = d.broadcastable(batch) if d.chance(0.4) else batch
    right = d.broadcastable(batch) if d.chance(0.4) else batch
    if d.chance(0.07) and m == n:  # one matrix, twice
        return d.operand([*batch, m, m], (-1, 1), constant=False).same_operand()
    return d.operand([*left, m, k], (-1, 1)).operand([*right, k, n], (-1, 1))


def linear(d):
    inputs, outputs = d.r.choice((1, 2, 3, 5, 8, 9, 17)), d.r.choice((1, 2, 3, 4, 7, 8))
    d.operand([*d.shape(0, 3, limit=12), inputs], (-1, 1)).operand([outputs, inputs], (-1, 1))
    return d.operand([outputs], (-1, 1)) if d.chance(0.7) else d


# ---- rows


def softmax(d):
    shape = d.shape(1)
    d.set(axis=d.axis(len(shape)))
    kind = d.r.choice([(-4, 4), (-4, 4), (-100, 100), (-2, 2, "coarse"), (-1e4, 1e4)])
    return d.operand(shape, kind, constant=False, varied=d.case.attributes["axis"])


def masked_softmax(d):
    shape = d.shape(1)
    d.operand(shape, d.r.choice([(-4, 4), (-4, 4), (-100, 100), (-1e4, 1e4)]), constant=False, varied=-1)
    odds = d.r.choice([(0, 1), (0, 0, 0, 1), (0, 1, 1, 1, 1)])
    return d.operand(d.broadcastable(shape), lambda: d.r.choice(odds), constant=True)


def offset_row(d):
    """A large offset, and small numbers on top; with their sum still exact in float."""
    offset = d.r.choice((-1, 1)) * 2.0 ** d.r.randrange(6, 13)
    return lambda: offset + d.r.randrange(-64, 65) / 32


def layer_norm(d):
    shape = d.shape(1)
    kind = offset_row(d) if d.chance(0.15) else d.r.choice([(-2, 2), (-2, 2), (-0.01, 0.01), (-100, 100)])
    if d.chance(0.06):  # rows of equal numbers, whose variance is 0
        number = d.r.randrange(-4, 5) / 2
        kind = lambda: number  # noqa: E731
    d.set(epsilon=d.r.choice([1e-5, 1e-5, 1e-6, 1e-3, 0.5]))
    return d.operand(shape, kind, varied=-1).operand(shape[-1:], (-1.5, 1.5)).operand(shape[-1:], (-1, 1))


def rms_norm(d):
    shape = d.shape(1)
    d.set(epsilon=d.r.choice([1e-5, 1e-5, 1e-6, 1e-3, 0.5]))
    kind = d.r.choice([(-2, 2), (-2, 2), (-0.01, 0.01), (-100, 100)])
    return d.operand(shape, kind, varied=-1).operand(shape[-1:], (-1.5, 1.5))


# ---- losses


def indices(d, shape, bound):
    return {"sizes": list(shape), "values": [d.r.randrange(bound) for _ in range(count(shape))]}


def cross_entropy(d):
    rows = d.shape(0, 3, limit=10, empty=0.05)
    classes = d.r.choice((1, 2, 3, 4, 7, 8, 9, 17, 33))
    targets = indices(d, rows, classes)
    ignored = d.r.choice([-1, -1, -100, 0])
    if ignored < 0 and d.chance(0.5):
        targets["values"] = [ignored if d.chance(0.3) else t for t in targets["values"]]
    if d.chance(0.08):
        targets["values"] = [ignored for t in targets["values"]]
    d.set(targets=targets, ignored=ignored, smoothing=d.r.choice([0.0, 0.0, 0.1, 0.3, 1.0]),
          reduction=d.r.choice(["mean", "mean", "sum"]))
    kind = d.r.choice([(-4, 4), (-4, 4), (-100, 100), (-1, 1, "coarse")])
    return d.operand([*rows, classes], kind, constant=False, varied=-1)


def mean_squared_error(d):
    shape = d.shape(empty=0)
    if d.chance(0.1):
        return d.operand(shape, constant=False).same_operand()
    return d.operand(shape).operand(shape)


# ---- indices


def gather_rows(d):
    table = d.shape(1, 3, limit=80, empty=0)
    return d.set(rows=indices(d, d.shape(0, 3, limit=8, empty=0.08), table[0])).operand(table, constant=False)


def scatter_add_rows(d):
    rows, rest = d.shape(0, 2, limit=9, empty=0.08), d.shape(0, 2, limit=10)
    row_count = d.r.choice((1, 2, 3, 5, 9))
    return d.set(rows=indices(d, rows, row_count), row_count=row_count).operand([*rows, *rest], constant=False)


def pick(d):
    shape = d.shape(1)
    shape[-1] = max(1, shape[-1])
    return d.set(positions=indices(d, shape[:-1], shape[-1])).operand(shape, constant=False)


def unpick(d):
    shape, width = d.shape(0, 3, limit=30), d.r.choice((1, 2, 3, 8))
    return d.set(positions=indices(d, shape, width), width=width).operand(shape, constant=False)


# ---- views


def reshape(d):
    shape = d.shape()
    total = count(shape)
    if total == 0:
        return d.set(shape=d.r.choice([[0], [0, 3], [2, 0, 1], shape[::-1]])).operand(shape, constant=False)
    sizes, rest = [], total
    while rest > 1 and len(sizes) < 4:
        sizes.append(d.r.choice([n for n in range(1, rest + 1) if rest % n == 0]))
        rest //= sizes[-1]
    sizes += [rest] if rest > 1 else [1] * d.r.randrange(2)
    if sizes and d.chance(0.3):
        sizes[d.r.randrange(len(sizes))] = -1
    return d.set(shape=sizes).operand(shape, constant=False)


def permute(d):
    shape = d.shape()
    order = [axis - len(shape) if d.chance(0.3) else axis for axis in d.r.sample(range(len(shape)), len(shape))]
    return d.set(order=order).operand(shape, constant=False)


def transpose(d):
    shape = d.shape(1)
    return d.set(axes=[d.axis(len(shape)), d.axis(len(shape))]).operand(shape, constant=False)


def slice_(d):
    shape = d.shape(1)
    axis = d.axis(len(shape))
    size = shape[axis]
    begin, end = sorted((d.r.randrange(size + 1), d.r.randrange(size + 1)))
    if begin and d.chance(0.2):
        begin -= size if begin < size else 0
    return d.set(axis=axis, begin=begin, end=end, step=d.r.choice((1, 1, 2, 3, 7))).operand(shape, constant=False)


def select(d):
    shape = d.shape(1)
    axis = d.axis(len(shape))
    shape[axis] = max(1, shape[axis])
    return d.set(axis=axis, position=d.r.randrange(-shape[axis], shape[axis])).operand(shape, constant=False)


def broadcast_to(d):
    shape = d.shape()
    return d.set(shape=list(shape)).operand(d.broadcastable(shape), constant=False)


def unsqueeze(d):
    shape = d.shape(0, 3)
    return d.set(axis=d.axis(len(shape) + 1)).operand(shape, constant=False)


def squeeze(d):
    shape = d.shape(1)
    axis = d.axis(len(shape))
    shape[axis] = 1
    return d.set(axis=axis).operand(shape, constant=False)


def concatenate(d):
    shape = d.shape(1, limit=60)
    axis = d.axis(len(shape))
    d.set(axis=axis)
    for _ in range(d.r.choice((1, 2, 2, 3, 4))):
        if d.case.operands and d.chance(0.1):
            d.same_operand()
            continue
        part = list(shape)
        part[axis] = d.r.choice((0, 1, 2, 3, part[axis]))
        if count(part) > LIMIT:
            part[axis] = 1
        d.operand(part)
    return d


def stack(d):
    shape = d.shape(0, 3, limit=60)
    d.set(axis=d.axis(len(shape) + 1))
    for _ in range(d.r.choice((1, 2, 2, 3))):
        d.operand(shape)
    return d


def split(d):
    shape = d.shape(1, limit=40)
    axis, parts = d.axis(len(shape)), d.r.choice((1, 2, 3))
    shape[axis] *= parts
    return d.set(axis=axis, count=parts).operand(shape, constant=False)


def embed_slice(d):
    shape = d.shape(1, limit=40)
    axis, begin, step = d.axis(len(shape)), d.r.randrange(3), d.r.choice((1, 2, 3))
    into = list(shape)
    into[axis] = begin + max(0, (shape[axis] - 1) * step + 1) + d.r.randrange(3)
    return d.set(shape=into, axis=axis, begin=begin, step=step).operand(shape, constant=False)


# ---- attention and dropout


def mask(d, batch, queries, keys, blank=0.12):
    """None to two rules; now and then one that leaves some query nothing to attend to."""
    rules = []
    offset = d.r.randrange(3) if d.chance(0.15) else 0
    for kind in d.r.sample(["causal", "padding", "window", "local_and_global", "explicit"], d.r.choice((0, 1, 1, 1, 2))):
        if kind == "causal":
            rules.append(["causal"])
        elif kind == "padding":
            low = 0 if d.chance(blank) else min(1, keys)
            rules.append(["padding", [d.r.randint(low, max(low, keys)) for _ in range(batch)]])
        elif kind == "window":
            rules.append(["window", d.r.randrange(4), d.r.randrange(3)])
        elif kind == "local_and_global":
            rules.append(["local_and_global", d.r.randrange(3), d.r.randrange(3)])
        else:
            shape = [queries + offset, keys] if d.chance(0.5) else [batch, queries + offset, keys]
            bits = [int(d.chance(0.8)) for _ in range(count(shape))]
            rules.append(["explicit", shape, bits])
    d.set(mask=rules)
    if offset and rules:
        d.set(from_query=offset)
    return d


def few(d, *choices):
    return d.r.choice(choices)


def attention(d):
    batch, queries, keys = few(d, 1, 2, 3), few(d, 1, 2, 3, 5, 8), few(d, 1, 2, 3, 4, 7)
    heads = d.r.choice(([], [1], [2]))
    width, value_width = few(d, 1, 2, 3, 4), few(d, 1, 2, 3, 5)
    if d.chance(0.03):
        queries = 0
    mask(d, batch, queries, keys)
    if d.chance(0.1) and queries == keys:
        d.operand([batch, *heads, queries, width], constant=False).same_operand().same_operand()
    else:
        d.operand([batch, *heads, queries, width]).operand([batch, *heads, keys, width])
        d.operand([batch, *heads, keys, value_width])
    if d.chance(0.3):
        d.operand(d.broadcastable([batch, *heads, queries, keys]), (-1, 1))
    return d


def nan_behind_mask(d):
    """Attention whose padded keys and values are NaN or infinite."""
    batch, keys, width = few(d, 1, 2), few(d, 2, 3, 5), few(d, 1, 2, 3)
    lengths = [d.r.randint(1, keys - 1) for _ in range(batch)]
    d.set(mask=[["padding", lengths]])
    for rows, blot in ((keys, False), (keys, True), (keys, True)):
        d.operand([batch, rows, width], constant=False, plain=True)
        if blot:
            for b, length in enumerate(lengths):
                d.case.leaves[d.case.operands[-1][0]][b, length:] = d.r.choice((math.nan, math.inf, -math.inf))
    return d


def dropout(d):
    return d.set(rate=d.r.choice([0.0, 0.1, 0.25, 0.5, 0.9]), seed=d.r.getrandbits(48)).operand(
        d.shape(), constant=False)


# ---- layers: their parameters under attune's names


def linear_parameters(d, name, outputs, inputs, bias=True):
    bound = 1.5 / math.sqrt(inputs)
    d.parameter(name + "weight", [outputs, inputs], -bound, bound)
    if bias:
        d.parameter(name + "bias", [outputs], -0.5, 0.5)


def norm_parameters(d, name, width):
    d.parameter(name + "scale", [width], 0.5, 1.5)
    d.parameter(name + "shift", [width], -0.5, 0.5)


def attention_parameters(d, name, width):
    for part in ("query", "key", "value", "output"):
        linear_parameters(d, f"{name}{part}.", width, width)


def feed_forward_parameters(d, name, width, hidden):
    linear_parameters(d, name + "inner.", hidden, width)
    linear_parameters(d, name + "outer.", width, hidden)


def linear_layer(d):
    inputs, outputs, bias = few(d, 1, 2, 3, 8, 9), few(d, 1, 2, 3, 7, 8), d.chance(0.7)
    d.set(inputs=inputs, outputs=outputs, bias=bias).operand([*d.shape(0, 3, limit=10), inputs], (-1, 1))
    linear_parameters(d, "", outputs, inputs, bias)
    return d


def embedding(d):
    vocabulary, width = few(d, 1, 2, 5, 9), few(d, 1, 2, 3, 8)
    d.set(rows=indices(d, d.shape(0, 3, limit=10, empty=0.1), vocabulary), vocabulary=vocabulary, width=width)
    d.parameter("weight", [vocabulary, width])
    return d


def embedding_scores(d):
    vocabulary, width = few(d, 1, 2, 5, 9), few(d, 1, 2, 3, 8)
    d.set(vocabulary=vocabulary, width=width).operand([*d.shape(0, 3, limit=8), width])
    d.parameter("weight", [vocabulary, width])
    return d


def norm_shape(d):
    shape = d.shape(1, empty=0)
    shape[-1] += shape[-1] == 2  # the norm of two numbers is ±1, whatever they are
    return shape


def norm_layer(shift):
    def draw(d):
        shape = norm_shape(d)
        d.set(width=shape[-1]).operand(shape, varied=-1)
        d.parameter("scale", shape[-1:], 0.5, 1.5)
        if shift:
            d.parameter("shift", shape[-1:], -0.5, 0.5)
        return d

    return draw


def dropout_layer(d):
    d.set(rate=d.r.choice([0.0, 0.1, 0.25, 0.5]), seed=d.r.getrandbits(40), stream=d.r.randrange(1000))
    return d.set(training=d.chance(0.8)).operand(d.shape(), constant=False)


def positions_shape(d):
    return [few(d, 1, 2, 3), few(d, 1, 2, 3, 6), few(d, 1, 2, 3, 4, 6)]


def sinusoidal_positions(d):
    shape = positions_shape(d)
    return d.set(longest=few(d, 1, 4, 64), offset=few(d, 0, 0, 1, 5, 40)).operand(shape, constant=False)


def learned_positions(d):
    shape, offset = positions_shape(d), few(d, 0, 0, 1, 2)
    longest = offset + shape[1] + few(d, 0, 1, 3)
    d.set(longest=longest, offset=offset).operand(shape)
    d.parameter("embedding.weight", [longest, shape[2]])
    return d


def feed_forward(d):
    width, hidden = few(d, 1, 2, 3, 4, 8), few(d, 1, 3, 5, 9)
    d.set(hidden=hidden, activation=few(d, "relu", "gelu", "silu"))
    d.operand([*d.shape(0, 3, limit=10), width])
    feed_forward_parameters(d, "", width, hidden)
    return d


def additive_attention(d):
    batch, queries, keys = few(d, 1, 2, 3), few(d, 1, 2, 4), few(d, 1, 2, 3, 5)
    query_width, key_width, hidden = few(d, 1, 2, 3), few(d, 1, 2, 4), few(d, 1, 3, 5)
    mask(d, batch, queries, keys)
    if "from_query" in d.case.attributes:
        del d.case.attributes["from_query"]
        d.set(mask=[["causal"]])
    d.set(hidden=hidden).operand([batch, queries, query_width]).operand([batch, keys, key_width])
    d.operand([batch, keys, few(d, 1, 2, 3)])
    linear_parameters(d, "query.", hidden, query_width)
    linear_parameters(d, "key.", hidden, key_width, bias=False)
    linear_parameters(d, "score.", 1, hidden, bias=False)
    return d


def dot_product_attention(d):
    batch, queries, keys, width = few(d, 1, 2, 3), few(d, 1, 2, 4), few(d, 1, 2, 3, 5), few(d, 1, 2, 4)
    mask(d, batch, queries, keys)
    return d.operand([batch, queries, width]).operand([batch, keys, width]).operand([batch, keys, few(d, 1, 2, 3)])


def heads_and_width(d):
    heads = few(d, 1, 2, 2, 3)
    return heads, heads * few(d, 1, 2, 2, 3)


def multi_head(d):
    batch, queries, keys = few(d, 1, 2, 3), few(d, 1, 2, 4), few(d, 1, 2, 3, 5)
    heads, width = heads_and_width(d)
    d.set(heads=heads)
    if d.chance(0.4):  # self-attention
        mask(d, batch, queries, queries)
        d.operand([batch, queries, width], constant=False).same_operand()
    else:
        mask(d, batch, queries, keys)
        d.operand([batch, queries, width]).operand([batch, keys, width])
    attention_parameters(d, "", width)
    return d


def residual(d):
    shape = norm_shape(d)
    d.set(norm=few(d, "pre", "post")).operand(shape, constant=False, varied=-1)
    norm_parameters(d, "norm.", shape[-1])
    return d


def encoder_layer_parameters(d, name, width, hidden):
    attention_parameters(d, name + "self_attention.", width)
    feed_forward_parameters(d, name + "feed_forward.", width, hidden)
    for sublayer in ("around_attention", "around_feed_forward"):
        norm_parameters(d, f"{name}{sublayer}.norm.", width)


def decoder_layer_parameters(d, name, width, hidden):
    attention_parameters(d, name + "self_attention.", width)
    attention_parameters(d, name + "cross_attention.", width)
    feed_forward_parameters(d, name + "feed_forward.", width, hidden)
    for sublayer in ("around_self_attention", "around_cross_attention", "around_feed_forward"):
        norm_parameters(d, f"{name}{sublayer}.norm.", width)


def settings(d):
    heads = few(d, 1, 2)
    width, hidden = max(3, heads * few(d, 2, 2, 3)), few(d, 2, 3, 5)  # the norm of two numbers is ±1, whatever they are
    d.set(heads=heads, width=width, hidden=hidden, norm=few(d, "pre", "post"), activation=few(d, "relu", "gelu", "silu"))
    return width, hidden


def encoder(layers):
    def draw(d):
        width, hidden = settings(d)
        batch, size = few(d, 1, 2), few(d, 1, 2, 4)
        mask(d, batch, size, size)
        if layers == "one":
            d.operand([batch, size, width], constant=False)
            encoder_layer_parameters(d, "", width, hidden)
            return d
        d.set(encoder_layers=few(d, 1, 2)).operand([batch, size, width], constant=False, varied=-1)
        for i in range(d.case.attributes["encoder_layers"]):
            encoder_layer_parameters(d, f"layers.{i}.", width, hidden)
        if d.case.attributes["norm"] == "pre":
            norm_parameters(d, "norm.", width)
        return d

    return draw


def decoder(layers):
    def draw(d):
        width, hidden = settings(d)
        batch, queries, keys = few(d, 1, 2), few(d, 1, 2, 4), few(d, 1, 2, 3)
        low = 0 if d.chance(0.1) else 1
        d.set(mask=d.r.choice([[["causal"]], [["causal"]], [], [["window", 1, 0]]]))
        d.set(source_mask=d.r.choice([[], [["padding", [d.r.randint(low, keys) for _ in range(batch)]]]]))
        if layers == "step":
            d.set(mask=[["causal"]])
        if layers != "stack":
            d.operand([batch, queries, width], varied=-1).operand([batch, keys, width])
            decoder_layer_parameters(d, "", width, hidden)
            return d
        d.set(decoder_layers=few(d, 1, 2)).operand([batch, queries, width], varied=-1).operand([batch, keys, width])
        for i in range(d.case.attributes["decoder_layers"]):
            decoder_layer_parameters(d, f"layers.{i}.", width, hidden)
        if d.case.attributes["norm"] == "pre":
            norm_parameters(d, "norm.", width)
        return d

    return draw


def transformer(d):
    width, hidden = settings(d)
    batch, source, target = few(d, 1, 2), few(d, 1, 3, 4), few(d, 1, 2, 3)
    vocabularies = few(d, 3, 5), few(d, 2, 4)
    shared = d.chance(0.3)
    if shared:
        vocabularies = vocabularies[0], vocabularies[0]
    d.set(source=indices(d, [batch, source], vocabularies[0]), target=indices(d, [batch, target], vocabularies[1]))
    d.set(lengths=[d.r.randint(1, source) for _ in range(batch)], vocabularies=list(vocabularies), shared=shared)
    d.set(source_view=few(d, "attention", "attention", "mean"), encoder_layers=1, decoder_layers=1)
    d.parameter("source_embedding.weight", [vocabularies[0], width])
    if not shared:
        d.parameter("target_embedding.weight", [vocabularies[1], width])
    encoder_layer_parameters(d, "encoder.layers.0.", width, hidden)
    if d.case.attributes["norm"] == "pre":
        norm_parameters(d, "encoder.norm.", width)
    decoder_layer_parameters(d, "decoder.layers.0.", width, hidden)
    if d.case.attributes["norm"] == "pre":
        norm_parameters(d, "decoder.norm.", width)
    return d


# ---- the table

KINKS = [(-2, 2), (-2, 2), (-2, 2, "coarse")]
WIDE = [(-2, 2), (-2, 2), (-6, 6), (-30, 30), (-2, 2, "coarse")]

DRAW = {
    "elementwise": {
        "negate": unary([(-2, 2)]),
        "abs": unary(KINKS),
        "exp": unary([(-2, 2), (-10, 10), (-80, 80)]),
        "log": unary([(0.05, 8), (1e-6, 1e6)]),
        "sqrt": unary([(0.01, 9), (1e-6, 1e6), (0, 4, "coarse")]),
        "square": unary(WIDE),
        "reciprocal": unary([lambda d: d.away(0.2, 4), lambda d: d.away(0.001, 1000)]),
        "tanh": unary(WIDE),
        "sigmoid": unary(WIDE + [(-90, 90)]),
        "erf": unary(WIDE),
        "relu": unary(KINKS),
        "gelu": unary(WIDE),
        "silu": unary(WIDE + [(-90, 90)]),
        "add": binary([(-2, 2)]),
        "subtract": binary([(-2, 2)]),
        "multiply": binary([(-2, 2)]),
        "divide": binary([(-2, 2)], [lambda d: d.away(0.3, 4)]),
        "maximum": binary(KINKS),
        "minimum": binary(KINKS),
        "pow": power,
        "where": where,
        "detach": unary([(-2, 2)]),
    },
    "reductions": {
        "sum": reduction(True, [(-2, 2)]),
        "mean": reduction(False, [(-2, 2)]),
        "variance": reduction(False, [(-2, 2), (-2, 2, "coarse")]),
        "max": reduction(False, KINKS),
        "min": reduction(False, KINKS),
        "sum_to": sum_to,
    },
    "matrices": {"matmul": matmul, "linear": linear},
    "rows": {
        "softmax": softmax,
        "log_softmax": softmax,
        "masked_softmax": masked_softmax,
        "layer_norm": layer_norm,
        "rms_norm": rms_norm,
    },
    "losses": {"cross_entropy": cross_entropy, "mean_squared_error": mean_squared_error},
    "indexing": {
        "gather_rows": gather_rows,
        "scatter_add_rows": scatter_add_rows,
        "pick": pick,
        "unpick": unpick,
    },
    "views": {
        "reshape": reshape,
        "permute": permute,
        "transpose": transpose,
        "slice": slice_,
        "select": select,
        "broadcast_to": broadcast_to,
        "unsqueeze": unsqueeze,
        "squeeze": squeeze,
        "concatenate": concatenate,
        "stack": stack,
        "split": split,
        "embed_slice": embed_slice,
    },
    "attention": {"attention": attention, "dropout": dropout},
    "layers": {
        "Linear": linear_layer,
        "Embedding": embedding,
        "Embedding.scores": embedding_scores,
        "LayerNorm": norm_layer(True),
        "RmsNorm": norm_layer(False),
        "Dropout": dropout_layer,
        "SinusoidalPositions": sinusoidal_positions,
        "LearnedPositions": learned_positions,
        "FeedForward": feed_forward,
        "AdditiveAttention": additive_attention,
        "DotProductAttention": dot_product_attention,
        "MultiHeadAttention": multi_head,
        "Residual": residual,
    },
    "transformers": {
        "EncoderLayer": encoder("one"),
        "DecoderLayer": decoder("one"),
        "DecoderLayer.step": decoder("step"),
        "Encoder": encoder("stack"),
        "Decoder": decoder("stack"),
        "Transformer": transformer,
        "Transformer.decode_step": transformer,
    },
}


def draw(family, operation, random):
    """A case of this operation, without its results."""
    d = Draw(operation, random)
    if operation == "attention" and d.chance(0.08):
        return nan_behind_mask(d).done()
    return DRAW[family][operation](d).done()


def draw_evaluated(family, operation, seed):
    """The first case of this seed that float can hold, with its results."""
    for attempt in range(100):
        case = reference.evaluate(draw(family, operation, Random(f"{operation} {seed} {attempt}")))
        if reference.float_can_hold(case):
            return case
    raise RuntimeError(f"{operation}: no case that float can hold")


# ---- what must be refused

# Operations whose rules for shapes are PyTorch's, so that PyTorch may judge. Not the gathering ones: a wrong index can make
# PyTorch 1.13 overwrite its own memory.
JUDGED = [(family, operation) for family, operation in (
    *[("elementwise", operation) for operation in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "pow",
                                                   "where")],
    ("reductions", "sum_to"), ("matrices", "matmul"), ("matrices", "linear"), ("rows", "masked_softmax"),
    ("rows", "layer_norm"), ("views", "reshape"), ("views", "permute"),
    ("views", "transpose"), ("views", "select"), ("views", "broadcast_to"), ("views", "unsqueeze"),
    ("views", "concatenate"), ("views", "stack"), ("attention", "attention"), ("layers", "Linear"),
    ("layers", "FeedForward"), ("layers", "AdditiveAttention"))]


def broken(family, operation, seed):
    """A case with one thing wrong that PyTorch refuses: the size of an operand, or a number among the attributes."""
    for attempt in range(1000):
        random = Random(f"broken {operation} {seed} {attempt}")
        d = Draw(operation, random)
        case = DRAW[family][operation](d).done()
        numbers = [(key, None) for key, value in case.attributes.items() if type(value) is int]
        numbers += [(key, i) for key, value in case.attributes.items() if isinstance(value, list)
                    for i, item in enumerate(value) if type(item) is int]
        operands = [leaf for leaf, views in case.operands if not views]
        if not (numbers or operands):
            continue
        if operands and (not numbers or d.chance(0.7)):
            leaf = random.choice(operands)
            shape = list(case.leaves[leaf].shape)
            change = random.randrange(3)
            if change == 0 and len(shape) < 5:
                shape.insert(random.randrange(len(shape) + 1), random.choice((0, 2, 3)))
            elif change == 1 and shape:
                shape.pop(random.randrange(len(shape)))
            elif shape:
                shape[random.randrange(len(shape))] += random.choice((-1, 1, 2))
            if any(size < 0 for size in shape) or count(shape) > 300:
                continue
            case.leaves[leaf] = d.uniform(shape, -1, 1)
        else:
            key, i = random.choice(numbers)
            wrong = random.choice((-100, -9, -5, 5, 9, 100))
            if i is None:
                case.attributes[key] = wrong
            else:
                case.attributes[key] = [*case.attributes[key]]
                case.attributes[key][i] = wrong
        try:
            reference.evaluate(case)
        except Exception as refusal:  # of whatever type: PyTorch's own are many
            words = str(refusal).splitlines()
            case.refused, case.note = "Error", f"PyTorch: {type(refusal).__name__}: {words[0][:80] if words else ''}"
            return case
    raise RuntimeError(f"{operation}: nothing that PyTorch refuses")
