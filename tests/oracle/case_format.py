"""Cases and the files they stand in: what record_operations.py and live.py write, and the tests read.

A case is one call of one of attune's operations or layers: its inputs, what PyTorch makes of them, and the gradients. A
file is a safetensors file. For each case NAME its metadata has one entry, JSON:

    operation    the row of the tests' table, e.g. "add"
    leaves       [[name, shape], …]: the tensors that are given. Operands are x0, x1, …; a layer's parameters have their
                 own names
    constants    names of leaves that want no gradient
    operands     [[leaf, [view, …]], …]: what the operation sees, each leaf through views such as ["transpose", 0, 1],
                 ["slice", axis, begin, end, step], ["permute", [1, 0]], ["broadcast", [2, 3]]; when missing, it is
                 x0, x1, … as they are
    attributes   axis, epsilon, mask, …
    result       the shape of the result
    reference    where PyTorch is wrong: what, and that the script computed the result itself
    refused      instead of a result: attune must throw this type of Error, or any, if it is "Error"
    note         what is worth knowing about a refused case: how PyTorch refuses it, or that it does not

and there are one or two arrays,

    NAME.inputs     float32: the leaves' numbers, in their order, then those of the cotangent, of the result's shape
    NAME.results    float64: the result's numbers, then the gradient of each leaf that is no constant, in their order
"""

import json
import pathlib
import struct

import numpy as np


class Case:
    def __init__(self, operation):
        self.operation = operation
        self.leaves = {}  # name -> float64 array, each number exact in float32
        self.constants = []
        self.operands = None  # [(leaf, views)], or None for all of x0, x1, … as they are
        self.attributes = {}
        self.reference = ""
        self.refused = ""
        self.note = ""
        self.cotangent = None
        self.result = None
        self.gradients = {}

    def tracked(self):
        return [name for name in self.leaves if name not in self.constants]

    def operand_list(self):
        if self.operands is not None:
            return self.operands
        return [(name, []) for name in self.leaves if name[0] == "x" and name[1:].isdigit()]

    # ---- as text and numbers

    def description(self):
        text = {"operation": self.operation}
        text["leaves"] = [[name, list(array.shape)] for name, array in self.leaves.items()]
        if self.constants:
            text["constants"] = self.constants
        if self.operands is not None and any(views or leaf != f"x{i}" for i, (leaf, views) in enumerate(self.operands)):
            text["operands"] = [[leaf, views] for leaf, views in self.operands]
        if self.attributes:
            text["attributes"] = self.attributes
        if self.refused:
            text["refused"] = self.refused
            if self.note:
                text["note"] = self.note
        else:
            text["result"] = list(self.result.shape)
            if self.reference:
                text["reference"] = self.reference
        return json.dumps(text, separators=(",", ":"))

    def inputs(self):
        parts = [array.ravel() for array in self.leaves.values()]
        if not self.refused:
            parts.append(self.cotangent.ravel())
        numbers = np.concatenate(parts) if parts else np.zeros(0)
        exact = numbers.astype("<f4")
        assert np.array_equal(exact.astype(np.float64), numbers, equal_nan=True), f"{self.operation}: not exact in float"
        return exact

    def results(self):
        parts = [self.result.ravel()] + [self.gradients[name].ravel() for name in self.tracked()]
        return np.concatenate(parts).astype("<f8")

    @staticmethod
    def read(text, inputs, results):
        text = json.loads(text)
        case = Case(text["operation"])
        case.constants = text.get("constants", [])
        case.operands = text.get("operands")
        case.attributes = text.get("attributes", {})
        case.reference = text.get("reference", "")
        case.refused = text.get("refused", "")
        case.note = text.get("note", "")

        def take(numbers, at, shape):
            count = int(np.prod(shape, dtype=np.int64))
            return np.array(numbers[at : at + count], dtype=np.float64).reshape(shape), at + count

        at = 0
        for name, shape in text["leaves"]:
            case.leaves[name], at = take(inputs, at, shape)
        if not case.refused:
            case.cotangent, at = take(inputs, at, text["result"])
            case.result, at = take(results, 0, text["result"])
            for name in case.tracked():
                case.gradients[name], at = take(results, at, case.leaves[name].shape)
        return case


def write_cases(path, cases):
    """cases: name -> Case."""
    header, data = {"__metadata__": {name: case.description() for name, case in cases.items()}}, []
    size = 0
    for name, case in cases.items():
        arrays = [("inputs", "F32", case.inputs())]
        if not case.refused:
            arrays.append(("results", "F64", case.results()))
        for ending, dtype, numbers in arrays:
            packed = numbers.tobytes()
            header[f"{name}.{ending}"] = {
                "dtype": dtype,
                "shape": [len(numbers)],
                "data_offsets": [size, size + len(packed)],
            }
            data.append(packed)
            size += len(packed)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data))


def read_cases(path):
    content = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    data = content[8 + length :]

    def array(name, dtype):
        if name not in header:
            return None
        begin, end = header[name]["data_offsets"]
        return np.frombuffer(data[begin:end], dtype=dtype)

    return {
        name: Case.read(text, array(name + ".inputs", "<f4"), array(name + ".results", "<f8"))
        for name, text in header["__metadata__"].items()
    }
