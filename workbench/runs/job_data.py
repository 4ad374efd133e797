"""Data of a job file: inputs that are files or folders, and named outputs. All mistakes are noted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.entities.configuration import DataInput, DataOutput
from workbench.runs.expressions import has_expressions
from workbench.runs.job_fields import (
    DATA_KEYS,
    DATA_MODES,
    DATA_TYPES,
    EVALUATED,
    INPUT_TYPES,
    OUTPUT_KEYS,
    OUTPUT_MODES,
)
from workbench.runs.job_inputs import NAME, NAME_WORDS
from workbench.runs.job_paths import Here, is_address, is_relative
from workbench.runs.yaml_tree import Mapping, Node, Place, Scalar

if TYPE_CHECKING:
    from workbench.runs.job_reading import JobReader

_REFUSED = {
    "path_on_compute": "where data lies is the machine's business: ${{inputs.x}} says it; leave it out",
    "version": "versions are given one after the other; leave it out",
    "early_available": "belongs to a pipeline; leave it out",
}
_OUTPUT_MODES_OF_INPUTS = ("rw_mount", "upload")


@dataclass(frozen=True)
class Data:
    """An input that is data, and where it was written."""

    value: DataInput
    place: Place


def bare_data(value: Scalar, name: str, reader: JobReader) -> Data | None:
    """The data that a bare text means: an address, or an unquoted path that is here. None: it is a value."""
    text = value.text
    if not is_address(text):
        if not value.plain or not text.strip() or reader.finder is None:
            return None
        try:
            here = reader.finder.existing(text, value.place)
        except ValueError:
            return None  # no path, then
        if here is None:
            return None
        return Data(
            DataInput(type="uri_folder" if here.directory else "uri_file", path=here.path), value.place
        )
    path = _found(text, None, value, name, reader)
    if path is None:
        return None
    last = text.rpartition("/")[2].partition("?")[0]
    file = "://" in text and not text.lower().startswith("azureml:") and "." in last
    return Data(DataInput(type="uri_file" if file else "uri_folder", path=path), value.place)


def typed_data(value: Mapping, name: str, reader: JobReader) -> Data | None:
    """The data that {type, path, mode} describes."""
    before = len(reader.problems)
    _known(value, name, DATA_KEYS, reader)
    kind = _word(value, "type", name, reader) or "uri_folder"
    if kind not in DATA_TYPES:
        _complain_of(value, "type", name, f"must be one of {', '.join((*DATA_TYPES, *INPUT_TYPES))}", reader)
    mode = _input_mode(value, kind, name, reader)
    node = value.get("path")
    if not isinstance(node, Scalar) or node.null or not node.text.strip():
        place = value.place if node is None else node.place
        reader.complain(place, name, "has no path: say where the data is")
        return None
    path = _found(node.text, kind if value.get("type") else None, node, f"{name}.path", reader)
    if path is None or len(reader.problems) > before:
        return None
    if value.get("type") is None:
        bare = bare_data(Scalar(node.place, node.text), name, reader)
        kind = bare.value.type if bare is not None else kind
    return Data(DataInput(type=kind, path=path, mode=mode), node.place)


def read_outputs(node: Node, path: str, reader: JobReader) -> dict[str, DataOutput] | None:
    """The outputs by name; one without anything is a folder."""
    if not isinstance(node, Mapping):
        reader.complain(node.place, path, "must be a mapping of names to nothing or {type, path, mode, name}")
        return None
    found = {}
    for key, value in node.entries:
        name = f"{path}.{key.text}"
        if not NAME.fullmatch(key.text):
            reader.complain(key.place, name, f"is no name for an output: {NAME_WORDS}")
        elif isinstance(value, Scalar) and value.null:
            found[key.text] = DataOutput()
        elif not isinstance(value, Mapping):
            reader.complain(value.place, name, "must be empty, or a mapping such as {type: uri_folder}")
        elif (output := _output(value, name, reader)) is not None:
            found[key.text] = output
    return found


def _output(value: Mapping, name: str, reader: JobReader) -> DataOutput | None:
    before = len(reader.problems)
    _known(value, name, OUTPUT_KEYS, reader)
    kind = _word(value, "type", name, reader) or "uri_folder"
    if kind in INPUT_TYPES:
        _complain_of(
            value, "type", name, "values as outputs belong to a pipeline; files and folders are kept", reader
        )
    elif kind not in DATA_TYPES:
        _complain_of(value, "type", name, f"must be one of {', '.join(DATA_TYPES)}", reader)
    mode = _word(value, "mode", name, reader) or "rw_mount"
    if mode not in OUTPUT_MODES:
        _complain_of(value, "mode", name, f"must be one of {', '.join(OUTPUT_MODES)} for an output", reader)
    path = _word(value, "path", name, reader)
    if path is not None and is_relative(path):
        words = "must be an absolute path on the machine, or an address; absent = the run's own outputs/"
        _complain_of(value, "path", name, words, reader)
    registered = _word(value, "name", name, reader)
    if len(reader.problems) > before:
        return None
    return DataOutput(type=kind, path=path, mode=mode, name=registered)


def _input_mode(value: Mapping, kind: str, name: str, reader: JobReader) -> str:
    mode = _word(value, "mode", name, reader) or "ro_mount"
    if mode in EVALUATED and kind == "mltable":
        return EVALUATED[mode]
    if mode in EVALUATED:
        _complain_of(
            value, "mode", name, f"{mode} is for an mltable; {', '.join(DATA_MODES)} are for others", reader
        )
    elif mode in _OUTPUT_MODES_OF_INPUTS:
        words = (
            f"{mode} is for an output: what is read is not written to; {', '.join(DATA_MODES)} are for inputs"
        )
        _complain_of(value, "mode", name, words, reader)
    elif mode not in DATA_MODES:
        _complain_of(value, "mode", name, f"must be one of {', '.join(DATA_MODES)}", reader)
    return mode


def _found(text: str, kind: str | None, node: Scalar, name: str, reader: JobReader) -> str | None:
    """The path as it is kept: what is here, absolute; anything else as it was written."""
    if reader.text(node, name, one_line=True) is None:
        return None
    if has_expressions(text):
        reader.complain(node.place, name, "${{...}} is replaced in command only")
        return None
    local = text.lower().startswith("file://") or not (is_address(text) or reader.finder is None)
    if not local or reader.finder is None:
        return text
    try:
        must = is_relative(text) or text.lower().startswith("file://")
        here = (reader.finder.needed if must else reader.finder.existing)(text, node.place)
    except ValueError as reason:
        reader.complain(node.place, name, str(reason))
        return None
    if here is None:
        return text  # an absolute path that is not here is one on the target; so is MACHINE:PATH
    wrong = _misfit(here, kind)
    if wrong is not None:
        reader.complain(node.place, name, wrong)
        return None
    return here.path


def _misfit(here: Here, kind: str | None) -> str | None:
    """Why what is here is not of the type that was said."""
    if kind == "uri_file" and here.directory:
        return f"{here.path} is a folder: its type is uri_folder"
    if kind in ("uri_folder", "mltable", "mlflow_model", "triton_model") and not here.directory:
        return f"{here.path} is a file: {kind} wants a folder"
    return None


def _known(value: Mapping, name: str, keys: tuple[str, ...], reader: JobReader) -> None:
    for key, _ in value.entries:
        if key.text not in keys:
            words = _REFUSED.get(key.text, f"unknown field; known are {', '.join(keys)}")
            reader.complain(key.place, f"{name}.{key.text}", words)


def _word(value: Mapping, key: str, name: str, reader: JobReader) -> str | None:
    """The text of one field, None where it is absent or wrong (and noted)."""
    node = value.get(key)
    if node is None or (isinstance(node, Scalar) and node.null):
        return None
    if not isinstance(node, Scalar):
        reader.complain(node.place, f"{name}.{key}", "must be text")
        return None
    return reader.text(node, f"{name}.{key}", one_line=True)


def _complain_of(value: Mapping, key: str, name: str, message: str, reader: JobReader) -> None:
    node = value.get(key)
    reader.complain(value.place if node is None else node.place, f"{name}.{key}", message)
