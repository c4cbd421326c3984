#!/usr/bin/env python3
"""How Python decodes UTF-8, errors='replace': every string of up to three bytes and ten million longer ones.

    python3 tests/text/record_utf8.py >tests/text/utf8_digests.txt

Each line stands for a block of strings: its name, the number of strings, and two checksums (CRC-32) of what the strings
decode to: of all code points one after the other, four bytes each, the lowest first; and of how many code points each
string has, one byte each. tests/text/utf8_exhaustive_test.cpp computes the same numbers from attune's decoder.

The longer strings are those of std::mt19937, seeded with the number of the block: its numbers, four bytes each, the
lowest first, are cut into strings of 4 to 16 bytes in turn. In every second block each byte is first replaced by one of
`borders`, so that leads, continuations and the borders of what may follow one another meet far more often.
"""

import random
import sys
import zlib

BLOCKS, STRINGS = 500, 20_000
LENGTHS = range(4, 17)
borders = bytes.fromhex(
    "00 41 7f 80 80 8f 90 9f a0 bf bf c0 c1 c2 c3 df e0 e0 e1 ec ed ed ee ef f0 f0 f1 f3 f4 f4 f5 ff")
translation = bytes(borders[byte % len(borders)] for byte in range(256))


def digest(name, strings):
    decoded = [string.decode("utf-8", "replace") for string in strings]
    points = zlib.crc32("".join(decoded).encode("utf-32-le"))
    lengths = zlib.crc32(bytes(map(len, decoded)))
    sys.stdout.write(f"{name} {len(decoded)} {points:08x} {lengths:08x}\n")


def mersenne_twister(seed):
    """A generator in the state of std::mt19937(seed); Python's own seeding is another one."""
    state = [seed]
    for i in range(1, 624):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + i) & 0xFFFFFFFF)
    generator = random.Random()
    generator.setstate((3, (*state, 624), None))
    return generator


def long_strings(block):
    lengths = [LENGTHS[i % len(LENGTHS)] for i in range(STRINGS)]
    words = (sum(lengths) + 3) // 4
    data = mersenne_twister(block).getrandbits(32 * words).to_bytes(4 * words, "little")
    if block % 2 == 1:
        data = data.translate(translation)
    begin = 0
    for length in lengths:
        yield data[begin:begin + length]
        begin += length


def main():
    singles = [bytes([byte]) for byte in range(256)]
    pairs = [a + b for a in singles for b in singles]
    digest("empty", [b""])
    digest("one", singles)
    digest("two", pairs)
    for first in singles:
        digest(f"three-{first[0]:02x}", (first + rest for rest in pairs))
    for block in range(BLOCKS):
        digest(f"long-{block}", long_strings(block))


main()
