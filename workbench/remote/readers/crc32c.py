"""CRC-32C as event files have it. Pure Python: no standard library has this polynomial."""

from typing import List


def _table() -> List[int]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ 0x82F63B78 if value & 1 else value >> 1
        found.append(value)
    return found


_TABLE = _table()


def masked(data: bytes) -> int:
    """The checksum of data, rotated and shifted as TFRecord files store it."""
    table, crc = _TABLE, 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
