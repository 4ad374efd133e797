"""TensorBoard event files (`events.out.tfevents.*`): scalars of either form, texts, hyper-parameters."""

from typing import Any, Dict, List, Optional, Union

from workbench.remote.readers import growing, protobuf
from workbench.remote.readers.entries import Entry, Reading, metric, param, status
from workbench.remote.readers.event_frames import frames
from workbench.remote.readers.plain_events import point
from workbench.remote.readers.tensors import scalar

HPARAMS = "_hparams_/"
ENDS = {1: "Completed", 2: "Failed"}  # hparams' Status: success, failure


def read(path: str, state: Dict[str, Any]) -> Reading:
    """What an event file has beyond state. Raises OSError; ValueError for what is no plain file."""
    seen = growing.look(path, state)
    cut = frames(seen.data, seen.size - seen.offset)
    if cut.needs > len(seen.data) and not cut.taken:
        seen = growing.look(path, {} if seen.again else state, cut.needs)._replace(again=seen.again)
        cut = frames(seen.data, seen.size - seen.offset)
    entries: List[Entry] = []
    skipped = cut.skipped
    for record in cut.records:
        plain = point(record)
        if plain is not None:
            entries.append(plain)
            continue
        try:
            entries.extend(_event(record))
        except ValueError:
            skipped += 1
    left = seen.size - seen.offset - cut.taken
    stuck = not cut.taken and left > growing.MOST_AT_ONCE
    return Reading(
        entries,
        growing.after(path, seen, cut.taken, state),
        cut.taken > 0 and left > 0 and len(seen.data) < seen.size - seen.offset,
        seen.again,
        skipped,
        "nothing readable follows byte %d" % seen.offset if stuck else "",
    )


def _event(record: bytes) -> List[Entry]:
    """The entries of an Event message. Raises Damaged."""
    time: Optional[float] = None
    step = 0
    values: List[bytes] = []
    for number, wire, value in protobuf.fields(record):
        if number == 1 and wire == protobuf.FIXED64 and isinstance(value, bytes):
            time = protobuf.double(value)
        elif number == 2 and isinstance(value, int):
            step = protobuf.signed(value)
        elif number == 5 and isinstance(value, bytes):
            values.extend(
                inner for place, _, inner in protobuf.fields(value) if place == 1 and isinstance(inner, bytes)
            )
    entries: List[Entry] = []
    if time is not None and not 0 <= time < 1e11:
        time = None
    for inner in values:
        entries.extend(_summary(inner, step, time))
    return entries


def _summary(data: bytes, step: int, time: Optional[float]) -> List[Entry]:
    """The entries of one Summary.Value."""
    name = ""
    found: Union[float, int, bool, str, None] = None
    metadata = b""
    for number, wire, value in protobuf.fields(data):
        if not isinstance(value, bytes):
            continue
        if number == 1:
            name = protobuf.text(value)
        elif number == 2 and wire == protobuf.FIXED32:
            found = protobuf.single(value)
        elif number == 8 and len(value) < 1 << 20:
            found = scalar(value)
        elif number == 9:
            metadata = value
    if name.startswith(HPARAMS):
        return _hyper_parameters(metadata)
    return [] if found is None or not name else [metric(name, found, step, time)]


def _hyper_parameters(metadata: bytes) -> List[Entry]:
    """Params and the end of a session, from the hparams plugin's part of a SummaryMetadata."""
    entries: List[Entry] = []
    for content in _inside(_inside([metadata], 1), 2):
        for start in _inside([content], 3):
            for pair in _inside([start], 1):
                name = b"".join(_inside([pair], 1))
                entries.extend(
                    param(protobuf.text(name), _value(value)) for value in _inside([pair], 2) if name
                )
        for end in _inside([content], 4):
            for number, _, value in protobuf.fields(end):
                if number == 1 and isinstance(value, int) and value in ENDS:
                    entries.append(status(ENDS[value]))
    return entries


def _inside(messages: List[bytes], wanted: int) -> List[bytes]:
    """The values of one field of several messages."""
    return [
        value
        for message in messages
        for number, _, value in protobuf.fields(message)
        if number == wanted and isinstance(value, bytes)
    ]


def _value(data: bytes) -> Union[str, float, bool]:
    """A google.protobuf.Value that is a number, text or bool; others as an empty text."""
    for number, _, value in protobuf.fields(data):
        if number == 2 and isinstance(value, bytes):
            found = protobuf.double(value)
            return int(found) if found == found and abs(found) < 1e15 and found == int(found) else found
        if number == 3 and isinstance(value, bytes):
            return protobuf.text(value)
        if number == 4:
            return bool(value)
    return ""
