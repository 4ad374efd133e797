"""From W&B's Record messages to entries. Pure. Field numbers are those of its wandb_internal.proto."""

import json
from typing import Any, Dict, List, Optional, Set, Tuple

from workbench.remote.forms.record_form import encode_number
from workbench.remote.readers import protobuf
from workbench.remote.readers.entries import (
    MOST_NAMES,
    Entry,
    flatten,
    metric,
    number_of,
    param,
    status,
    tag,
)

HISTORY, SUMMARY, CONFIG, RUN, EXIT = 2, 3, 5, 17, 18
OWN_TAGS = {6: "wandb.group", 7: "wandb.job_type", 8: "wandb.name", 9: "wandb.notes"}  # of a RunRecord
RUN_CONFIG, RUN_TAGS = 4, 10


class Memory(object):
    """What has to be known of earlier records: names that were logged, and the summary of the others."""

    def __init__(self, logged: Any, summary: Any) -> None:
        self.logged: Set[str] = set(logged) if isinstance(logged, list) else set()
        self.summary: Dict[str, Any] = dict(summary) if isinstance(summary, dict) else {}


def entries(record: bytes, memory: Memory) -> List[Entry]:
    """The entries of one Record message. Raises ValueError for what is none."""
    for number, wire, value in protobuf.fields(record):
        if wire != protobuf.BYTES or not isinstance(value, bytes):
            continue
        if number == HISTORY:
            return _history(value, memory)
        if number == SUMMARY:
            _remember(value, memory)
        elif number == CONFIG:
            return _config(value)
        elif number == RUN:
            return _run(value)
        elif number == EXIT:
            return _exit(value, memory)
    return []


def _items(message: bytes, wanted: int) -> Dict[str, Any]:
    """Name and value of the items of a message, nested ones joined by a dot."""
    found: Dict[str, Any] = {}
    for number, _, value in protobuf.fields(message):
        if number == wanted and isinstance(value, bytes) and len(found) < MOST_NAMES:
            name, text = _item(value)
            if name:
                found[name] = text
    return found


def _item(message: bytes) -> Tuple[str, Any]:
    """One item: key=1, nested_key=2 (repeated, in its place), value_json=16."""
    key = ""
    nested: List[str] = []
    value: Any = None
    for number, _, content in protobuf.fields(message):
        if not isinstance(content, bytes):
            continue
        if number == 1:
            key = protobuf.text(content)
        elif number == 2:
            nested.append(protobuf.text(content))
        elif number == 16:
            try:
                value = json.loads(protobuf.text(content))
            except (ValueError, RecursionError):
                value = None
    return ".".join(nested) or key, value


def _levels(items: Dict[str, Any]) -> Dict[str, Any]:
    """Items as one level of names, without W&B's own and without media."""
    return {
        name: value
        for name, value in flatten(items, ".").items()
        if not name.startswith("_") and "._type" not in name
    }


def _values(items: Dict[str, Any]) -> Dict[str, Any]:
    """The numbers and texts among them; what belongs to a picture or table is left out."""
    media = {name for name, value in items.items() if isinstance(value, dict) and "_type" in value}
    found = _levels({name: value for name, value in items.items() if name not in media})
    numbers = {name: number_of(value) for name, value in found.items()}
    return {
        name: value if numbers[name] is None else numbers[name]
        for name, value in found.items()
        if numbers[name] is not None or isinstance(value, str)
    }


def _history(message: bytes, memory: Memory) -> List[Entry]:
    items = _items(message, 1)
    step = items.get("_step")
    if step is None:
        step = 0
        for number, _, value in protobuf.fields(message):
            if number == 2 and isinstance(value, bytes):
                step = next((num for place, _, num in protobuf.fields(value) if place == 1), 0)
    time = number_of(items.get("_timestamp"))
    found = _values(items)
    if len(memory.logged) < MOST_NAMES:
        memory.logged.update(found)
    return [metric(name, value, step, time) for name, value in found.items()]


def _remember(message: bytes, memory: Memory) -> None:
    for name, value in _values(_items(message, 1)).items():
        if name in memory.summary or len(memory.summary) < MOST_NAMES:
            memory.summary[name] = encode_number(value) if isinstance(value, float) else value
    for name in [name for name in memory.summary if name in memory.logged]:
        del memory.summary[name]


def _config(message: bytes) -> List[Entry]:
    return [param(name, _text(value)) for name, value in _levels(_items(message, 1)).items()]


def _text(value: Any) -> str:
    """A config value as text: JSON's for what has parts."""
    if isinstance(value, (list, dict)):
        return json.dumps(value)
    return "" if value is None else str(value)


def _run(message: bytes) -> List[Entry]:
    found: List[Entry] = []
    for number, wire, value in protobuf.fields(message):
        if wire != protobuf.BYTES or not isinstance(value, bytes):
            continue
        if number == RUN_CONFIG:
            found.extend(_config(value))
        elif number == RUN_TAGS:
            found.append(tag(protobuf.text(value), None))
        elif number in OWN_TAGS and value:
            found.append(tag(OWN_TAGS[number], protobuf.text(value)))
    return found


def _exit(message: bytes, memory: Memory) -> List[Entry]:
    code: Optional[int] = 0
    for number, _, value in protobuf.fields(message):
        if number == 1 and isinstance(value, int):
            code = protobuf.signed(value)
    found = []
    for name, value in memory.summary.items():
        if name not in memory.logged:
            said = number_of(value)
            found.append(metric(name, value if said is None else said))
    memory.summary.clear()
    return [*found, status("Failed" if code else "Completed")]
