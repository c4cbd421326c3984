#!/usr/bin/env python3
"""The other side of safetensors, written from the format's page alone (https://huggingface.co/docs/safetensors).

    exchange_safetensors.py check FILE…      holds files against the rules and lists what is in them
    exchange_safetensors.py write FOLDER     writes files as other programs do, and FOLDER/expected with their numbers

Both list, line by line: file, tensor, dtype, shape (2x3), and for each number its bits as a double, in hexadecimal.
Needs Python alone.
"""

import json
import os
import struct
import sys

SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


def fail(file, text):
    sys.exit(f"{file}: {text}")


def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError(f"a key repeats: {keys}")
    return dict(pairs)


def no_constants(word):
    raise ValueError(f"{word} is no JSON")


def check(file):
    with open(file, "rb") as opened:
        content = opened.read()
    if len(content) < 8:
        fail(file, "no length")
    length = int.from_bytes(content[:8], "little")
    if length > 100_000_000 or 8 + length > len(content):
        fail(file, "the header is too long")
    if (8 + length) % 8 != 0:
        fail(file, "the data are not aligned to 8 bytes")
    raw, data = content[8:8 + length], content[8 + length:]
    if raw[:1] != b"{":
        fail(file, "the header does not begin with {")
    if raw.rstrip(b" ")[-1:] != b"}":
        fail(file, "the header is filled up with something else than spaces")
    header = json.loads(raw.decode("utf-8"), object_pairs_hook=no_duplicates, parse_constant=no_constants)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        fail(file, "metadata are not all text")
    end, lines = 0, []
    for name, entry in header.items():
        if set(entry) != {"dtype", "shape", "data_offsets"}:
            fail(file, f"{name} has the fields {sorted(entry)}")
        if entry["dtype"] not in SIZES:
            fail(file, f"{name} has the dtype {entry['dtype']}")
        count = 1
        for extent in entry["shape"]:
            if type(extent) is not int or extent < 0:
                fail(file, f"{name} has the shape {entry['shape']}")
            count *= extent
        begin, stop = entry["data_offsets"]
        if type(begin) is not int or type(stop) is not int:
            fail(file, f"{name} has offsets that are no whole numbers")
        if begin != end:  # in the order of the header: sorted, without hole or overlap
            fail(file, f"{name} begins at {begin}, the one before ends at {end}")
        if stop - begin != count * SIZES[entry["dtype"]]:
            fail(file, f"{name} has {stop - begin} bytes for {count} numbers")
        end = stop
        lines.append(line(file, name, entry["dtype"], entry["shape"], data[begin:stop]))
    if end != len(data):
        fail(file, f"{len(data)} bytes of data, {end} are used")
    return lines


def numbers(dtype, data):
    if dtype == "BF16":  # the upper half of an F32
        halves = struct.unpack(f"<{len(data) // 2}H", data)
        return struct.unpack(f"<{len(halves)}f", struct.pack(f"<{len(halves)}I", *(half << 16 for half in halves)))
    code = {"F64": "d", "F32": "f", "F16": "e"}[dtype]
    return struct.unpack(f"<{len(data) // SIZES[dtype]}{code}", data)


def line(file, name, dtype, shape, data):
    bits = " ".join("nan" if value != value else f"{struct.unpack('<Q', struct.pack('<d', value))[0]:x}"
                    for value in numbers(dtype, data))
    return " ".join([os.path.basename(file), name, dtype, "x".join(map(str, shape)) or "-", bits]).rstrip()


def write(folder):
    """Each file in the manner of another writer; the numbers are those that another reader would find."""
    lines = []

    def put(file, tensors, layout="plain", metadata=None, order=None):
        data, entries = b"", {}
        for name, dtype, shape, content in tensors:
            fields = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
            if layout == "shuffled":
                fields = dict(reversed(fields.items()))
            entries[name] = fields
            data += content
            lines.append(line(file, name, dtype, shape, content))
        if order is not None:
            entries = {name: entries[name] for name in order}
        header = {}
        if metadata is not None and layout != "shuffled":
            header["__metadata__"] = metadata
        header.update(entries)
        if metadata is not None and layout == "shuffled":
            header["__metadata__"] = metadata
        if layout == "pretty":
            text = json.dumps(header, indent=2).encode()
        elif layout == "plain":
            text = json.dumps(header).encode()
        else:
            text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        if layout != "unpadded":
            text += b" " * (-len(text) % 8)
        with open(os.path.join(folder, file), "wb") as opened:
            opened.write(len(text).to_bytes(8, "little") + text + data)

    halves = struct.pack("<65536H", *range(65536))
    floats = struct.pack("<6f", 0.0, -0.0, 1.5, -1e-45, 3.4028234663852886e38, 1e-30)
    doubles = struct.pack("<4d", 1.0, -0.5, 2.0 ** -149, 1.0 / 1024)
    put("f16", [("halves", "F16", [256, 256], halves)], metadata={"format": "pt"})
    put("bf16", [("halves", "BF16", [65536], halves)], metadata={"format": "pt"})
    put("f32", [("weight", "F32", [2, 3], floats), ("bias", "F32", [0], b""), ("scale", "F32", [], floats[8:12])],
        layout="compact", metadata={"format": "np", "猫": "chat"})
    put("f64", [("a", "F64", [2, 2], doubles)], layout="pretty")
    # Sorted by size of the type and then by name, as the reference writer does; the keys in another order.
    put("mixed", [("z", "F64", [1], doubles[:8]), ("a", "F32", [1, 1, 1], floats[8:12]), ("model.编码.b", "BF16", [2],
        b"\x80\x3f\x00\xc0"), ("c", "F16", [1], b"\x00\x3c")],
        layout="shuffled", metadata={}, order=["c", "a", "z", "model.编码.b"])
    put("unpadded", [("x", "F32", [1], floats[8:12])], layout="unpadded")
    put("empty", [])
    with open(os.path.join(folder, "expected"), "w", encoding="utf-8") as opened:
        opened.write("\n".join(lines) + "\n")


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "write":
        write(sys.argv[2])
    elif len(sys.argv) > 2 and sys.argv[1] == "check":
        for file in sys.argv[2:]:
            for text in check(file):
                print(text)
    else:
        sys.exit(__doc__)


main()
