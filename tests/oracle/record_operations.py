#!/usr/bin/python3
"""Records what PyTorch says about every operation and layer of attune: the files in cases/, which operations_test.cpp reads.

    /usr/bin/python3 tests/oracle/record_operations.py          # Debian: apt install python3-torch

All is computed in float64, from inputs that are exact in float. Most cases are drawn at random (draw.py), 40 of each
operation; some have the shapes of PyTorch's own table of operations (torch_table.py), some have infinities and NaN
(specials.py), some must be refused (refused.py, and drawn cases with one thing made wrong). Run twice, the script writes the
same bytes. cases/kept.safetensors holds what live.py once found: its inputs stay, its results are computed anew.
"""

import argparse
import pathlib
import tempfile
import warnings

import numpy as np
import torch

import draw
import reference
import refused
import specials
import torch_table
from case_format import Case, read_cases, write_cases

HERE = pathlib.Path(__file__).parent
EACH = 40
FEWER = {"Encoder": 20, "Decoder": 16, "Transformer": 20, "Transformer.decode_step": 16, "DecoderLayer": 24,
         "DecoderLayer.step": 20}  # many parameters each




def refused_case(operation, shapes, attributes, error, stricter):
    """A case that must be refused, with what PyTorch says to it. Where PyTorch accepts it, a reason must be given."""
    case = Case(operation)
    case.leaves = {f"x{i}": np.full(shape, 0.5) for i, shape in enumerate(shapes)}
    case.attributes = attributes
    case.refused, case.note = error, stricter
    case.cotangent = np.ones
    try:
        reference.call(case, torch.float64)
        answer = None
    except Exception as refusal:  # of whatever type: PyTorch's own are many
        answer = f"PyTorch: {type(refusal).__name__}: {str(refusal).splitlines()[0][:120] if str(refusal) else ''}"
    if not stricter:
        assert answer, f"PyTorch does not refuse {operation} {shapes} {attributes}"
        case.note = answer
    return case


def refused_cases():
    cases = {}
    for i, (operation, *rest) in enumerate(refused.CASES):
        cases[f"{operation}.refused{i:03}"] = refused_case(operation, *rest)
    for name, operation, shapes, attributes in torch_table.refused():
        cases[name] = refused_case(operation, shapes, attributes, "ShapeError", "")
    for family, operation in draw.JUDGED:
        for i in range(4):
            cases[f"{operation}.broken{i}"] = draw.broken(family, operation, i)
    return cases


def record(to):
    """Writes all files into this folder; returns their contents by name."""
    contents = {}

    def write(family, cases):
        path = to / f"{family}.safetensors"
        write_cases(path, cases)
        contents[path.name] = path.read_bytes()
        operations = {case.operation for case in cases.values()}
        print(f"{path.name}: {len(operations)} operations and layers, {len(cases)} cases, {len(contents[path.name])} bytes")

    for family, operations in draw.DRAW.items():
        write(family, {f"{operation}.{i:02}": draw.draw_evaluated(family, operation, i)
                       for operation in operations for i in range(FEWER.get(operation, EACH))})
    write("specials", specials.cases())
    write("torch_table", dict(torch_table.cases()))
    write("refused", refused_cases())
    kept = HERE / "cases" / "kept.safetensors"
    if kept.exists():
        write("kept", {name: case if case.refused else reference.evaluate(case) for name, case in read_cases(kept).items()})
    print(f"{sum(map(len, contents.values()))} bytes in all")
    return contents


def check():
    """Fails unless recording twice gives the same bytes; says whether they are those of the recorded set."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        once, twice = record(pathlib.Path(first)), record(pathlib.Path(second))
    assert once == twice, "recorded twice, the bytes differ"
    recorded = {path.name: path.read_bytes() for path in (HERE / "cases").glob("*.safetensors")}
    same = "they are" if once == recorded else "another machine's libraries may round otherwise: they are not"
    print(f"measured: oracle: recorded twice, {sum(map(len, once.values()))} bytes are the same; {same} those in cases/")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="record twice, compare, and leave the recorded set alone")
    warnings.simplefilter("ignore")  # of broadcasting losses, on purpose
    if parser.parse_args().check:
        check()
    else:
        (HERE / "cases").mkdir(exist_ok=True)
        record(HERE / "cases")


main()
