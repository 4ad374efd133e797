"""What a model's file is, by its content: nothing is loaded, and what looks like a pickle is called one.

"Runs code" means that loading it with its usual tool can run whatever its maker put in. Where a content
cannot be looked into, its name decides, and the worse of both counts.
"""

from __future__ import annotations

import bz2
import errno
import io
import json
import lzma
import pickletools
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any, BinaryIO, NamedTuple

HEAD = 1 << 16
"""Bytes of a file's beginning that are looked at."""
MOST_DIRECTORY = 32 << 20
"""Bytes of a zip's directory; a larger one is not read."""
_PICKLE_NAMES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin.pkl", ".dill", ".cloudpickle")
_NAMING = frozenset({"GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"})
_RUNNING = frozenset({"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "REDUCE", "BUILD", "STOP"})
"""Opcodes that run what was named; STOP since naming it has imported it."""
_CLASS = re.compile(r"[\w.]+ [\w.]+|\d+")
_OPCODES = frozenset(ord(opcode.code) for opcode in pickletools.opcodes)
_LONG = {ord("X"): 4, ord("T"): 4, ord("B"): 4, 0x8D: 8, 0x8E: 8, 0x96: 8}
"""Opcodes of a text or bytes of any length, and how many bytes say how long."""
_LONGEST_UNKNOWN = 0x1FFF_FFFF
"""Bytes a packed content may have; four letters read as a length are more."""
_MOST_OPCODES = 20_000
MOST_MEMBERS = 10_000
"""Members of an archive; one with more is not looked through."""
_MEMBER = 4096
"""Bytes of a member's beginning that are looked at."""
_LARGEST_CONFIG = 32 << 20
_HDF5 = b"\x89HDF\r\n\x1a\n"
_NUMPY = b"\x93NUMPY"
_LZ4 = b"\x04\x22\x4d\x18"
_PACKED_NAMES = (".gz", ".bz2", ".xz", ".lzma", ".zst", ".lz4", ".z")
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
    if found.format is not None:
        return found
    bare = next((name.removesuffix(end) for end in _PACKED_NAMES if name.endswith(end)), name)
    if bare.endswith(_PICKLE_NAMES):
        return Recognised("pickle", True)
    if name.endswith(".py"):
        return Recognised("python", True)
    # joblib unpacks it whatever it is called; nothing here can, to see.
    return Recognised("lz4", True) if head.startswith(_LZ4) else found


def _by_content(head: bytes, source: BinaryIO, size: int, name: str) -> Recognised:
    pickled = _pickled(head, size)
    if pickled is not None:
        return Recognised(pickled, True)
    for test in (_safetensors, _magic, _onnx):
        found = test(head, size, name)
        if found is not None:
            return found
    if head.startswith(_HDF5):
        return Recognised("hdf5", _says(source, b'"Lambda"'))
    if _is_tar(head):
        return _tar(source)
    if _has_zip_end(source, size):
        return _zip(source, size)
    if head.startswith(_PACKED):
        return _packed(_unpacked(head), name)
    return UNKNOWN


def _packed(content: bytes, name: str) -> Recognised:
    """What a packed file is, by the beginning of what it holds."""
    inner = _pickled(content, _LONGEST_UNKNOWN)
    if inner is not None:
        return Recognised("joblib" if "joblib" in name or inner == "joblib" else inner, True)
    if content[:2] in (b"X\n", b"A\n") or content[:5] == b"RDX3\n":
        return Recognised("rds", True)
    # Its members are not unpacked to be looked at: it may hold anything.
    return Recognised("tar", True) if _is_tar(content) else UNKNOWN


def _pickled(head: bytes, size: int) -> str | None:
    """What kind of pickle begins so; None when none does. Opcodes are read, nothing is run.

    size: bytes of the whole content, or the most it may have.
    """
    if len(head) < 2 or head[0] not in _OPCODES:
        return None
    modern = head[0] == 0x80 and 2 <= head[1] <= 5
    source, at, count = io.BytesIO(head), 0, 0
    named, runs, classes, stack = False, False, list[str](), list[Any]()
    try:
        for opcode, argument, _ in pickletools.genops(source):
            if count >= _MOST_OPCODES or not _obeys(stack, opcode):
                break
            at = source.tell()
            count += 1
            if opcode.name in ("GLOBAL", "INST", "SHORT_BINUNICODE", "BINUNICODE") and len(classes) < 200:
                classes.append(str(argument)[:200])
            if opcode.name in _NAMING:
                named = named or not argument or _CLASS.fullmatch(str(argument)) is not None
            runs = runs or (named and opcode.name in _RUNNING)
    except ValueError:
        pass  # it ends in the middle, or stops being one: what was read until there decides
    if _goes_on(head, at, size):
        return _kind(classes)  # what comes behind so long a text cannot be told
    # The header is two bytes that little else begins with; a third that is an opcode settles it.
    return _kind(classes) if runs or (modern and count >= 2) else None


def _obeys(stack: list[Any], opcode: pickletools.OpcodeInfo) -> bool:
    """Do to a pickle's stack what an opcode does; whether it can be done. Texts stop being one here."""
    before, mark = [*opcode.stack_before], pickletools.markobject
    if opcode.name == "POP" and stack[-1:] == [mark]:
        before = [mark]
    if mark in before:
        if mark not in stack:
            return False
        while stack.pop() is not mark:
            pass
        before = before[: before.index(mark)]
    kept = len(stack) - len(before)
    if kept < 0 or mark in stack[kept:]:
        return False
    stack[kept:] = opcode.stack_after
    return True


def _goes_on(head: bytes, at: int, size: int) -> bool:
    """Whether a pickle's text or bytes begins at a place of the head and ends behind it, in the content."""
    width = _LONG.get(head[at]) if at < len(head) else None
    if width is None:
        return False
    start = at + 1 + width
    return len(head) < start + int.from_bytes(head[at + 1 : start], "little") < size


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
    if head.startswith(_NUMPY):
        return Recognised("numpy", _has_objects(head))
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
        _check_fault(problem)
        return Recognised("zip", True)


def _members(archive: zipfile.ZipFile) -> Recognised:
    infos = archive.infolist()
    names = [info.filename for info in infos]
    last = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in last and any("/code/" in f"/{name}" for name in names):
        return Recognised("torchscript", True)
    if "data.pkl" in last:
        return Recognised("torch", True)
    risky = len(infos) > MOST_MEMBERS or any(_risky(archive, info) for info in infos)
    if "schema.json" in last:
        return Recognised("skops", risky)
    if "config.json" in last and any(name.endswith(".h5") for name in names):
        return Recognised("keras", risky or _has_lambda(_begin(archive, "config.json", _LARGEST_CONFIG)))
    return Recognised("numpy" if names and all(name.endswith(".npy") for name in names) else "zip", risky)


def _risky(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    """Whether a member runs code, or is an archive that may hold what does: nobody unpacks it here to see."""
    if info.filename.lower().endswith(_PICKLE_NAMES):
        return True
    return _begins_risky(_begin(archive, info.filename, _MEMBER), info.file_size)


def _begins_risky(head: bytes, size: int) -> bool:
    if head.startswith((b"PK\x03\x04", *_PACKED[:1], *_PACKED[5:7], _LZ4)) or _is_tar(head):
        return True
    if head.startswith(_PACKED) and _pickled(_unpacked(head), _LONGEST_UNKNOWN) is not None:
        return True
    return _pickled(head, size) is not None or (head.startswith(_NUMPY) and _has_objects(head))


def _has_objects(head: bytes) -> bool:
    """Whether an array's header says that it holds objects, which are pickled."""
    return b"'|O'" in head[:_MEMBER] or b"'O'" in head[:_MEMBER]


def _has_lambda(config: bytes) -> bool:
    """Whether a Keras configuration has a layer of code; one that cannot be read may have."""
    try:
        return '"Lambda"' in json.dumps(json.loads(config))
    except (ValueError, RecursionError):
        return True


def _says(source: BinaryIO, word: bytes) -> bool:
    """Whether a word is anywhere in a file."""
    source.seek(0)
    before = b""
    while block := source.read(1 << 20):
        if word in before + block:
            return True
        before = block[-len(word) :]
    return False


def _is_tar(head: bytes) -> bool:
    """Whether a tar of any kind begins so: its first header's checksum is right."""
    try:
        tarfile.TarInfo.frombuf(head[:512], "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def _tar(source: BinaryIO) -> Recognised:
    """A tar by the beginnings of its members; one that cannot be looked through may hold anything."""
    source.seek(0)
    try:
        with tarfile.open(fileobj=source, mode="r:") as archive:
            for count, member in enumerate(archive):
                if count >= MOST_MEMBERS or member.name.lower().endswith(_PICKLE_NAMES):
                    return Recognised("tar", True)
                content = archive.extractfile(member) if member.isreg() else None
                if content is not None and _begins_risky(content.read(_MEMBER), member.size):
                    return Recognised("tar", True)
    except (tarfile.TarError, ValueError, KeyError, EOFError, OverflowError, struct.error):
        return Recognised("tar", True)
    except OSError as problem:
        _check_fault(problem)
        return Recognised("tar", True)
    return Recognised("tar")


def _check_fault(problem: OSError) -> None:
    """Raise it where the disk is at fault; a place that no file has, and what cannot be unpacked, is not."""
    if problem.errno not in (None, errno.EINVAL):
        raise problem


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
    "gguf", "joblib", "pickle", "numpy", "rds", "lz4", "zip", "tar",
)  # fmt: skip


def main_format(formats: Sequence[str]) -> str | None:
    """The format a whole model is said to have, of those of its files."""
    return next((one for one in _RANK if one in formats), None)
