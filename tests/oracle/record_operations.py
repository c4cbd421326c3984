#!/usr/bin/python3
"""Records what PyTorch says about every operation and layer of attune: the files in cases/, which operations_test.cpp reads.

    /usr/bin/python3 tests/oracle/record_operations.py          # Debian: apt install python3-torch

All is computed in float64, from inputs that are exact in float. Most cases are drawn at random (draw.py), 40 of each
operation; some have the shapes of PyTorch's own table of operations; some must be refused (refused.py). Run twice, the
script writes the same bytes. cases/kept.safetensors holds what live.py once found: its inputs stay, its results are computed
anew.
"""

import argparse
import pathlib

import draw
from case_format import read_cases, write_cases

HERE = pathlib.Path(__file__).parent
EACH = 40
FEWER = {"Encoder": 20, "Decoder": 16, "Transformer": 20, "Transformer.decode_step": 16, "DecoderLayer": 24,
         "DecoderLayer.step": 20}  # many parameters each


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=pathlib.Path, default=HERE / "cases", help="the folder to write to")
    to = parser.parse_args().to
    to.mkdir(parents=True, exist_ok=True)

    total = 0
    for family, operations in draw.DRAW.items():
        cases = {}
        for operation in operations:
            for i in range(FEWER.get(operation, EACH)):
                cases[f"{operation}.{i:02}"] = draw.draw_evaluated(family, operation, i)
        path = to / f"{family}.safetensors"
        write_cases(path, cases)
        print(f"{path}: {len(operations)} operations, {len(cases)} cases, {path.stat().st_size} bytes")
        total += path.stat().st_size
    print(f"{total} bytes in all")


main()
