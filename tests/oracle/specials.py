"""Infinities, NaN and zeros: cases whose numbers are not drawn.

Where attune differs from PyTorch on purpose, the numbers are left out, here:

    gelu, silu      at ±∞ attune gives the limit; PyTorch gives NaN, for the value or for the derivative
    relu            passes no gradient where its input is NaN; PyTorch does
    maximum, …      pass no gradient where an operand is NaN; PyTorch passes all of it to both operands
    pow             0 to a negative power is infinite, its derivative by the exponent is taken as 0; PyTorch's is infinite;
                    NaN to the power 0 is 1, and its derivative by the base NaN; PyTorch's is 0
    variance        with an infinity every gradient is NaN; PyTorch's is infinite for some
"""

import itertools
import math
from random import Random

import numpy as np

import reference
from draw import Draw

NAN, INF = math.nan, math.inf
NUMBERS = [NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0]

UNARY = {
    "negate": NUMBERS, "abs": NUMBERS, "exp": NUMBERS, "log": NUMBERS, "sqrt": NUMBERS, "square": NUMBERS,
    "reciprocal": NUMBERS, "tanh": NUMBERS, "sigmoid": NUMBERS, "erf": NUMBERS,
    "relu": [x for x in NUMBERS if not math.isnan(x)],
    "gelu": [x for x in NUMBERS if not math.isinf(x)],
    "silu": [x for x in NUMBERS if not math.isinf(x)],
}


def anything(a, b):
    return True


def no_nan(a, b):
    return not (math.isnan(a) or math.isnan(b))


def no_power_of_nan_or_infinite(a, b):
    return not (math.isnan(a) and b == 0) and not (a == 0 and b < 0)


BINARY = {"add": anything, "subtract": anything, "multiply": anything, "divide": anything, "maximum": no_nan,
          "minimum": no_nan, "pow": no_power_of_nan_or_infinite}

ROW = [0.5, -1.0, 2.0, 0.25, 1.0]


def rows_with(*odd):
    """The row with each of these in its second place, alone and beside another in its fourth."""
    rows = []
    for first, second in itertools.product(odd, (0.25, *odd)):
        row = list(ROW)
        row[1], row[3] = first, second
        rows.append(row)
    return rows


def case(operation, leaves, constants=(), **attributes):
    d = Draw(operation, Random(f"special {operation} {leaves}"))
    for i, numbers in enumerate(leaves):
        d.case.leaves[f"x{i}"] = np.array(numbers, dtype=np.float32).astype(np.float64)
    d.case.operands = None
    d.case.constants = list(constants)
    d.set(**attributes)
    with np.errstate(all="ignore"):
        return reference.evaluate(d.case)


def cases():
    found = []
    for operation, numbers in UNARY.items():
        found.append(case(operation, [numbers]))
    for operation, wanted in BINARY.items():
        pairs = [pair for pair in itertools.product(NUMBERS, NUMBERS) if wanted(*pair)]
        found.append(case(operation, list(zip(*pairs))))
    for a, b in ((1e30, 1e30), (1e-30, 1e-30), (1e-30, 2.0), (3.0, 1e25)):
        found.append(case("divide", [[a], [b]]))
    found.append(case("where", [[1, 0, 1, 0], [1.0, NAN, 2.0, INF], [NAN, 1.0, -INF, 2.0]], ["x0"]))
    every = {"axes": [], "keep": False}
    for row in rows_with(NAN, INF, -INF):
        for operation in ("sum", "mean", "max", "min"):
            found.append(case(operation, [row], **every))
        for operation in ("softmax", "log_softmax"):
            found.append(case(operation, [row], axis=0))
        found.append(case("masked_softmax", [row, [1, 0, 1, 0, 1]], ["x1"]))
        found.append(case("matmul", [[row, ROW], [[x] for x in ROW]]))
        found.append(case("linear", [[row, ROW], [ROW, ROW[::-1]]]))
    row, scale = rows_with(NAN)[0], [1.0, 2.0, -1.0, 0.5, 1.5]
    found.append(case("variance", [row], **every))
    found.append(case("layer_norm", [[row, ROW], scale, scale], epsilon=1e-5))
    found.append(case("rms_norm", [[row, ROW], scale], epsilon=1e-5))
    for row in rows_with(-INF):
        for smoothing in (0.0, 0.25):
            targets = {"sizes": [2], "values": [0, 2]}
            found.append(case("cross_entropy", [[row, ROW]], targets=targets, ignored=-1, smoothing=smoothing,
                              reduction="sum"))
    return {f"{c.operation}.special{i:03}": c for i, c in enumerate(found)}
