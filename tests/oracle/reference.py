"""What PyTorch says of each of attune's operations and layers, in float64.

OPERATIONS[name](x, at, p) takes the operands x (a list of tensors), the attributes `at` and a layer's parameters `p`, and
returns the result. Where PyTorch 1.13 is known to be wrong, the result and its derivative are computed here, in NumPy, and
`wrong(…)` notes it for the case; everywhere else that NumPy function is held against PyTorch's.

Legend: B batch, T queries, S keys, H heads, D = width / H, C width, V vocabulary.
"""

import math
import os

os.environ["ATEN_CPU_CAPABILITY"] = "default"  # plain loops: the same bytes on every machine

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

DTYPE = torch.float64  # float32 only to find out what float can hold
_wrong = set()


def wrong(what):
    _wrong.add(what)


def call(case, dtype, noise=None):
    """The result, and the gradient of each leaf that wants one, as arrays; the cotangent may be a function of the shape.
    `noise(x)`, if given, disturbs operands and parameters."""
    global DTYPE
    DTYPE = dtype
    leaves = {name: torch.tensor(array, dtype=dtype, requires_grad=name not in case.constants)
              for name, array in case.leaves.items()}
    x = [seen(leaves[name], views) for name, views in case.operand_list()]
    parameters = leaves
    if noise:
        x = [noise(operand) for operand in x]
        parameters = {name: noise(leaf) for name, leaf in leaves.items()}
    y = OPERATIONS[case.operation](x, case.attributes, parameters)
    result = y.detach().double().numpy().copy()
    if callable(case.cotangent):
        case.cotangent = case.cotangent(result.shape)
    assert case.cotangent.shape == result.shape
    names = case.tracked()
    gradients = torch.autograd.grad(y, [leaves[name] for name in names], torch.tensor(case.cotangent, dtype=y.dtype),
                                    allow_unused=True)
    return result, {name: np.zeros_like(case.leaves[name]) if g is None else g.double().numpy().copy()
                    for name, g in zip(names, gradients)}


def evaluate(case):
    """Fills in the case's result, its gradients and whatever is wrong in PyTorch."""
    _wrong.clear()
    case.result, case.gradients = call(case, torch.float64)
    case.reference = "; ".join(sorted(_wrong))
    return case


def norm_of(array):
    return float(np.sqrt((array[np.isfinite(array)] ** 2).sum()))


def float_can_hold(case):
    """False where float has too few digits for this case: where PyTorch's own float32, its operands disturbed in their last
    digit, is off by a fifth of what the tests allow."""
    return all(float_is_near(case, seed) for seed in range(6))


def float_is_near(case, seed):
    generator = np.random.RandomState(seed)

    def noise(x):
        numbers = x.detach().double().numpy()
        if seed == 0 or np.array_equal(numbers * 2, np.round(numbers * 2)):  # equal numbers stay equal
            return x
        return x * torch.tensor(1 + generator.choice((-1, 0, 1), numbers.shape) * 2.0**-23, dtype=x.dtype)

    result, gradients = call(case, torch.float32, noise)
    with np.errstate(invalid="ignore"):
        off = np.abs(result - case.result) / np.maximum(1, np.abs(case.result))
    if not (off[np.isfinite(case.result)] <= 0.2e-5).all():
        return False
    everything = math.sqrt(norm_of(case.cotangent) ** 2 + sum(norm_of(g) ** 2 for g in case.gradients.values()))
    for name, right in case.gradients.items():
        finite = np.isfinite(right)
        off = norm_of((gradients[name] - np.where(finite, right, 0))[finite])
        if not off <= 0.2e-4 * max(norm_of(right), 1e-3 * everything):
            return False
    return True


def seen(x, views):
    for kind, *arguments in views:
        if kind == "transpose":
            x = x.transpose(*arguments)
        elif kind == "permute":
            x = x.permute(*arguments)
        elif kind == "slice":
            x = sliced(x, *arguments)
        elif kind == "broadcast":
            x = x.expand(*arguments)
        else:
            raise ValueError(kind)
    return x


def sliced(x, axis, begin, end, step):
    where = [slice(None)] * x.dim()
    where[axis] = slice(begin, end, step)
    return x[tuple(where)]


def whole_numbers(at):
    """Indices: {"sizes": […], "values": […]}."""
    return torch.tensor(at["values"], dtype=torch.int64).reshape(at["sizes"])


# ---- where PyTorch is wrong


class MaskedSoftmax(torch.autograd.Function):
    """Softmax among the allowed; rows where nothing is allowed are zeros."""

    @staticmethod
    def forward(ctx, x, allowed):
        numbers, mask = x.detach().numpy(), allowed.numpy()
        highest = np.max(np.where(mask, numbers, -np.inf), axis=-1, keepdims=True, initial=-np.inf)
        shifted = np.where(mask, numbers, 0) - np.where(np.isfinite(highest), highest, 0)
        weights = np.where(mask, np.exp(np.where(mask, shifted, 0)), 0)
        total = weights.sum(-1, keepdims=True)
        y = weights / np.where(total == 0, 1, total)
        ctx.y = y
        return torch.tensor(y)

    @staticmethod
    def backward(ctx, dy):
        dy = dy.numpy()
        return torch.tensor(ctx.y * (dy - (dy * ctx.y).sum(-1, keepdims=True))), None


def masked_softmax(x, allowed):
    allowed = (allowed != 0).expand(x.shape)
    if x.numel() == 0:
        return x * 1
    if bool(allowed.any(-1).all()):
        y = torch.softmax(x.masked_fill(~allowed, -math.inf), -1)
        if DTYPE == torch.float64:
            assert torch.allclose(y, MaskedSoftmax.apply(x.detach(), allowed), rtol=1e-13, atol=1e-15)
        return y
    assert torch.softmax(x.detach().masked_fill(~allowed, -math.inf), -1).isnan().any()
    wrong("PyTorch gives NaN for a row where nothing is allowed; computed in NumPy")
    return MaskedSoftmax.apply(x, allowed)


class LayerNorm(torch.autograd.Function):
    """Layer norm in extended precision, mean first."""

    @staticmethod
    def forward(ctx, x, scale, shift, epsilon):
        numbers = x.detach().numpy().astype(np.longdouble)
        centred = numbers - numbers.mean(-1, keepdims=True)
        ctx.deviation = np.sqrt((centred * centred).mean(-1, keepdims=True) + np.longdouble(epsilon))
        ctx.normed = centred / ctx.deviation
        ctx.scale = scale.detach().numpy().astype(np.longdouble)
        return torch.tensor((ctx.normed * ctx.scale + shift.detach().numpy()).astype(np.float64))

    @staticmethod
    def backward(ctx, dy):
        dy = dy.numpy().astype(np.longdouble)
        g = dy * ctx.scale
        dx = (g - g.mean(-1, keepdims=True) - ctx.normed * (g * ctx.normed).mean(-1, keepdims=True)) / ctx.deviation
        rows = tuple(range(dy.ndim - 1))
        parts = (dx, (dy * ctx.normed).sum(rows), dy.sum(rows))
        return tuple(torch.tensor(part.astype(np.float64)) for part in parts) + (None,)


def layer_norm(x, scale, shift, epsilon):
    y = F.layer_norm(x, (x.shape[-1],), scale, shift, epsilon)
    if x.numel() == 0:
        return y
    if DTYPE == torch.float32:
        centred = x - x.mean(-1, keepdim=True)
        return centred / torch.sqrt((centred * centred).mean(-1, keepdim=True) + epsilon) * scale + shift
    right = LayerNorm.apply(x, scale, shift, epsilon)
    if torch.allclose(y, right, rtol=1e-12, atol=1e-12, equal_nan=True):
        return y
    offset = x.detach().mean(-1).abs() / x.detach().std(-1, unbiased=False)
    assert offset.max() > 100, (x, y, right)
    wrong("PyTorch loses digits in the layer norm of a row with a large offset; computed in NumPy")
    return right


class CrossEntropyOfNothing(torch.autograd.Function):
    """The mean over no target at all: 0, with zero gradients."""

    @staticmethod
    def forward(ctx, logits):
        ctx.shape = logits.shape
        return torch.tensor(0.0, dtype=DTYPE)

    @staticmethod
    def backward(ctx, dy):
        return torch.zeros(ctx.shape, dtype=DTYPE)


def cross_entropy(logits, at):
    targets = whole_numbers(at["targets"])
    classes = logits.shape[-1]
    rows, flat = logits.reshape(targets.numel(), classes), targets.reshape(-1)
    settings = dict(ignore_index=at["ignored"], label_smoothing=at["smoothing"], reduction=at["reduction"])
    if at["reduction"] == "mean" and bool((flat == at["ignored"]).all()):
        assert F.cross_entropy(rows.detach(), flat, **settings).isnan()
        wrong("PyTorch gives NaN for the mean over no target; computed in NumPy")
        return CrossEntropyOfNothing.apply(logits)
    return F.cross_entropy(rows, flat, **settings)


# ---- random numbers: Threefry-2x32 with 20 rounds (Salmon et al. 2011)


def threefry(key, counter):
    def rotated(word, bits):
        return ((word << bits) | (word >> (32 - bits))) & 0xFFFFFFFF

    keys = [key[0], key[1], 0x1BD11BDA ^ key[0] ^ key[1]]
    a, b = (counter[0] + keys[0]) & 0xFFFFFFFF, (counter[1] + keys[1]) & 0xFFFFFFFF
    for step in range(20):
        a = (a + b) & 0xFFFFFFFF
        b = rotated(b, (13, 15, 26, 6, 17, 29, 16, 24)[step % 8]) ^ a
        if step % 4 == 3:
            four = step // 4 + 1
            a, b = (a + keys[four % 3]) & 0xFFFFFFFF, (b + keys[(four + 1) % 3] + four) & 0xFFFFFFFF
    return a, b


assert threefry((0, 0), (0, 0)) == (0x6B200159, 0x99BA4EFE)  # the paper's own example


def dropout_mask(shape, rate, key):
    """attune's mask: element i is kept where the i-th 32 bits of the stream are below (1 - rate) 2^32."""
    count = int(np.prod(shape, dtype=np.int64))
    words = [word for block in range((count + 1) // 2) for word in threefry(key, (block, 0))][:count]
    kept = np.array([word < int((1 - rate) * 2**32) for word in words], dtype=np.float64)
    return torch.tensor(kept.reshape(tuple(shape)) / (1 - rate), dtype=DTYPE)


def seed_key(seed):
    return seed & 0xFFFFFFFF, seed >> 32


def child_key(key, n):
    return threefry(key, (n & 0xFFFFFFFF, (1 << 30) | (n >> 32)))


def dropout(x, rate, key):
    F.dropout(x.detach(), rate)  # for what it refuses
    return x * 1 if rate == 0 else x * dropout_mask(x.shape, rate, key)


# ---- attention


def allowed_by(at, batch, queries, keys):
    """The mask's rules as booleans (B, T, S), written down anew: True may attend."""
    allowed = np.ones((batch, queries, keys), dtype=bool)
    b = np.arange(batch)[:, None, None]
    t = np.arange(queries)[None, :, None] + at.get("from_query", 0)
    s = np.arange(keys)[None, None, :]
    for kind, *arguments in at.get("mask", []):
        if kind == "causal":
            rule = s <= t
        elif kind == "padding":
            rule = s < np.array(arguments[0], dtype=np.int64).reshape(batch, 1, 1)[b, 0, 0]
        elif kind == "window":
            rule = (s >= t - arguments[0]) & (s <= t + arguments[1])
        elif kind == "local_and_global":
            reach, first = arguments
            rule = (t < first) | (s < first) | (np.abs(s - t) <= reach)
        elif kind == "explicit":
            shape, bits = arguments
            table = np.array(bits, dtype=bool).reshape(shape)
            rule = table[..., at.get("from_query", 0) :, :][..., :queries, :]
        else:
            raise ValueError(kind)
        allowed = allowed & rule
    return torch.tensor(allowed)


def attention(query, key, value, allowed, bias=None):
    """query (B, …, T, D), key (B, …, S, D), value (B, …, S, E), allowed (B, T, S)."""
    if query.dim() == 4:
        allowed = allowed.unsqueeze(1)
    unseen = ~allowed.any(-2).unsqueeze(-1)  # (B, …, S, 1): keys that nobody sees, and what stands there
    if not (key.masked_fill(~unseen, 0).isfinite().all() and value.masked_fill(~unseen, 0).isfinite().all()):
        wrong("PyTorch lets NaN through from keys and values that nobody sees; they were taken as zeros")
        key, value = key.masked_fill(unseen, 0), value.masked_fill(unseen, 0)
    scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    if bias is not None:
        scores = scores + bias
    return masked_softmax(scores, allowed) @ value


def attention_operation(x, at, p):
    query, key, value = x[:3]
    allowed = allowed_by(at, query.shape[0], query.shape[-2], key.shape[-2])
    y = attention(query, key, value, allowed, x[3] if len(x) > 3 else None)
    if not _wrong and y.numel() > 0 and DTYPE == torch.float64:  # as PyTorch's own function has it
        mask = torch.where(allowed, 0.0, -math.inf).to(torch.float64)
        if query.dim() == 4:
            mask = mask.unsqueeze(1)
        if len(x) > 3:
            mask = mask + x[3].detach()
        mask = mask.expand(*query.shape[:-1], key.shape[-2])
        own, _ = F._scaled_dot_product_attention(query.detach(), key.detach(), value.detach(), mask, 0.0, False, False)
        assert torch.allclose(y.detach(), own, rtol=1e-12, atol=1e-13)
    return y


def linear(p, name, x):
    return F.linear(x, p[name + "weight"], p.get(name + "bias"))


def multi_head(p, name, asking, answering, at_mask, heads):
    width = asking.shape[-1]

    def split(x):
        return x.reshape(x.shape[0], x.shape[1], heads, width // heads).transpose(1, 2)

    allowed = allowed_by(at_mask, asking.shape[0], asking.shape[1], answering.shape[1])
    read = attention(split(linear(p, name + "query.", asking)), split(linear(p, name + "key.", answering)),
                     split(linear(p, name + "value.", answering)), allowed)
    y = linear(p, name + "output.", read.transpose(1, 2).reshape(asking.shape))
    if bool(allowed.any(-1).all()) and y.numel() > 0 and DTYPE == torch.float64:  # as PyTorch's own function has it
        parts = [name + part for part in ("query", "key", "value")]
        own, _ = F.multi_head_attention_forward(
            asking.detach().transpose(0, 1), answering.detach().transpose(0, 1), answering.detach().transpose(0, 1),
            width, heads, torch.cat([p[part + ".weight"] for part in parts]),
            torch.cat([p[part + ".bias"] for part in parts]), None, None, False, 0.0, p[name + "output.weight"],
            p[name + "output.bias"], training=False, attn_mask=~allowed.repeat_interleave(heads, 0))
        assert torch.allclose(y.detach(), own.transpose(0, 1), rtol=1e-12, atol=1e-12)
    return y


def additive_attention(x, at, p):
    asking, answering, value = x
    asked = linear(p, "query.", asking).unsqueeze(2)
    offered = linear(p, "key.", answering).unsqueeze(1)
    scores = linear(p, "score.", torch.tanh(asked + offered)).squeeze(3)
    return masked_softmax(scores, allowed_by(at, asking.shape[0], asking.shape[1], answering.shape[1])) @ value


# ---- the Transformer's layers

ACTIVATIONS = {"relu": torch.relu, "gelu": F.gelu, "silu": F.silu}


def feed_forward(p, name, x, at):
    return linear(p, name + "outer.", ACTIVATIONS[at["activation"]](linear(p, name + "inner.", x)))


def norm(p, name, x):
    return layer_norm(x, p[name + "scale"], p[name + "shift"], 1e-5)


def residual(p, name, x, at, sublayer):
    if at["norm"] == "pre":
        return x + sublayer(norm(p, name + ".norm.", x))
    return norm(p, name + ".norm.", x + sublayer(x))


def encoder_layer(p, name, x, at, mask):
    x = residual(p, name + "around_attention", x, at,
                 lambda y: multi_head(p, name + "self_attention.", y, y, mask, at["heads"]))
    return residual(p, name + "around_feed_forward", x, at, lambda y: feed_forward(p, name + "feed_forward.", y, at))


def decoder_layer(p, name, x, source, at, self_mask, source_mask):
    x = residual(p, name + "around_self_attention", x, at,
                 lambda y: multi_head(p, name + "self_attention.", y, y, self_mask, at["heads"]))
    x = residual(p, name + "around_cross_attention", x, at,
                 lambda y: multi_head(p, name + "cross_attention.", y, source, source_mask, at["heads"]))
    return residual(p, name + "around_feed_forward", x, at, lambda y: feed_forward(p, name + "feed_forward.", y, at))


def encoder(p, name, x, at, mask):
    for i in range(at["encoder_layers"]):
        x = encoder_layer(p, f"{name}layers.{i}.", x, at, mask)
    return norm(p, name + "norm.", x) if at["norm"] == "pre" else x


def decoder(p, name, x, source, at, self_mask, source_mask):
    for i in range(at["decoder_layers"]):
        x = decoder_layer(p, f"{name}layers.{i}.", x, source, at, self_mask, source_mask)
    return norm(p, name + "norm.", x) if at["norm"] == "pre" else x


def sinusoidal(begin, end, width):
    table = np.zeros((end - begin, width))
    for t in range(begin, end):
        for channel in range(width):
            angle = t / 10000.0 ** (channel // 2 * 2 / width)
            table[t - begin, channel] = math.sin(angle) if channel % 2 == 0 else math.cos(angle)
    return torch.tensor(table, dtype=DTYPE)


def transformer(x, at, p):
    source, target = whole_numbers(at["source"]), whole_numbers(at["target"])
    from_source = p["source_embedding.weight"]
    from_target = p.get("target_embedding.weight", from_source)

    def embed(table, tokens):
        width = table.shape[1]
        return F.embedding(tokens, table) * math.sqrt(width) + sinusoidal(0, tokens.shape[1], width)

    padding = {"mask": [["padding", at["lengths"]]]}
    memory = encoder(p, "encoder.", embed(from_source, source), at, padding)
    source_mask = padding
    if at["source_view"] == "mean":
        real = allowed_by(padding, source.shape[0], 1, source.shape[1]).transpose(1, 2).to(DTYPE)
        memory = (memory * real).sum(1, keepdim=True) / real.sum(1, keepdim=True).clamp(min=1)
        source_mask = {}
    decoded = decoder(p, "decoder.", embed(from_target, target), memory, at, {"mask": [["causal"]]}, source_mask)
    return F.linear(decoded, from_target)


def masked(at, which):
    return {"mask": at.get(which, []), "from_query": 0}


# ---- the table


def reduced(function):
    def reduce(x, at, p):
        axes = at["axes"] or list(range(x[0].dim()))
        return function(x[0], axes, at["keep"]) if axes else function(x[0].reshape(1), [0], False)

    return reduce


def rms_norm(x, scale, epsilon):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + epsilon) * scale


def scatter_add_rows(x, at):
    rows = whole_numbers(at["rows"])
    rest = x.shape[rows.dim() :]
    table = torch.zeros([at["row_count"], *rest], dtype=DTYPE)
    return table.index_add(0, rows.reshape(-1), x.reshape([rows.numel(), *rest]))


def gather_rows(table, at):
    rows = whole_numbers(at["rows"])
    if table.dim() == 2:
        return F.embedding(rows, table)
    return table.index_select(0, rows.reshape(-1)).reshape([*rows.shape, *table.shape[1:]])


def pick(x, at):
    positions = whole_numbers(at["positions"])
    return x.gather(-1, positions.unsqueeze(-1)).squeeze(-1)


def unpick(x, at):
    positions = whole_numbers(at["positions"])
    return torch.zeros(*x.shape, at["width"], dtype=DTYPE).scatter(-1, positions.unsqueeze(-1), x.unsqueeze(-1))


def reversed_parts(x, at):
    """The parts joined in reverse order, so that each must be in its place."""
    axis, count = at["axis"], at["count"]
    return torch.cat(list(reversed(x.tensor_split(count, axis))), axis)


def dropout_layer(x, at, p):
    return dropout(x[0], at["rate"] if at["training"] else 0, child_key(seed_key(at["seed"]), at["stream"]))


def learned_positions(x, at, p):
    begin, end = at["offset"], at["offset"] + x[0].shape[-2]
    return x[0] + F.embedding(torch.arange(begin, end), p["embedding.weight"])


def unary(function):
    return lambda x, at, p: function(x[0])


def binary(function):
    return lambda x, at, p: function(x[0], x[1])


OPERATIONS = {
    "negate": unary(torch.neg),
    "abs": unary(torch.abs),
    "exp": unary(torch.exp),
    "log": unary(torch.log),
    "sqrt": unary(torch.sqrt),
    "square": unary(torch.square),
    "reciprocal": unary(torch.reciprocal),
    "tanh": unary(torch.tanh),
    "sigmoid": unary(torch.sigmoid),
    "erf": unary(torch.erf),
    "relu": unary(torch.relu),
    "gelu": unary(F.gelu),
    "silu": unary(F.silu),
    "add": binary(torch.add),
    "subtract": binary(torch.sub),
    "multiply": binary(torch.mul),
    "divide": binary(torch.div),
    "maximum": binary(torch.maximum),
    "minimum": binary(torch.minimum),
    "pow": binary(torch.pow),
    "where": lambda x, at, p: torch.where(x[0] != 0, x[1], x[2]),
    "detach": unary(lambda x: x * x.detach()),
    "sum": reduced(lambda x, axes, keep: x.sum(axes, keep)),
    "mean": reduced(lambda x, axes, keep: x.mean(axes, keep)),
    "variance": reduced(lambda x, axes, keep: x.var(axes, unbiased=False, keepdim=keep)),
    "max": reduced(lambda x, axes, keep: x.amax(axes, keep)),
    "min": reduced(lambda x, axes, keep: x.amin(axes, keep)),
    "sum_to": lambda x, at, p: x[0].sum_to_size(at["shape"]),
    "matmul": binary(torch.matmul),
    "linear": lambda x, at, p: F.linear(*x),
    "softmax": lambda x, at, p: torch.softmax(x[0], at["axis"]),
    "log_softmax": lambda x, at, p: torch.log_softmax(x[0], at["axis"]),
    "masked_softmax": binary(masked_softmax),
    "layer_norm": lambda x, at, p: layer_norm(*x, at["epsilon"]),
    "rms_norm": lambda x, at, p: rms_norm(*x, at["epsilon"]),
    "cross_entropy": lambda x, at, p: cross_entropy(x[0], at),
    "mean_squared_error": binary(F.mse_loss),
    "gather_rows": lambda x, at, p: gather_rows(x[0], at),
    "scatter_add_rows": lambda x, at, p: scatter_add_rows(x[0], at),
    "pick": lambda x, at, p: pick(x[0], at),
    "unpick": lambda x, at, p: unpick(x[0], at),
    "reshape": lambda x, at, p: x[0].reshape(at["shape"]),
    "permute": lambda x, at, p: x[0].permute(at["order"]),
    "transpose": lambda x, at, p: x[0].transpose(*at["axes"]),
    "slice": lambda x, at, p: sliced(x[0], at["axis"], at["begin"], at["end"], at["step"]),
    "select": lambda x, at, p: x[0].select(at["axis"], at["position"]),
    "broadcast_to": lambda x, at, p: x[0].broadcast_to(at["shape"]),
    "unsqueeze": lambda x, at, p: x[0].unsqueeze(at["axis"]),
    "squeeze": lambda x, at, p: x[0].squeeze(at["axis"]),
    "concatenate": lambda x, at, p: torch.cat(x, at["axis"]),
    "stack": lambda x, at, p: torch.stack(x, at["axis"]),
    "split": lambda x, at, p: reversed_parts(x[0], at),
    "embed_slice": lambda x, at, p: torch.slice_scatter(
        torch.zeros(at["shape"], dtype=DTYPE), x[0], at["axis"], at["begin"],
        at["begin"] + max(0, (x[0].shape[at["axis"]] - 1) * at["step"] + 1), at["step"]),
    "attention": attention_operation,
    "dropout": lambda x, at, p: dropout(x[0], at["rate"], seed_key(at["seed"])),
    # layers
    "Linear": lambda x, at, p: linear(p, "", x[0]),
    "Embedding": lambda x, at, p: F.embedding(whole_numbers(at["rows"]), p["weight"]),
    "Embedding.scores": lambda x, at, p: F.linear(x[0], p["weight"]),
    "LayerNorm": lambda x, at, p: layer_norm(x[0], p["scale"], p["shift"], 1e-5),
    "RmsNorm": lambda x, at, p: rms_norm(x[0], p["scale"], 1e-5),
    "Dropout": dropout_layer,
    "SinusoidalPositions": lambda x, at, p: x[0] + sinusoidal(
        at["offset"], at["offset"] + x[0].shape[-2], x[0].shape[-1]),
    "LearnedPositions": learned_positions,
    "FeedForward": lambda x, at, p: feed_forward(p, "", x[0], at),
    "AdditiveAttention": additive_attention,
    "DotProductAttention": lambda x, at, p: attention(
        *x, allowed_by(at, x[0].shape[0], x[0].shape[1], x[1].shape[1])),
    "MultiHeadAttention": lambda x, at, p: multi_head(p, "", x[0], x[1], at, at["heads"]),
    "Residual": lambda x, at, p: residual({"r." + name: v for name, v in p.items()}, "r", x[0], at, torch.tanh),
    "EncoderLayer": lambda x, at, p: encoder_layer(p, "", x[0], at, at),
    "DecoderLayer": lambda x, at, p: decoder_layer(p, "", *x, at, masked(at, "mask"), masked(at, "source_mask")),
    "DecoderLayer.step": lambda x, at, p: decoder_layer(
        p, "", *x, at, {"mask": [["causal"]]}, masked(at, "source_mask")),
    "Encoder": lambda x, at, p: encoder(p, "", x[0], at, at),
    "Decoder": lambda x, at, p: decoder(p, "", *x, at, masked(at, "mask"), masked(at, "source_mask")),
    "Transformer": transformer,
    "Transformer.decode_step": transformer,
}
