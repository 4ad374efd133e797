"""How a job file says that several processes run, what their container has, which services it wants. Pure."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from workbench.entities.configuration import Distribution
from workbench.runs import scalars
from workbench.runs.job_fields import DISTRIBUTIONS, MOST_PROCESSES, SERVICES
from workbench.runs.yaml_tree import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from workbench.runs.job_reading import JobReader

PROCESSES = "process_count_per_instance"
_COUNTS = {"tensorflow": ("worker_count", "parameter_server_count")}
_SIZE = re.compile(r"([0-9]{1,18})\s*([bkmgt]?)(?:i?b)?", re.IGNORECASE)
_UNITS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_SERVICE_KEYS = ("type", "job_service_type", "nodes", "log_dir")
_SERVICES_REFUSED = {
    "vs_code": "open the machine with your editor's own SSH",
    "custom": "wb run forward RUN PORT leads a port of the run here",
}


def read_distribution(node: Node, path: str, reader: JobReader) -> Distribution | None:
    """The processes that {type, ...} asks for."""
    if not isinstance(node, Mapping):
        reader.complain(node.place, path, f"must be a mapping such as {{type: pytorch, {PROCESSES}: 2}}")
        return None
    kind = _kind(node, path, reader)
    counts: dict[str, int] = {}
    for key, value in node.entries:
        name = f"{path}.{key.text}"
        if key.text == "type":
            continue
        of_kind = _COUNTS.get(kind or "", (PROCESSES,))
        if kind is not None and key.text not in of_kind:
            known = ", ".join(("type", *of_kind))
            reader.complain(key.place, name, f"unknown field for {kind}; known are {known}")
        elif kind is not None and not (isinstance(value, Scalar) and value.null):
            count = scalars.integer(value.text) if isinstance(value, Scalar) else None
            least = 0 if key.text == "parameter_server_count" else 1
            if count is None or not least <= count <= MOST_PROCESSES:
                reader.complain(value.place, name, f"must be a whole number from {least} to {MOST_PROCESSES}")
            else:
                counts[key.text] = count
    if kind is None:
        return None
    servers = counts.get("parameter_server_count", 0)
    workers = counts.get("worker_count", counts.get(PROCESSES, 1))
    if workers + servers > MOST_PROCESSES:
        reader.complain(node.place, path, f"more than {MOST_PROCESSES} processes")
        return None
    return Distribution(type=kind, processes=workers + servers, parameter_servers=servers)


def _kind(node: Mapping, path: str, reader: JobReader) -> str | None:
    value = node.get("type")
    if not isinstance(value, Scalar) or value.null:
        place = node.place if value is None else value.place
        reader.complain(place, f"{path}.type", f"must be one of {', '.join(DISTRIBUTIONS)}")
        return None
    kind = value.text.lower()
    if kind == "ray":
        reader.complain(
            value.place, f"{path}.type", "Ray starts its own processes: run `ray start` in the command"
        )
        return None
    if kind not in DISTRIBUTIONS:
        reader.complain(value.place, f"{path}.type", f"must be one of {', '.join(DISTRIBUTIONS)}")
        return None
    return kind


def read_size(node: Node, path: str, reader: JobReader) -> int | None:
    """Bytes of a size as container engines take it: 2g, 512m, or a number of bytes."""
    found = _SIZE.fullmatch(node.text.strip()) if isinstance(node, Scalar) else None
    size = int(found[1]) << 10 * _UNITS[found[2].lower()] if found else 0
    if not 0 < size < 1 << 60:
        reader.complain(node.place, path, "must be a size such as 2g or 512m")
        return None
    return size


def read_words(node: Node, path: str, reader: JobReader) -> list[str] | None:
    """One text that is split as a shell splits it, or a list of words."""
    if isinstance(node, Sequence):
        return reader.lines(node, path)
    text = reader.text(node, path) if isinstance(node, Scalar) else None
    if not isinstance(node, Scalar):
        reader.complain(node.place, path, "must be text or a list of words")
    if text is None:
        return None
    try:
        return shlex.split(text)
    except ValueError:
        reader.complain(node.place, path, "has a quote that is never closed")
        return None


def read_services(node: Node, path: str, reader: JobReader) -> dict[str, str] | None:
    """The tools that are wanted by name. Every run here has them: they are started when somebody asks."""
    if not isinstance(node, Mapping):
        reader.complain(node.place, path, "must be a mapping of names to {type: tensor_board}")
        return None
    found = {}
    for key, value in node.entries:
        name = f"{path}.{key.text}"
        if not isinstance(value, Mapping):
            reader.complain(value.place, name, "must be a mapping such as {type: tensor_board}")
            continue
        kind = value.get("type") or value.get("job_service_type")
        word = kind.text.lower() if isinstance(kind, Scalar) else ""
        for field, _ in value.entries:
            if field.text == "port":
                words = "the port is chosen here: wb run forward says it; leave it out"
                reader.complain(field.place, f"{name}.port", words)
            elif field.text not in _SERVICE_KEYS:
                known = ", ".join(_SERVICE_KEYS)
                reader.complain(field.place, f"{name}.{field.text}", f"unknown field; known are {known}")
        if word in SERVICES:
            found[key.text] = SERVICES[word]
        else:
            why = _SERVICES_REFUSED.get(word, f"must be one of {', '.join(SERVICES)}")
            reader.complain(value.place if kind is None else kind.place, f"{name}.type", why)
    return found
