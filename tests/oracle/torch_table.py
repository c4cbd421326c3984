"""Cases with the shapes of PyTorch's own table of operations, and inputs that it must refuse.

The table, `torch.testing._internal.common_methods_invocations`, lists for each operation samples of inputs and inputs that
end in an error. Where attune has the operation and can express the sample, its shapes and attributes are taken; the numbers
are drawn anew. Sizes above 9 of refused inputs are divided by 5, to keep the files small.
"""

import sys
import types
import unittest
from random import Random

import numpy as np

import reference
from draw import Draw, count

# The table's module wants this package, and nothing of it that matters here.
expecttest = types.ModuleType("expecttest")
expecttest.TestCase, expecttest.ACCEPT = unittest.TestCase, False
sys.modules.setdefault("expecttest", expecttest)

import torch  # noqa: E402
from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402

MOST = 6  # samples of each operation
LARGEST = 130  # elements of a tensor


def shapes(*tensors):
    return [list(tensor.shape) for tensor in tensors]


# ---- samples: each function says which operands and attributes attune's operation takes, or None


def plain(s):
    return shapes(s.input, *s.args), {}


def no_options(s):
    return None if s.kwargs else plain(s)


def reduction(s):
    dim, keep = s.kwargs.get("dim", []), s.kwargs.get("keepdim", False)
    dim = [] if dim is None else [dim] if isinstance(dim, int) else list(dim)
    if s.args or (s.input.dim() == 0 and dim):
        return None
    return shapes(s.input), {"axes": dim, "keep": keep}


def variance(s):
    if s.args or s.kwargs.get("unbiased", True) or "correction" in s.kwargs:
        return None
    return reduction(s)


def along(s):
    return (shapes(s.input), {"axis": s.args[0]}) if s.input.dim() else None


def masked_softmax(s):
    mask, axis = s.kwargs.get("mask"), s.args[0]
    if mask is None or axis not in (-1, s.input.dim() - 1):
        return None
    return shapes(s.input, mask), {}


def layer_norm(s):
    if len(s.args) < 3 or len(s.args[0]) != 1 or s.kwargs.get("eps", 1) < 0:
        return None
    return shapes(s.input, *s.args[1:]), {"epsilon": s.kwargs.get("eps", 1e-5)}


def matmul(s):
    return plain(s) if s.input.dim() > 1 and s.args[0].dim() > 1 else None


def cross_entropy(s):
    target = s.args[0]
    if target.is_floating_point() or s.input.dim() != 2 or s.kwargs.get("weight") is not None:
        return None
    if s.kwargs.get("reduction") == "none":
        return None
    targets = {"sizes": list(target.shape), "values": target.flatten().tolist()}
    return shapes(s.input), {"targets": targets, "ignored": s.kwargs.get("ignore_index", -100),
                             "smoothing": s.kwargs.get("label_smoothing", 0.0),
                             "reduction": s.kwargs.get("reduction", "mean")}


def mean_squared_error(s):
    return plain(s) if s.kwargs.get("reduction", "mean") == "mean" else None


def embedding(s):
    rows = s.args[0]
    if s.kwargs:
        return None
    return shapes(s.input), {"rows": {"sizes": list(rows.shape), "values": rows.flatten().tolist()}}


def in_shape(s):
    wanted = s.args[0] if isinstance(s.args[0], (list, tuple, torch.Size)) else s.args
    return (shapes(s.input), {"shape": list(wanted)}) if all(isinstance(n, int) for n in wanted) else None


def expanded(s):
    return None if -1 in s.args[0] else in_shape(s)


def permute(s):
    return shapes(s.input), {"order": list(s.args[0])}


def transpose(s):
    return (shapes(s.input), {"axes": list(s.args)}) if s.input.dim() else None


def narrow(s):
    axis, begin, length = s.args
    if not isinstance(begin, int):
        return None
    return shapes(s.input), {"axis": axis, "begin": begin, "end": begin + length, "step": 1}


def select(s):
    return shapes(s.input), {"axis": s.args[0], "position": s.args[1]}


def squeeze(s):
    fits = s.args and s.input.dim() and s.input.shape[s.args[0]] == 1
    return (shapes(s.input), {"axis": s.args[0]}) if fits else None


def joined(s):
    axis = s.args[0] if s.args else s.kwargs.get("dim", 0)
    if not isinstance(s.input, (list, tuple)) or not all(isinstance(part, torch.Tensor) for part in s.input):
        return None
    return shapes(*s.input), {"axis": axis}


def chunk(s):
    parts, axis = s.args[0], s.args[1] if len(s.args) > 1 else 0
    return (shapes(s.input), {"count": parts, "axis": axis}) if s.input.shape[axis] % parts == 0 else None


def where(s):
    return [list(s.args[0].shape), list(s.input.shape), list(s.args[1].shape)], {}


def attention(s):
    if s.kwargs.get("dropout_p") or s.kwargs.get("attn_mask") is not None or len(s.args) > 2:
        return None
    return shapes(s.input, *s.args), {"mask": [["causal"]] if s.kwargs.get("is_causal") else []}


POSITIVE, AWAY, BITS = "positive", "away", "bits"

SAMPLES = {  # PyTorch's name -> attune's, how to read a sample, the kinds of the operands' numbers
    "neg": ("negate", plain),
    "abs": ("abs", plain),
    "exp": ("exp", plain),
    "log": ("log", plain, POSITIVE),
    "sqrt": ("sqrt", plain, POSITIVE),
    "square": ("square", plain),
    "reciprocal": ("reciprocal", plain, AWAY),
    "tanh": ("tanh", plain),
    "sigmoid": ("sigmoid", plain),
    "erf": ("erf", plain),
    "nn.functional.relu": ("relu", plain),
    "nn.functional.silu": ("silu", plain),
    "add": ("add", no_options),
    "sub": ("subtract", no_options),
    "mul": ("multiply", no_options),
    "div": ("divide", no_options, AWAY),
    "maximum": ("maximum", no_options),
    "minimum": ("minimum", no_options),
    "pow": ("pow", no_options, POSITIVE),
    "where": ("where", where, BITS),
    "sum": ("sum", reduction),
    "mean": ("mean", reduction),
    "var": ("variance", variance),
    "amax": ("max", reduction),
    "amin": ("min", reduction),
    "sum_to_size": ("sum_to", in_shape),
    "matmul": ("matmul", matmul),
    "nn.functional.linear": ("linear", plain),
    "softmax": ("softmax", along),
    "log_softmax": ("log_softmax", along),
    "masked.softmax": ("masked_softmax", masked_softmax, None, BITS),
    "nn.functional.layer_norm": ("layer_norm", layer_norm),
    "nn.functional.cross_entropy": ("cross_entropy", cross_entropy),
    "nn.functional.mse_loss": ("mean_squared_error", mean_squared_error),
    "nn.functional.embedding": ("gather_rows", embedding),
    "reshape": ("reshape", in_shape),
    "permute": ("permute", permute),
    "transpose": ("transpose", transpose),
    "narrow": ("slice", narrow),
    "select": ("select", select),
    "expand": ("broadcast_to", expanded),
    "unsqueeze": ("unsqueeze", lambda s: (shapes(s.input), {"axis": s.args[0]})),
    "squeeze": ("squeeze", squeeze),
    "cat": ("concatenate", joined),
    "stack": ("stack", joined),
    "chunk": ("split", chunk),
    "nn.functional._scaled_dot_product_attention": ("attention", attention),
}


def numbers(d, kind):
    return {POSITIVE: (0.2, 2), AWAY: d.away(0.3, 3), BITS: lambda: d.r.choice((0, 1))}.get(kind, (-1.5, 1.5))


def drawn(operation, found, kinds, random):
    d = Draw(operation, random)
    for i, shape in enumerate(found[0]):
        kind = kinds[min(i, len(kinds) - 1)] if kinds and (BITS not in kinds or i < len(kinds)) else None
        d.operand(shape, numbers(d, kind), constant=kind == BITS)
    return reference.evaluate(d.set(**found[1]).done())


def cases():
    """(name, case) with the table's shapes."""
    by_name = {op.name: op for op in reversed(op_db)}  # the first variant of each
    for torch_name, (operation, read, *kinds) in SAMPLES.items():
        torch.manual_seed(0)
        taken = []
        for sample in by_name[torch_name].sample_inputs("cpu", torch.float64, requires_grad=False):
            found = read(sample)
            if found is None or found in taken or any(count(shape) > LARGEST for shape in found[0]):
                continue
            taken.append(found)
            for attempt in range(100):
                case = drawn(operation, found, kinds, Random(f"table {operation} {len(taken)} {attempt}"))
                if reference.float_can_hold(case):
                    break
            yield f"{operation}.table{len(taken)}", case
            if len(taken) == MOST:
                break


REFUSED = ["sum_to_size", "reshape", "cat", "amax", "amin"]
AMONG_OTHER_THINGS = ("out", "dtype")  # what attune's operations have no word for


def smaller(sizes):
    return [size // 5 if size > 9 else size for size in sizes]


def refused():
    """(name, operation, shapes, attributes) of what the table refuses."""
    by_name = {op.name: op for op in reversed(op_db)}
    for torch_name in REFUSED:
        operation, read = SAMPLES[torch_name][:2]
        number = 0
        for error in by_name[torch_name].error_inputs("cpu"):
            sample = error.sample_input
            if any(word in sample.kwargs for word in AMONG_OTHER_THINGS):
                continue
            found = read(sample)
            if found is None:
                continue
            sizes, attributes = [smaller(shape) for shape in found[0]], found[1]
            if any(len(shape) > 8 for shape in sizes):
                continue
            if operation == "sum_to":
                attributes = {"shape": smaller(attributes["shape"])}
            number += 1
            yield f"{operation}.refused.table{number}", operation, sizes, attributes
