#!/usr/bin/python3
"""Records what PyTorch says about a Transformer: the files that tests/oracle/transformer_test.cpp reads.

    /usr/bin/python3 tests/oracle/record_transformer.py          # Debian: apt install python3-torch

The same model as attune's nn::Transformer, written in PyTorch's plain functions, with weights under attune's names; it
is first held against PyTorch's own torch.nn.TransformerEncoder and TransformerDecoder. All is computed in float64.
Weights are exact in float, so that attune begins with the same numbers whether it is built in float or in double. Run
twice, the script writes the same bytes.

One safetensors file per case:
    weight.NAME                                     float32
    source, source_length, target_in, target_out    float32 holding whole numbers, one batch for each training step:
                                                    (steps, B, S), (steps, B) and twice (steps, B, T)
    logits, loss, gradient.NAME                     float64: of the first batch, before any training
    losses, norms                                   float64 (steps): each step's loss, and the norm of its gradients

Legend: B batch, T target positions, S source positions, H heads, D = width / H, C width, V vocabulary.
"""

import json
import math
import pathlib
import random
import struct

import torch
import torch.nn.functional as F

PAD = 0
EPSILON = 1e-5  # of layer norm
SMOOTHING = 0.1
STEPS = 10
PEAK, WARMUP = 0.01, 4  # inverse square root schedule
MAX_NORM = 1.5  # of all gradients together; some steps must exceed it and some not
BETA1, BETA2, ADAM_EPSILON = 0.9, 0.98, 1e-8

CASES = {
    "pre_norm": dict(norm="pre", source_vocabulary=20, target_vocabulary=17, share=False, layers=2),
    "post_norm": dict(norm="post", source_vocabulary=20, target_vocabulary=17, share=False, layers=2),
    "shared_embeddings": dict(norm="post", source_vocabulary=20, target_vocabulary=20, share=True, layers=1),
}
WIDTH, HIDDEN, HEADS = 16, 24, 2
B, S, T = 3, 7, 6


# ---- weights and batches: numbers that every Python and every machine draws alike


def exact_in_float(shape, low, high, rng):
    """Multiples of 2^-16 between low and high."""
    numbers = [round(rng.uniform(low, high) * 65536) / 65536 for _ in range(math.prod(shape))]
    return torch.tensor(numbers, dtype=torch.float64).reshape(shape)


def make_weights(case, rng):
    """Every weight by attune's name. No bias is 0 and no scale is 1, so that none can be forgotten unnoticed."""
    weights = {}

    def linear(name, outputs, inputs):
        bound = math.sqrt(6 / (inputs + outputs))
        weights[name + ".weight"] = exact_in_float((outputs, inputs), -bound, bound, rng)
        weights[name + ".bias"] = exact_in_float((outputs,), -0.2, 0.2, rng)

    def norm(name):
        weights[name + ".scale"] = exact_in_float((WIDTH,), 0.7, 1.3, rng)
        weights[name + ".shift"] = exact_in_float((WIDTH,), -0.2, 0.2, rng)

    def attention(name):
        for part in ("query", "key", "value", "output"):
            linear(f"{name}.{part}", WIDTH, WIDTH)

    def feed_forward(name):
        linear(name + ".inner", HIDDEN, WIDTH)
        linear(name + ".outer", WIDTH, HIDDEN)

    weights["source_embedding.weight"] = exact_in_float((case["source_vocabulary"], WIDTH), -0.4, 0.4, rng)
    if not case["share"]:
        weights["target_embedding.weight"] = exact_in_float((case["target_vocabulary"], WIDTH), -0.4, 0.4, rng)
    for side in ("encoder", "decoder"):
        for i in range(case["layers"]):
            layer = f"{side}.layers.{i}"
            attention(layer + ".self_attention")
            if side == "decoder":
                attention(layer + ".cross_attention")
            feed_forward(layer + ".feed_forward")
            for sublayer in norms_of_layer(side):
                norm(f"{layer}.{sublayer}.norm")
        if case["norm"] == "pre":
            norm(side + ".norm")
    return weights


def norms_of_layer(side):
    if side == "encoder":
        return ("around_attention", "around_feed_forward")
    return ("around_self_attention", "around_cross_attention", "around_feed_forward")


def make_batches(case, rng):
    """A batch for each step, of sentences of different lengths; one in each batch has full length."""

    def sentence(length, vocabulary, size):
        return [rng.randrange(1, vocabulary) for _ in range(length)] + [PAD] * (size - length)

    batches = []
    for _ in range(STEPS):
        source_length = [S] + [rng.randrange(1, S + 1) for _ in range(B - 1)]
        target_length = [rng.randrange(1, T + 1) for _ in range(B - 1)] + [T]
        target_in = [sentence(n, case["target_vocabulary"], T) for n in target_length]
        # The same sentence one token later, with another token at its end.
        target_out = []
        for n, row in zip(target_length, target_in):
            end = rng.randrange(1, case["target_vocabulary"])
            target_out.append(row[1:n] + [end] + [PAD] * (T - n))
        batches.append(
            dict(
                source=torch.tensor([sentence(n, case["source_vocabulary"], S) for n in source_length]),
                source_length=torch.tensor(source_length),
                target_in=torch.tensor(target_in),
                target_out=torch.tensor(target_out),
            )
        )
    return batches


# ---- the model ("Attention Is All You Need", section 3)


def linear(w, name, x):
    return F.linear(x, w[name + ".weight"], w[name + ".bias"])


def layer_norm(w, name, x):
    return F.layer_norm(x, (WIDTH,), w[name + ".scale"], w[name + ".shift"], EPSILON)


def attention(w, name, asking, answering, allowed):
    """asking (B, T, C), answering (B, S, C), allowed (B or 1, T or 1, S): the result is (B, T, C)."""

    def heads(x):
        return x.reshape(x.shape[0], x.shape[1], HEADS, WIDTH // HEADS).transpose(1, 2)  # (B, H, T, D)

    query = heads(linear(w, name + ".query", asking))
    key = heads(linear(w, name + ".key", answering))
    value = heads(linear(w, name + ".value", answering))
    scores = query @ key.transpose(-1, -2) / math.sqrt(WIDTH // HEADS)  # (B, H, T, S)
    scores = scores.masked_fill(~allowed.unsqueeze(1), -math.inf)
    read = torch.softmax(scores, -1) @ value  # (B, H, T, D)
    return linear(w, name + ".output", read.transpose(1, 2).reshape(asking.shape))


def feed_forward(w, name, x):
    return linear(w, name + ".outer", torch.relu(linear(w, name + ".inner", x)))


def residual(w, case, name, x, sublayer):
    if case["norm"] == "pre":
        return x + sublayer(layer_norm(w, name + ".norm", x))
    return layer_norm(w, name + ".norm", x + sublayer(x))


def positions(length):
    table = torch.zeros(length, WIDTH, dtype=torch.float64)
    for t in range(length):
        for channel in range(WIDTH):
            angle = t / 10000.0 ** (channel // 2 * 2 / WIDTH)
            table[t, channel] = math.sin(angle) if channel % 2 == 0 else math.cos(angle)
    return table


def embed(table, tokens):
    return F.embedding(tokens, table) * math.sqrt(WIDTH) + positions(tokens.shape[1])  # (B, T, C)


def masks(batch):
    """True where attending is allowed: (1, T, T) for the target, (B, 1, S) for the source."""
    causal = torch.ones(T, T, dtype=torch.bool).tril().unsqueeze(0)
    real = (torch.arange(S) < batch["source_length"].unsqueeze(1)).unsqueeze(1)
    return causal, real


def encode(w, case, x, real):
    for i in range(case["layers"]):
        name = f"encoder.layers.{i}"
        x = residual(w, case, name + ".around_attention", x,
                     lambda y: attention(w, name + ".self_attention", y, y, real))
        x = residual(w, case, name + ".around_feed_forward", x, lambda y: feed_forward(w, name + ".feed_forward", y))
    return layer_norm(w, "encoder.norm", x) if case["norm"] == "pre" else x


def decode(w, case, x, memory, causal, real):
    for i in range(case["layers"]):
        name = f"decoder.layers.{i}"
        x = residual(w, case, name + ".around_self_attention", x,
                     lambda y: attention(w, name + ".self_attention", y, y, causal))
        x = residual(w, case, name + ".around_cross_attention", x,
                     lambda y: attention(w, name + ".cross_attention", y, memory, real))
        x = residual(w, case, name + ".around_feed_forward", x, lambda y: feed_forward(w, name + ".feed_forward", y))
    return layer_norm(w, "decoder.norm", x) if case["norm"] == "pre" else x


def target_table(w, case):
    return w["source_embedding.weight" if case["share"] else "target_embedding.weight"]


def transformer(w, case, batch):
    """Logits (B, T, V) and the loss: the mean over the real target tokens."""
    causal, real = masks(batch)
    table = target_table(w, case)
    memory = encode(w, case, embed(w["source_embedding.weight"], batch["source"]), real)
    decoded = decode(w, case, embed(table, batch["target_in"]), memory, causal, real)
    logits = F.linear(decoded, table)
    loss = F.cross_entropy(logits.flatten(0, 1), batch["target_out"].flatten(), ignore_index=PAD,
                           label_smoothing=SMOOTHING)
    return logits, loss


# ---- the same with PyTorch's own layers


def check_against_torch_nn(w, case, batch):
    """Fails unless the functions above are what torch.nn calls a Transformer."""
    settings = dict(d_model=WIDTH, nhead=HEADS, dim_feedforward=HIDDEN, dropout=0.0, layer_norm_eps=EPSILON,
                    batch_first=True, norm_first=case["norm"] == "pre", dtype=torch.float64)

    def final_norm():
        return torch.nn.LayerNorm(WIDTH, EPSILON, dtype=torch.float64) if case["norm"] == "pre" else None

    encoder = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(**settings), case["layers"], final_norm())
    decoder = torch.nn.TransformerDecoder(torch.nn.TransformerDecoderLayer(**settings), case["layers"], final_norm())

    def fill(module, weight, bias):
        module.weight.data, module.bias.data = weight, bias

    def fill_linear(module, name):
        fill(module, w[name + ".weight"], w[name + ".bias"])

    def fill_norm(module, name):
        fill(module, w[name + ".scale"], w[name + ".shift"])

    def fill_attention(module, name):
        parts = ("query", "key", "value")
        module.in_proj_weight.data = torch.cat([w[f"{name}.{part}.weight"] for part in parts])
        module.in_proj_bias.data = torch.cat([w[f"{name}.{part}.bias"] for part in parts])
        fill_linear(module.out_proj, name + ".output")

    for side, stack in (("encoder", encoder), ("decoder", decoder)):
        for i, layer in enumerate(stack.layers):
            name = f"{side}.layers.{i}"
            fill_attention(layer.self_attn, name + ".self_attention")
            if side == "decoder":
                fill_attention(layer.multihead_attn, name + ".cross_attention")
            fill_linear(layer.linear1, name + ".feed_forward.inner")
            fill_linear(layer.linear2, name + ".feed_forward.outer")
            for k, sublayer in enumerate(norms_of_layer(side), 1):
                fill_norm(getattr(layer, f"norm{k}"), f"{name}.{sublayer}.norm")
        if stack.norm is not None:
            fill_norm(stack.norm, side + ".norm")

    causal, real = masks(batch)
    padding = ~real.squeeze(1)  # PyTorch's masks say who may not
    memory = encoder(embed(w["source_embedding.weight"], batch["source"]), src_key_padding_mask=padding)
    decoded = decoder(embed(target_table(w, case), batch["target_in"]), memory, tgt_mask=~causal.squeeze(0),
                      memory_key_padding_mask=padding)
    logits = F.linear(decoded, target_table(w, case))
    worst = (logits - transformer(w, case, batch)[0]).abs().max().item()
    assert worst < 1e-13, worst


# ---- training


def train(w, case, batches):
    """The losses of ten steps and the norms of their gradients; changes w."""
    adam = torch.optim.Adam(list(w.values()), betas=(BETA1, BETA2), eps=ADAM_EPSILON)
    losses, norms = [], []
    for step, batch in enumerate(batches, 1):
        _, loss = transformer(w, case, batch)
        adam.zero_grad()
        loss.backward()
        norm = math.sqrt(sum(v.grad.square().sum().item() for v in w.values()))
        if norm > MAX_NORM:  # torch.nn.utils.clip_grad_norm_ divides by norm + 1e-6; this is the paper's formula
            for v in w.values():
                v.grad.mul_(MAX_NORM / norm)
        adam.param_groups[0]["lr"] = PEAK * min(step / WARMUP, math.sqrt(WARMUP / step))
        adam.step()
        losses.append(loss.item())
        norms.append(norm)
    assert min(norms) < MAX_NORM < max(norms), norms  # clipping happens, and does not always happen
    return losses, norms


# ---- files


def write_safetensors(path, tensors):
    """tensors: name -> (dtype, tensor). The format: https://huggingface.co/docs/safetensors, section "Format"."""
    header, data = {}, b""
    for name, (dtype, tensor) in tensors.items():
        numbers = [float(x) for x in tensor.flatten().tolist()]
        packed = struct.pack(f"<{len(numbers)}{'f' if dtype == 'F32' else 'd'}", *numbers)
        offsets = [len(data), len(data) + len(packed)]
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": offsets}
        data += packed
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    print(f"{path}: {path.stat().st_size} bytes")


def record(name, case):
    rng = random.Random(name)
    w = make_weights(case, rng)
    batches = make_batches(case, rng)
    check_against_torch_nn(w, case, batches[0])

    tensors = {}
    for key, value in w.items():
        assert torch.equal(value, value.float().double()), key
        tensors["weight." + key] = ("F32", value.clone())
    for key in batches[0]:
        tensors[key] = ("F32", torch.stack([batch[key] for batch in batches]))

    for value in w.values():
        value.requires_grad_()
    logits, loss = transformer(w, case, batches[0])
    loss.backward()
    tensors["logits"] = ("F64", logits.detach())
    tensors["loss"] = ("F64", loss.detach())
    for key, value in w.items():
        tensors["gradient." + key] = ("F64", value.grad.clone())

    losses, norms = train(w, case, batches)
    print(name, "losses", [round(x, 4) for x in losses], "norms", [round(x, 4) for x in norms])
    tensors["losses"] = ("F64", torch.tensor(losses, dtype=torch.float64))
    tensors["norms"] = ("F64", torch.tensor(norms, dtype=torch.float64))
    write_safetensors(pathlib.Path(__file__).parent / f"transformer_{name}.safetensors", tensors)


torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
for case_name, case_settings in CASES.items():
    record(case_name, case_settings)
