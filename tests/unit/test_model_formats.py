"""What a model's file is by its content; nothing of a stranger's file is ever loaded, nothing breaks the look."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.entities.snapshot import Entry, EntryKind
from workbench.errors import UsageError
from workbench.registry import mlflow_model
from workbench.registry.contents import check_entries
from workbench.registry.formats import Recognised, recognise


class Boom:
    """What a hostile pickle holds."""

    def __reduce__(self) -> Any:
        return os.system, ("touch /tmp/this-must-never-be-there",)


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), data)
    return out.getvalue()


def tarred(mode: str = "w", **members: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def safetensors(tensors: dict[str, Any]) -> bytes:
    header = json.dumps(tensors).encode()
    return struct.pack("<Q", len(header)) + header + bytes(16)


def saved(array: Any) -> bytes:
    out = io.BytesIO()
    numpy.save(out, array, allow_pickle=True)
    return out.getvalue()


def what(content: bytes, name: str = "model.bin") -> Recognised:
    return recognise(name, io.BytesIO(content), len(content))


HOSTILE = pickle.dumps(Boom())
FIT = pickle.dumps(OrderedDict(a=[1.0] * 100))


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_of_any_protocol_is_called_one_whatever_its_name_says(protocol: int) -> None:
    content = pickle.dumps(Boom(), protocol=protocol)
    for name in ("model.bin", "model.safetensors", "weights.onnx", "model.txt"):
        assert what(content, name) == Recognised("pickle", True)
    assert not Path("/tmp/this-must-never-be-there").exists()


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bz2.compress, lzma.compress])
def test_a_packed_pickle_too(pack: Any) -> None:
    assert what(pack(HOSTILE)).runs_code
    assert what(pack(FIT), "model.joblib") == Recognised("joblib", True)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (zipped(archive__data_DOT_pkl=FIT, archive__data__0=b"xxxx"), Recognised("torch", True)),
        (zipped(m__code__a_DOT_py=b"", m__constants_DOT_pkl=FIT), Recognised("torchscript", True)),
        (zipped(schema_DOT_json=b"{}", a_DOT_npy=saved(numpy.zeros(3))), Recognised("skops", False)),
        (zipped(schema_DOT_json=b"{}", x_DOT_pkl=HOSTILE), Recognised("skops", True)),
        (zipped(inner_DOT_pickle=HOSTILE), Recognised("zip", True)),
        (zipped(innocent_DOT_txt=HOSTILE), Recognised("zip", True)),
        (zipped(a_DOT_txt=b"hello"), Recognised("zip", False)),
        (zipped(config_DOT_json=b'{"class_name": "Lambda"}', w_DOT_h5=b""), Recognised("keras", True)),
        (zipped(config_DOT_json=b"{}", w_DOT_h5=b""), Recognised("keras", False)),
        (zipped(a_DOT_npy=saved(numpy.array([Boom()], dtype=object))), Recognised("numpy", True)),
        (saved(numpy.zeros(3)), Recognised("numpy", False)),
        (saved(numpy.array([{}], dtype=object)), Recognised("numpy", True)),
        (
            safetensors({"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}),
            Recognised("safetensors"),
        ),
        (b"\x08\x08\x12\x07pytorch\x1a\x03" + bytes(50), Recognised("onnx", False)),
        (b"GGUF\x03\x00\x00\x00", Recognised("gguf", False)),
        (b"\x1c\x00\x00\x00TFL3" + bytes(20), Recognised("tflite", False)),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), Recognised("hdf5", False)),
        (b"\x89HDF\r\n\x1a\n" + b'{"class_name": "Lambda"}', Recognised("hdf5", True)),
        (gzip.compress(b"X\n\x00\x00\x00\x03" + bytes(100)), Recognised("rds", True)),
        (HOSTILE + zipped(a_DOT_txt=b"x"), Recognised("pickle", True)),
        (b"", Recognised(None)),
        (b"acc,loss\n1,2\n", Recognised(None)),
        (b"(just a text that begins like one)\n.", Recognised(None)),
        (b"I am a readme.\n", Recognised(None)),
        (b'{"a": 1}', Recognised(None)),
    ],
    # A zip has the time it was made in: as an id it would be another in each worker.
    ids=lambda value: "content" if isinstance(value, bytes) else "found",
)
def test_what_contents_are(content: bytes, found: Recognised) -> None:
    assert what(content) == found


CALL = b"cos\nsystem\n(S'true'\ntR."
"""A pickle that runs something, by the oldest protocol, which no header announces."""


@pytest.mark.parametrize(
    "content",
    [
        b")0" + CALL,
        b"\x8c\x02os\x8c\x06system\x93(\x8c\x04truetR.",
        CALL[:-1],
        b"X" + struct.pack("<L", 100_000) + b"x" * 100_000 + b"0" + CALL,
        pickle.dumps("x" * 100_000, protocol=2),
        zipped(**{f"m{number}": b"x" for number in range(300)}, last=HOSTILE),
        zipped(inner=tarred(a=HOSTILE)),
        zipped(inner=zlib.compress(HOSTILE)),
        zipped(a_DOT_npy=saved(numpy.array([Boom()], dtype=object)), b_DOT_txt=b""),
        zipped(schema_DOT_json=b"{}", x=HOSTILE),
        zipped(config_DOT_json=b"{}", w_DOT_h5=b"", x=HOSTILE),
        zipped(config_DOT_json=b'{"class_name": "L\\u0061mbda"}', w_DOT_h5=b""),
        tarred(a=HOSTILE),
        tarred(first=b"x", inner=zipped(a=HOSTILE)),
        tarred("w:gz", a=HOSTILE),
        tarred("w:xz", a=HOSTILE),
        tarred(a=b"x" * 2000)[:1000],
        b"\x04\x22\x4d\x18 what joblib packed",
        b"\x89HDF\r\n\x1a\n" + bytes(3 << 20) + b'{"class_name": "Lambda"}',
    ],
    ids=map(str, range(19)),
)
def test_what_runs_code_is_found_where_it_hides(content: bytes) -> None:
    assert what(content, "model.txt").runs_code


@pytest.mark.parametrize(
    "content",
    [
        b"BSD licence\n\n(c) the authors, 2026. All rights reserved.\n" * 20,
        b"cat\ndog\nelk\nfox\n.\n" * 20,
        b"jsonschema/__init__.py,sha256=abc,12\njsonschema/core.py,sha256=def,3\n" * 20,
        b"import os\n\n\ndef load(path):\n    return open(path)\n" * 20,
        tarred(a=b"hello", b=b"1,2,3\n"),
        zipped(**{f"m{number}": b"x" for number in range(300)}),
    ],
    ids=map(str, range(6)),
)
def test_what_only_looks_like_it_is_not_called_so(content: bytes) -> None:
    assert not what(content, "notes").runs_code


def test_where_a_content_says_nothing_the_name_counts_and_a_damaged_zip_may_hold_anything() -> None:
    assert what(b"\x04\x22\x4d\x18 lz4", "model.joblib") == Recognised("pickle", True)
    assert what(b"\x28\xb5\x2f\xfd zstd", "model.pkl.zst") == Recognised("pickle", True)
    whole = zipped(data_DOT_pkl=FIT)
    assert what(whole[:30] + b"\xff" * 40 + whole[70:]).runs_code
    assert what(b"PK\x05\x06" + b"\xff" * 18) == Recognised("zip", True)


def far_away(place: int) -> bytes:
    """A zip whose one member is said to begin at a place that no file has."""
    extra = struct.pack("<HHQ", 1, 8, place)
    sizes = struct.pack("<6H3L5H2L", 45, 45, 0, 0, 0, 0, 0, 4, 4, 5, len(extra), 0, 0, 0, 0, 0xFFFFFFFF)
    directory = b"PK\x01\x02" + sizes + b"a.dat" + extra
    return directory + b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, len(directory), 0, 0)


def broken_bzip2() -> bytes:
    """A zip whose member was packed by bzip2 and is none any more."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.dat", b"x" * 5000)
    head, mark, tail = out.getvalue().partition(b"BZh")
    return head + mark + bytes(8) + tail[8:]


@given(st.binary(max_size=300), st.sampled_from(["a.bin", "a.zip", "MLmodel", "a.onnx"]))
@example(b"\x80\x04", "a.bin")
@example(b"\x80\x02\xff", "a.bin")
@example(b"PK\x05\x06" + bytes(18), "a.zip")
@example(struct.pack("<Q", 1 << 60) + b"{}", "a.bin")
@example(struct.pack("<Q", 60_000) + b"{" + b"[" * 60_000, "a.bin")
@example(b"\x1f\x8b\x08" + bytes(100), "a.bin")
@example(b"]" * 200, "a.bin")
@example(far_away(1 << 62), "a.zip")
@example(far_away((1 << 64) - 1), "a.zip")
@example(broken_bzip2(), "a.zip")
@example(tarred(a=b"x" * 2000)[:1000], "a.tar")
def test_no_content_breaks_the_look(content: bytes, name: str) -> None:
    recognise(name, io.BytesIO(content), len(content))


MLMODEL = b"""artifact_path: model
flavors:
  python_function:
    loader_module: mlflow.sklearn
    python_version: 3.11.2
  sklearn:
    code: null
    pickled_model: model.pkl
    sklearn_version: 1.5.2
model_uuid: 0123
run_id: abc
saved_input_example_info:
  artifact_path: input_example.json
  type: dataframe
signature:
  inputs: '[{"type": "double", "name": "x", "required": true}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: null
utc_time_created: '2026-01-02 03:04:05.678'
"""


def test_an_mlmodel_file_is_read() -> None:
    found = mlflow_model.read(MLMODEL)
    assert (found.framework, found.framework_version, found.run) == ("scikit-learn", "1.5.2", "abc")
    assert found.example == "input_example.json"
    assert found.signature is not None
    assert found.signature["inputs"][0]["name"] == "x"
    assert found.signature["outputs"][0]["tensor-spec"]["shape"] == [-1]
    assert "params" not in found.signature
    assert set(found.flavors) == {"python_function", "sklearn"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"just a text",
        b"[1, 2]",
        b"flavors: 3",
        b"flavors: !!python/object/apply:os.system ['touch /tmp/this-must-never-be-there']",
        b"flavors: !!python/name:os.system {}",
        b"flavors: {a: &x [1], b: *x}",
        b"flavors: " + b"[" * 5000,
        b"flavors: " + b"{a: " * 200 + b"}" * 200,
        b"flavors: {a: 1}\n" * 2 + b"\x00",
        b"a: &a [x,x]\nb: &b [*a,*a]\nflavors: [*b,*b]",
        b"x" * (mlflow_model.LARGEST + 1),
    ],
)
def test_an_mlmodel_file_that_is_none_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(UsageError):
        mlflow_model.read(content)
    assert not Path("/tmp/this-must-never-be-there").exists()


@pytest.mark.parametrize(
    "text", ["a: NUMBER", "sklearn: {sklearn_version: NUMBER}", "{? NUMBER : 1}", "{1: {? NUMBER : NUMBER}}"]
)
def test_a_number_too_long_to_write_out_is_no_way_to_break_it(text: str) -> None:
    long = "0x" + "f" * 6000
    found = mlflow_model.read(f"flavors:\n  {text.replace('NUMBER', long)}\n".encode())
    assert len(json.dumps(found.flavors)) < 1000
    assert len(found.framework_version or "") < 100


def test_what_an_mlmodel_file_says_is_harmless_on_a_screen() -> None:
    hostile = (
        b'flavors: {"sk\\e[2Jlearn": {"x": "\\e]0;title\\a", "n": 123456789012345678901234567890, "f": .nan}}'
    )
    found = mlflow_model.read(hostile)
    assert "\x1b" not in json.dumps(found.flavors).encode().decode("unicode_escape")
    assert mlflow_model.example_of(b"[" * 100_000) is None
    assert mlflow_model.example_of(b"not json") is None


@pytest.mark.parametrize(
    "paths",
    [
        [],
        ["../x"],
        ["/etc/passwd"],
        ["a/../../b"],
        ["a//b"],
        ["./a"],
        ["a\\b"],
        ["a\x00b"],
        ["a\x1b[2Jb"],
        ["a\nb"],
        ["a", "a"],
        ["A", "a"],
        ["a", "a/b"],
        ["/" + "a" * 5000],
        ["x/" * 200 + "y"],
        ["a" * 300],
    ],
)
def test_paths_that_would_escape_collide_or_control_a_terminal_are_refused(paths: list[str]) -> None:
    with pytest.raises(UsageError):
        check_entries([Entry(path=path, size=1, sha256="0" * 64) for path in paths])


def test_a_model_has_no_links_and_a_bound() -> None:
    with pytest.raises(UsageError):
        check_entries([Entry(path="a", kind=EntryKind.LINK, target="/etc/passwd")])
    with pytest.raises(UsageError):
        check_entries([Entry(path=str(number), size=1, sha256="0" * 64) for number in range(10_001)])
    check_entries([Entry(path="a b/c.d", size=1, sha256="0" * 64)])
