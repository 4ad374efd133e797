"""What a model's file is, by its content: nothing is loaded, and what looks like a pickle is called one.

"Runs code" means that loading it with its usual tool can run whatever its maker put in. Where a content
cannot be looked into, its name decides, and the worse of both counts.
"""

from __future__ import annotations

import bz2
import errno
import json
import lzma
import pickletools
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

HEAD = 1 << 16
"""Bytes of a file's beginning that are looked at."""
MOST_DIRECTORY = 32 << 20
"""Bytes of a zip's directory; a larger one is not read."""
_PICKLE_NAMES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin.pkl", ".dill", ".cloudpickle")
_CODE_OPCODES = frozenset({
    "GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "REDUCE", "BUILD", "EXT1", "EXT2", "EXT4",
})  # fmt: skip
_MOST_OPCODES = 20_000
_PACKED = (
    b"\x1f\x8b",
    b"\x78\x01",
    b"\x78\x5e",
    b"\x78\x9c",
    b"\x78\xda",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x5d\x00\x00",
)


class Recognised(NamedTuple):
    """What a file is."""

    format: str | None
    """None when it is nothing we know."""
    runs_code: bool = False


UNKNOWN = Recognised(None)


def recognise(path: str, source: BinaryIO, size: int) -> Recognised:
    """What the content of source, a seekable file of so many bytes, is; path is what it is called.

    Never raises for a content, whatever it is; OSError of the disk is the caller's.
    """
    head = source.read(HEAD)
    name = path.rpartition("/")[2].lower()
    found = _by_content(head, source, size, name)
    if found.format is None and name.endswith(_PICKLE_NAMES):
        return Recognised("pickle", True)
    if found.format is None and name.endswith(".py"):
        return Recognised("python", True)
    return found


def _by_content(head: bytes, source: BinaryIO, size: int, name: str) -> Recognised:
    pickled = _pickled(head)
    if pickled is not None:
        return Recognised(pickled, True)
    for test in (_safetensors, _magic, _onnx):
        found = test(head, size, name)
        if found is not None:
            return found
    if _has_zip_end(source, size):
        return _zip(source, size)
    if head.startswith(_PACKED):
        inner = _pickled(_unpacked(head))
        if inner is not None:
            return Recognised("joblib" if "joblib" in name or inner == "joblib" else inner, True)
        if _unpacked(head)[:2] in (b"X\n", b"A\n") or _unpacked(head)[:5] == b"RDX3\n":
            return Recognised("rds", True)
    return UNKNOWN


def _pickled(head: bytes) -> str | None:
    """What kind of pickle begins so; None when none does. Opcodes are read, nothing is run."""
    if len(head) < 2:
        return None
    modern = head[0] == 0x80 and 2 <= head[1] <= 5
    if not modern and not (head[0:1] in b"(c]}\x80ilSVIFGJKMNTUXB" and head[0:1]):
        return None
    count, code, whole, classes = 0, False, False, list[str]()
    try:
        for opcode, argument, _ in pickletools.genops(head):
            count += 1
            code = code or opcode.name in _CODE_OPCODES
            if opcode.name in ("GLOBAL", "INST", "SHORT_BINUNICODE", "BINUNICODE") and len(classes) < 200:
                classes.append(str(argument)[:200])
            whole = whole or opcode.name == "STOP"
            if count >= _MOST_OPCODES:
                break
    except ValueError:
        pass  # it ends in the middle, or stops being one: what was read until there decides
    if modern:
        # The header is two bytes that little else begins with; a third that is an opcode settles it.
        return _kind(classes) if count >= 2 else None
    return _kind(classes) if (code and whole) or (code and count >= 8) else None


def _kind(classes: Sequence[str]) -> str:
    said = " ".join(classes)
    if "joblib.numpy_pickle" in said:
        return "joblib"
    return "torch" if "torch._utils" in said else "pickle"


def _safetensors(head: bytes, size: int, name: str) -> Recognised | None:
    if len(head) < 10 or head[8:9] != b"{":
        return None
    (length,) = struct.unpack("<Q", head[:8])
    if not 2 <= length <= min(size - 8, 100 << 20):
        return None
    text = head[8 : 8 + length]
    if len(text) == length:
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return None
    return Recognised("safetensors")


def _magic(head: bytes, size: int, name: str) -> Recognised | None:
    if head.startswith(b"GGUF"):
        return Recognised("gguf")
    if head[4:8] == b"TFL3":
        return Recognised("tflite")
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return Recognised("hdf5", b'"Lambda"' in head)
    if head.startswith(b"\x93NUMPY"):
        return Recognised("numpy", b"'|O'" in head[:512] or b"'O'" in head[:512])
    if name == "saved_model.pb":
        return Recognised("tensorflow")
    if name == "mlmodel":
        return Recognised("mlflow")
    return None


def _onnx(head: bytes, size: int, name: str) -> Recognised | None:
    """ModelProto begins with its ir_version (a small number) and its producer or graph."""
    if len(head) > 3 and head[0] == 0x08 and 1 <= head[1] <= 32 and head[2] in (0x12, 0x1A, 0x22, 0x32, 0x3A):
        return Recognised("onnx")
    return Recognised("onnx") if name.endswith(".onnx") and head[:1] == b"\x08" else None


def _has_zip_end(source: BinaryIO, size: int) -> bool:
    source.seek(max(0, size - 65_557))
    return b"PK\x05\x06" in source.read()


def _zip(source: BinaryIO, size: int) -> Recognised:
    """A zip by the names and beginnings in it; one that cannot be looked into may hold anything."""
    source.seek(max(0, size - 65_557))
    tail = source.read()
    at = tail.rfind(b"PK\x05\x06")
    directory = struct.unpack("<L", tail[at + 12 : at + 16])[0] if len(tail) >= at + 16 else MOST_DIRECTORY
    if directory >= MOST_DIRECTORY:
        return Recognised("zip", True)
    source.seek(0)
    try:
        with zipfile.ZipFile(source) as archive:
            return _members(archive)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, KeyError, NotImplementedError, EOFError,
            UnicodeError, struct.error, zlib.error, lzma.LZMAError, RuntimeError, OverflowError):  # fmt: skip
        return Recognised("zip", True)
    except OSError as problem:
        # A place that no file has, or what bzip2 cannot unpack: the content's fault, not the disk's.
        if problem.errno not in (None, errno.EINVAL):
            raise
        return Recognised("zip", True)


def _members(archive: zipfile.ZipFile) -> Recognised:
    names = [info.filename for info in archive.infolist()[:100_000]]
    last = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in last and any("/code/" in f"/{name}" for name in names):
        return Recognised("torchscript", True)
    if "data.pkl" in last:
        return Recognised("torch", True)
    if "schema.json" in last:
        return Recognised("skops", any(name.endswith((".pkl", ".pickle")) for name in names))
    if "config.json" in last and any(name.endswith(".h5") for name in names):
        return Recognised("keras", b'"Lambda"' in _begin(archive, "config.json", 1 << 20))
    if any(name.endswith((".pkl", ".pickle", ".joblib")) for name in names):
        return Recognised("zip", True)
    if names and all(name.endswith(".npy") for name in names):
        objects = any(b"'|O'" in _begin(archive, name, 512) for name in names[:1000])
        return Recognised("numpy", objects)
    return Recognised("zip", any(_risky(archive, name) for name in names[:200]))


def _risky(archive: zipfile.ZipFile, name: str) -> bool:
    """Whether a member runs code, or is an archive that may hold what does: nobody unpacks it here to see."""
    head = _begin(archive, name, 4096)
    return _pickled(head) is not None or head.startswith((b"PK\x03\x04", *_PACKED[:1], *_PACKED[5:7]))


def _begin(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with archive.open(name) as member:
        return member.read(most)


def _unpacked(head: bytes) -> bytes:
    """The beginning of what a packed beginning holds; what there is of it before it breaks off."""
    try:
        if head.startswith(b"BZh"):
            return bz2.BZ2Decompressor().decompress(head, HEAD)
        if head.startswith((b"\xfd7zXZ\x00", b"\x5d\x00\x00")):
            return lzma.LZMADecompressor(memlimit=64 << 20).decompress(head, HEAD)
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(head, HEAD)
    except (OSError, ValueError, zlib.error, lzma.LZMAError, EOFError):
        return b""


_RANK = (
    "mlflow", "torchscript", "torch", "skops", "onnx", "safetensors", "keras", "hdf5", "tensorflow", "tflite",
    "gguf", "joblib", "pickle", "numpy", "rds", "zip",
)  # fmt: skip


def main_format(formats: Sequence[str]) -> str | None:
    """The format a whole model is said to have, of those of its files."""
    return next((one for one in _RANK if one in formats), None)
