#!/usr/bin/python3
"""Draws new cases for a given time, asks PyTorch about them and has attune's tests compare: for machines with PyTorch.

    /usr/bin/python3 tests/oracle/live.py --seconds 60 build/default/tests/tests_f32 build/default/tests/tests_f64

The comparison is that of the recorded cases, in the same programs. Whatever fails joins the recorded set, in
cases/kept.safetensors, and so fails in every later run of the tests until it is mended.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from random import Random

try:
    import draw
    from case_format import read_cases, write_cases
except ModuleNotFoundError as missing:
    print(f"SKIPPED: {sys.executable} has no module named {missing.name} (Debian: apt install python3-torch)")
    sys.exit(0)

BATCH = 250  # cases for one run of the programs
KEPT = pathlib.Path(__file__).parent / "cases" / "kept.safetensors"


def failing(program, path):
    """The names of the cases that this program finds wrong; prints what it has to say of them."""
    command = [program, "--test-case=oracle: values*,oracle: what*", "--no-colors=true"]
    run = subprocess.run(command, text=True, capture_output=True, env={**os.environ, "ATTUNE_ORACLE_CASES": str(path)})
    names = re.findall(r"^oracle failed: (.*)$", run.stdout, re.MULTILINE)
    compared = re.search(r"^measured: oracle \(\w+\): (\d+) cases", run.stdout, re.MULTILINE)
    if names or run.returncode != 0 or not compared:
        print(run.stdout + run.stderr)
    if not compared or (run.returncode != 0 and not names):
        sys.exit(f"{program} did not get to the end: {path} is kept")
    return set(names)


def keep(cases):
    """Adds cases to those that every run of the tests reads."""
    kept = read_cases(KEPT) if KEPT.exists() else {}
    kept.update(cases)
    aside = KEPT.with_suffix(".new")
    write_cases(aside, kept)
    aside.replace(KEPT)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="+", help="the test programs, tests_f32 and tests_f64")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=time.time_ns() // 1_000_000, help="default: from the clock")
    settings = parser.parse_args()
    print(f"seed {settings.seed}")

    operations = [(family, operation) for family, table in draw.DRAW.items() for operation in table]
    choose = Random(settings.seed)
    end = time.monotonic() + settings.seconds
    count, failed = 0, 0
    while time.monotonic() < end:
        cases = {}
        while len(cases) < BATCH and time.monotonic() < end:
            seed = f"{settings.seed}.{count + len(cases)}"
            if choose.random() < 0.1:
                family, operation = choose.choice(draw.JUDGED)
                cases[f"{operation}.live.refused.{seed}"] = draw.broken(family, operation, seed)
            else:
                family, operation = choose.choice(operations)
                cases[f"{operation}.live.{seed}"] = draw.draw_evaluated(family, operation, seed)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "live.safetensors"
            write_cases(path, cases)
            wrong = set().union(*(failing(program, path) for program in settings.programs))
        if wrong:
            keep({name: cases[name] for name in sorted(wrong)})
        count += len(cases)
        failed += len(wrong)
    print(f"measured: oracle live: {count} new cases of {len(operations)} operations and layers in "
          f"{settings.seconds:.0f} s against {len(settings.programs)} programs, {failed} wrong (seed {settings.seed})")
    if failed:
        sys.exit(f"{failed} cases were added to {KEPT}")


main()
