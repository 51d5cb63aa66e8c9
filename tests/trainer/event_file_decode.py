"""Decodes TensorBoard event files without TensorBoard: frames, checksums, messages.

Prints a JSON object per event: {"wall": s, "step": n, and one of "version", "restart",
"scalars": {tag: value}, "texts": {tag: [strings]}}. Ends with 1 on the first byte that
does not fit."""
import json
import struct
import sys
from math import isfinite

TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    at = 0
    while at < len(data):
        head = data[at : at + 8]
        (length,) = struct.unpack("<Q", head)
        (crc,) = struct.unpack("<I", data[at + 8 : at + 12])
        assert crc == masked(head), f"checksum of the length at byte {at}"
        body = data[at + 12 : at + 12 + length]
        assert len(body) == length, f"record cut off at byte {at}"
        (crc,) = struct.unpack("<I", data[at + 12 + length : at + 16 + length])
        assert crc == masked(body), f"checksum of the record at byte {at}"
        yield body
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data):
    """{number: [values]} of a message."""
    found, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 1:
            value, at = struct.unpack("<d", data[at : at + 8])[0], at + 8
        elif wire == 5:
            value, at = struct.unpack("<f", data[at : at + 4])[0], at + 4
        elif wire == 2:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
            assert len(value) == length
        else:
            raise AssertionError(f"wire type {wire}")
        found.setdefault(number, []).append(value)
    return found


def text_of(value):
    """The strings of a Value for the plugin "text"."""
    metadata = fields(value[9][0])
    assert fields(metadata[1][0])[1] == [b"text"]
    tensor = fields(value[8][0])
    assert tensor[1] == [7]  # DT_STRING
    sizes = [fields(dim)[1][0] for dim in fields(tensor[2][0])[2]]
    assert sizes == [len(tensor[8])]
    return [string.decode() for string in tensor[8]]


def event_of(body):
    event = fields(body)
    out = {"wall": event[1][0], "step": event.get(2, [0])[0]}
    if 3 in event:
        out["version"] = event[3][0].decode()
    if 7 in event:
        assert fields(event[7][0])[1] == [1]  # START
        out["restart"] = True
    for summary in event.get(5, []):
        for body_of_value in fields(summary)[1]:
            value = fields(body_of_value)
            tag = value[1][0].decode()
            if 2 in value:
                number = value[2][0]
                out.setdefault("scalars", {})[tag] = number if isfinite(number) else str(number)
            else:
                out.setdefault("texts", {})[tag] = text_of(value)
    return out


for path in sys.argv[1:]:
    with open(path, "rb") as file:
        for number, body in enumerate(records(file.read())):
            event = event_of(body)
            assert (number == 0) == ("version" in event), "the version comes first"
            print(json.dumps(event))
