"""Inputs that must be refused: each ends in a typed Error of attune's. What PyTorch says to each is recorded with it; where
it accepts what attune refuses, the reason stands here.

    (operation, shapes of the operands, attributes, type of the Error)
    (…, why attune is stricter than PyTorch)
"""

BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum", "pow"]
REDUCTIONS = ["sum", "mean", "variance", "max", "min"]


def ids(*values, sizes=None):
    return {"sizes": [len(values)] if sizes is None else sizes, "values": list(values)}


def entropy(targets, smoothing=0.0, ignored=-100):
    return {"targets": targets, "ignored": ignored, "smoothing": smoothing, "reduction": "mean"}


def cut(axis, begin, end, step=1):
    return {"axis": axis, "begin": begin, "end": end, "step": step}


CASES = []


def refuse(operation, shapes, attributes, error, stricter=""):
    CASES.append((operation, shapes, attributes, error, stricter))


for operation in BINARY:
    for shapes in ([[2, 3], [4]], [[2, 3], [3, 2]], [[0], [2]], [[2, 1, 3], [2, 2]]):
        refuse(operation, shapes, {}, "ShapeError")
refuse("where", [[2], [3], [3]], {}, "ShapeError")
refuse("where", [[3], [2], [3]], {}, "ShapeError")
refuse("where", [[1], [2, 3], [2, 2]], {}, "ShapeError")

for operation in REDUCTIONS:
    for axes in ([2], [-3], [0, 0], [0, -2], [1, 5]):
        refuse(operation, [[2, 3]], {"axes": axes, "keep": False}, "ShapeError")
for operation in ("max", "min"):
    refuse(operation, [[0]], {"axes": [], "keep": False}, "ShapeError")
    refuse(operation, [[2, 0]], {"axes": [1], "keep": True}, "ShapeError")
for operation in ("mean", "variance"):
    refuse(operation, [[0]], {"axes": [], "keep": False}, "ShapeError", "PyTorch gives NaN")
    refuse(operation, [[2, 0]], {"axes": [1], "keep": True}, "ShapeError", "PyTorch gives NaN")
for operation in REDUCTIONS:
    refuse(operation, [[]], {"axes": [0], "keep": False}, "ShapeError", "PyTorch lends a single number an axis 0")
refuse("sum_to", [[2, 3]], {"shape": [2, 2]}, "ShapeError")
refuse("sum_to", [[3]], {"shape": [2, 3]}, "ShapeError")
refuse("sum_to", [[2, 3]], {"shape": [2]}, "ShapeError")

for shapes in ([[2, 3], [2, 3]], [[2, 2, 3], [3, 3, 2]], [[0, 3], [2, 2]], [[], [2, 2]], [[2, 1], [0, 2]]):
    refuse("matmul", shapes, {}, "ShapeError")
for shapes in ([[3], [3]], [[3], [3, 2]], [[2, 3], [3]]):
    refuse("matmul", shapes, {}, "ShapeError", "PyTorch has rules for vectors; here both must be matrices")
for shapes in ([[2, 3], [4, 2]], [[2, 3], [4, 3], [3]], [[2, 3], [2, 4, 3]], [[], [2, 2]]):
    refuse("linear", shapes, {}, "ShapeError")
refuse("linear", [[2, 3], [4, 3], [1]], {}, "ShapeError", "PyTorch broadcasts the bias")
refuse("linear", [[2, 3], [3]], {}, "ShapeError", "PyTorch takes a vector for a row of weights")

for operation in ("softmax", "log_softmax"):
    for axis in (2, -3):
        refuse(operation, [[2, 3]], {"axis": axis}, "ShapeError")
    refuse(operation, [[]], {"axis": 0}, "ShapeError", "PyTorch lends a single number an axis 0")
refuse("masked_softmax", [[2, 3], [2, 4]], {}, "ShapeError")
refuse("masked_softmax", [[2, 3], [1, 2, 3]], {}, "ShapeError")
refuse("masked_softmax", [[2, 3], [3, 1]], {}, "ShapeError")
for shapes in ([[2, 3], [4], [3]], [[2, 3], [3], [2]], [[2, 3], [1], [3]], [[2, 3], [2, 3], [3]]):
    refuse("layer_norm", shapes, {"epsilon": 1e-5}, "ShapeError")
refuse("layer_norm", [[], [1], [1]], {"epsilon": 1e-5}, "ShapeError")
for shapes in ([[2, 3], [4]], [[2, 3], [1]], [[2, 3], [2, 3]], [[], [1]]):
    refuse("rms_norm", shapes, {"epsilon": 1e-5}, "ShapeError", "PyTorch 1.13 has no RMS norm; as for layer norm")

refuse("cross_entropy", [[2, 3]], entropy(ids(0, 3)), "IndexError")
refuse("cross_entropy", [[2, 3]], entropy(ids(0, -1)), "IndexError")
refuse("cross_entropy", [[2, 3]], entropy(ids(0, -1), ignored=-2), "IndexError")
refuse("cross_entropy", [[2, 3]], entropy(ids(0)), "ShapeError")
refuse("cross_entropy", [[2, 3]], entropy(ids(0, 1, 2)), "ShapeError")
refuse("cross_entropy", [[]], entropy(ids(0)), "ShapeError")
refuse("cross_entropy", [[2, 2, 3]], entropy(ids(0, 1, 2, 0)), "ShapeError",
       "PyTorch would be given the rows of both axes as one")
refuse("cross_entropy", [[2, 3]], entropy(ids(0, 1), smoothing=-0.5), "ValueError", "PyTorch takes any number up to 1")
refuse("cross_entropy", [[2, 3]], entropy(ids(0, 1), smoothing=1.5), "ValueError")
refuse("mean_squared_error", [[2], [3]], {}, "ShapeError")
refuse("mean_squared_error", [[2, 3], [3]], {}, "ShapeError", "PyTorch broadcasts, with a warning")
refuse("mean_squared_error", [[2, 1], [1, 2]], {}, "ShapeError", "PyTorch broadcasts, with a warning")

refuse("gather_rows", [[3, 2]], {"rows": ids(0, 3)}, "IndexError")
refuse("gather_rows", [[3, 2]], {"rows": ids(-1)}, "IndexError")
refuse("gather_rows", [[0, 2]], {"rows": ids(0)}, "IndexError")
refuse("gather_rows", [[]], {"rows": ids(0)}, "ShapeError", "PyTorch lends a single number an axis 0")
refuse("scatter_add_rows", [[2, 3]], {"rows": ids(0, 2), "row_count": 2}, "IndexError")
refuse("scatter_add_rows", [[2, 3]], {"rows": ids(0, -1), "row_count": 2}, "IndexError")
refuse("scatter_add_rows", [[2, 3]], {"rows": ids(0, 1, 1), "row_count": 2}, "ShapeError")
refuse("scatter_add_rows", [[2]], {"rows": ids(0, 1, sizes=[2, 1]), "row_count": 2}, "ShapeError",
       "PyTorch would be given the rows as one axis")
refuse("pick", [[2, 3]], {"positions": ids(0, 3)}, "IndexError")
refuse("pick", [[2, 3]], {"positions": ids(0, -1)}, "IndexError")
refuse("pick", [[2, 3]], {"positions": ids(0, 1, 2)}, "ShapeError")
refuse("pick", [[2, 3]], {"positions": ids(0)}, "ShapeError", "PyTorch picks from the first rows only")
refuse("pick", [[]], {"positions": ids(0, sizes=[])}, "ShapeError", "PyTorch lends a single number an axis 0")
refuse("unpick", [[2]], {"positions": ids(0, 3), "width": 3}, "IndexError")
refuse("unpick", [[2]], {"positions": ids(0, -1), "width": 3}, "IndexError")
refuse("unpick", [[2]], {"positions": ids(0, 1, 2), "width": 3}, "ShapeError")

for shape in ([4], [2, 2], [-1, 4], [-1, -1], [3, -2], [0, -1], []):
    refuse("reshape", [[2, 3]], {"shape": shape}, "ShapeError")
for order in ([0], [0, 0], [0, 2], [0, -2], [0, 1, 2]):
    refuse("permute", [[2, 3]], {"order": order}, "ShapeError")
for axes in ([0, 2], [-3, 1]):
    refuse("transpose", [[2, 3]], {"axes": axes}, "ShapeError")
refuse("transpose", [[]], {"axes": [0, 0]}, "ShapeError", "PyTorch lends a single number an axis 0")
refuse("slice", [[2, 3]], cut(1, 0, 3, 0), "ShapeError")
refuse("slice", [[2, 3]], cut(1, 0, 3, -1), "ShapeError")
refuse("slice", [[2, 3]], cut(2, 0, 1), "ShapeError")
for begin, end in ((0, 4), (-4, 2), (4, 5)):
    refuse("slice", [[2, 3]], cut(1, begin, end), "ShapeError", "PyTorch cuts the bounds off, as Python does")
refuse("slice", [[2, 3]], cut(1, 2, 1), "ShapeError", "PyTorch gives an empty tensor, as Python does")
for position in (3, -4):
    refuse("select", [[2, 3]], {"axis": 1, "position": position}, "IndexError")
refuse("select", [[2, 3]], {"axis": 2, "position": 0}, "ShapeError")
refuse("select", [[0]], {"axis": 0, "position": 0}, "IndexError")
refuse("broadcast_to", [[3]], {"shape": [2]}, "ShapeError")
refuse("broadcast_to", [[2, 3]], {"shape": [3]}, "ShapeError")
refuse("broadcast_to", [[2, 3]], {"shape": [2, 3, 1]}, "ShapeError")
refuse("unsqueeze", [[2, 3]], {"axis": 3}, "ShapeError")
refuse("unsqueeze", [[2, 3]], {"axis": -4}, "ShapeError")
refuse("squeeze", [[2, 1]], {"axis": 2}, "ShapeError")
refuse("squeeze", [[2, 1]], {"axis": 0}, "ShapeError", "PyTorch leaves it as it is")
refuse("concatenate", [[2, 3], [2, 4]], {"axis": 0}, "ShapeError")
refuse("concatenate", [[2, 3], [3]], {"axis": 0}, "ShapeError")
refuse("concatenate", [[2, 3], [2, 3]], {"axis": 2}, "ShapeError")
refuse("concatenate", [[2, 3], [0]], {"axis": 0}, "ShapeError", "PyTorch passes over empty vectors, as it once did")
refuse("concatenate", [], {"axis": 0}, "ShapeError")
refuse("stack", [[2, 3], [3, 2]], {"axis": 0}, "ShapeError")
refuse("stack", [[2], [2, 1]], {"axis": 0}, "ShapeError")
refuse("stack", [[2], [2]], {"axis": 2}, "ShapeError")
refuse("stack", [], {"axis": 0}, "ShapeError")
refuse("split", [[3]], {"axis": 0, "count": 0}, "ShapeError")
refuse("split", [[4]], {"axis": 1, "count": 2}, "ShapeError")
refuse("split", [[3]], {"axis": 0, "count": 2}, "ShapeError", "PyTorch splits into unequal parts")
refuse("embed_slice", [[2]], {"shape": [3], "axis": 0, "begin": 2, "step": 1}, "ShapeError")
refuse("embed_slice", [[2, 2]], {"shape": [3], "axis": 0, "begin": 0, "step": 1}, "ShapeError")
refuse("embed_slice", [[2]], {"shape": [3], "axis": 1, "begin": 0, "step": 1}, "ShapeError")

for shapes in (
    [[1, 2, 3], [1, 2, 4], [1, 2, 3]],  # widths of query and key
    [[1, 2, 3], [1, 4, 3], [1, 3, 3]],  # numbers of keys and values
    [[2, 2, 3], [3, 2, 3], [3, 2, 3]],  # batches
    [[1, 2, 2, 3], [1, 3, 2, 3], [1, 3, 2, 3]],  # heads
):
    refuse("attention", shapes, {}, "ShapeError")
refuse("attention", [[2, 3], [2, 3], [2, 3]], {}, "ShapeError", "PyTorch's products take matrices without a batch")
refuse("attention", [[2, 2, 3], [1, 2, 3], [1, 2, 3]], {}, "ShapeError", "PyTorch's products broadcast the batch")
refuse("attention", [[1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3]], {}, "ShapeError")
square = [[1, 2, 3], [1, 2, 3], [1, 2, 3]]
refuse("attention", square, {"mask": [["padding", [1, 2]]]}, "ShapeError")
refuse("attention", square, {"mask": [["explicit", [2, 3], [1] * 6]]}, "ShapeError")
for rule in (["padding", [-1]], ["window", -1, 0], ["local_and_global", 0, -1]):
    refuse("attention", square, {"mask": [rule]}, "ValueError", "PyTorch has no such masks")
for rate in (-0.25, 1.5):
    refuse("dropout", [[3]], {"rate": rate, "seed": 1}, "ValueError")
    refuse("Dropout", [[3]], {"rate": rate, "seed": 1, "stream": 0, "training": True}, "ValueError")
refuse("dropout", [[3]], {"rate": 1.0, "seed": 1}, "ValueError", "PyTorch gives zeros")

refuse("Linear", [[2, 0]], {"inputs": 0, "outputs": 2, "bias": True}, "ValueError", "PyTorch makes an empty layer")
refuse("Linear", [[2, 2]], {"inputs": 2, "outputs": 0, "bias": True}, "ValueError", "PyTorch makes an empty layer")
refuse("Embedding", [], {"vocabulary": 0, "width": 2, "rows": ids()}, "ValueError", "PyTorch makes an empty layer")
refuse("LayerNorm", [[2, 0]], {"width": 0}, "ValueError", "PyTorch makes an empty layer")
refuse("RmsNorm", [[2, 0]], {"width": 0}, "ValueError", "PyTorch 1.13 has no RMS norm; as for layer norm")
refuse("MultiHeadAttention", [[1, 2, 3], [1, 2, 3]], {"heads": 2}, "ValueError")
refuse("MultiHeadAttention", [[1, 2, 3], [1, 2, 3]], {"heads": 0}, "ValueError")
