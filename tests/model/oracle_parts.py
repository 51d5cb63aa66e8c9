"""What the comparisons with PyTorch share: safetensors in and out, and the comparing.

Importing this where there is no PyTorch ends the program with exit code 77.
"""
import json
import math
import struct
import sys

try:
    import numpy as np
    import torch
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

DTYPES = {"F32": "<f4", "F64": "<f8", "F16": "<f2", "I32": "<i4", "U32": "<u4", "I64": "<i8",
          "U8": "u1"}
NOISE = 1e-6  # of the largest gradient: what single precision may leave where zero is due


def read_header(path):
    """The header as JSON, and the data's bytes."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(size)), file.read()


def read_safetensors(path):
    header, data = read_header(path)
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if entry["dtype"] == "BF16":
            upper = np.frombuffer(data[begin:end], dtype="<u2").astype("<u4")
            array = (upper << 16).view("<f4")
        else:
            array = np.frombuffer(data[begin:end], dtype=DTYPES[entry["dtype"]])
        tensors[name] = torch.from_numpy(array.reshape(entry["shape"]).copy())
    return tensors


def bytes_of(tensor, dtype):
    """The bytes of a tensor stored as this dtype."""
    if dtype == "BF16":
        return tensor.to(torch.bfloat16).view(torch.int16).numpy().tobytes()
    return tensor.numpy().astype(DTYPES[dtype]).tobytes()


def write_safetensors(path, tensors, dtype="F32", metadata=None):
    """Floats are stored as `dtype`, whole numbers as they are (I64 or I32)."""
    header, data = {}, []
    if metadata:
        header["__metadata__"] = metadata
    at = 0
    for name, tensor in tensors.items():
        stored = dtype
        if not tensor.is_floating_point():
            stored = {torch.int64: "I64", torch.int32: "I32"}[tensor.dtype]
        data.append(bytes_of(tensor.detach().contiguous(), stored))
        header[name] = {"dtype": stored, "shape": list(tensor.shape),
                        "data_offsets": [at, at + len(data[-1])]}
        at += len(data[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(data))


class Comparison:
    """Compares tensor by tensor: the largest difference against what is allowed."""

    def __init__(self, tolerance):
        self.tolerance = tolerance
        self.n = 0
        self.failures = 0
        self.errors = []  # (largest difference / largest number expected, name)

    def check(self, name, got, want, floor=0.0, rounding=0.0):
        """`floor`: absolute error allowed; `rounding`: absolute error per element."""
        self.n += 1
        if got is None:
            self.fail(f"{name}: missing from expected.safetensors")
            return
        got, want = got.double().reshape(-1), want.double().reshape(-1)
        if got.shape != want.shape:
            self.fail(f"{name}: {got.numel()} values, PyTorch has {want.numel()}")
            return
        if got.numel() == 0:
            return
        largest = float(want.abs().max())
        difference = (got - want).abs()
        self.errors.append((float(difference.max()) / max(largest, floor, 1e-300), name))
        excess = difference - (self.tolerance * largest + floor + rounding)
        worst = int(torch.nan_to_num(excess, nan=math.inf).argmax())
        if not excess[worst] <= 0:
            self.fail(f"{name}[{worst}]: {got[worst]:.9g}, PyTorch has {want[worst]:.9g}")

    def fail(self, line):
        self.failures += 1
        print(f"different: {line}")
