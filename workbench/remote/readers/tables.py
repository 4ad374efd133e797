"""CSV and TSV files with a header and a step-like column, Lightning's CSVLogger among them."""

import os
import zlib
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from workbench.remote.readers import growing, plain_yaml
from workbench.remote.readers.columns import Axes, axes, cell, points, split
from workbench.remote.readers.entries import MOST_NAMES, Entry, Reading, param
from workbench.remote.readers.last_row import last_row

HPARAMS = "hparams.yaml"
LONGEST = 1 << 20
"""Bytes of a row (a cell may have newlines); a longer one is passed over."""

Header = NamedTuple("Header", [("names", List[str]), ("delimiter", str), ("length", int)])


def read(path: str, state: Dict[str, Any]) -> Reading:
    """The rows of a table beyond state. Raises OSError; ValueError for what is no plain file.

    state may have `step_column`, the user's choice. A file that is written anew with more columns, as
    CSVLogger does when a metric is new, goes on at the row after the last one that was read.
    """
    seen = growing.look(path, state)
    kept = {} if seen.again else state
    chosen = {"step_column": state.get("step_column")}
    names, delimiter = kept.get("names"), kept.get("delimiter", ",")
    body = skip = 0
    grown = False
    if not isinstance(names, list) or not seen.offset:
        header = header_of(path, seen.data)
        if header is None:
            stuck = len(seen.data) >= growing.MOST_AT_ONCE
            return Reading(
                [], dict(growing.after(path, seen, 0, kept), **chosen), False, seen.again, 0,
                "its first line has no end" if stuck else "",
            )  # fmt: skip
        old = state.get("names")
        names, delimiter, body = header
        grown = seen.again and isinstance(old, list) and old != names and set(old) <= set(names)
        skip = _count(state.get("rows")) if grown else 0
    else:
        skip = _count(kept.get("skip"))
    cut = _Rows(seen.data, body)
    entries = _params(path) if body and not grown else []
    rows, order = _count(kept.get("rows")), axes(names, state.get("step_column"))
    told = _texts(kept.get("told") or (state.get("told") if grown else None))
    taken = kept.get("taken")
    for line in cut:
        rows += 1
        if skip:
            skip -= 1
            continue
        if taken not in (None, _mark(line)):
            return read(path, chosen)._replace(again=True)  # its end had been cut short after all
        taken = None
        found = _row(line, delimiter, names, order)
        if found is None:
            cut.skipped += 1
        else:
            entries.extend(one for one in found if one.name not in told)
        told = []
    trouble = ""
    if seen.last and not skip:
        left = seen.data[cut.taken :]
        rest = last_row(left, delimiter, names, order, str(state["ended"]))
        mark = _mark(left.decode("utf-8", "replace"))
        if rest.entries and taken not in (None, mark):
            return read(path, dict(chosen, ended=state["ended"]))._replace(again=True)
        trouble = "" if taken == mark else rest.trouble
        entries.extend(one for one in rest.entries if one.name not in told)
        told = [one.name for one in rest.entries] or told
        taken = mark if rest.entire else taken
    after = dict(growing.after(path, seen, cut.taken, kept), **chosen)
    after.update(names=names, delimiter=delimiter, rows=rows, skip=skip, told=told, taken=taken)
    more = cut.taken > 0 and seen.offset + len(seen.data) < seen.size
    return Reading(entries, after, more, seen.again and not grown, cut.skipped, trouble)


def header_of(path: str, data: bytes) -> Optional[Header]:
    """What the first line of a table says; None where it has no end yet."""
    end = data.find(b"\n")
    if end < 0:
        return None
    line = data[: end + 1].decode("utf-8-sig", "replace")
    delimiter = "\t" if path.endswith(".tsv") else max(",;\t", key=line.count)
    names = (split(line, delimiter) or [])[:MOST_NAMES]
    return Header([name.strip() for name in names], delimiter, end + 1)


def _row(line: str, delimiter: str, names: List[str], order: Axes) -> Optional[List[Entry]]:
    """The points of a whole row; None for what is damaged."""
    cells = split(line, delimiter)
    if cells is None or len(cells) > len(names):
        return None
    found = points({name: cell(text) for name, text in zip(names, cells)}, order)
    return found if found or len(cells) == len(names) else None


def _params(path: str) -> List[Entry]:
    """What Lightning's `hparams.yaml` beside a table says."""
    beside = os.path.join(os.path.dirname(path), HPARAMS)
    try:
        text = b"" if os.path.islink(beside) else growing.look(beside, {}, LONGEST).data
    except (OSError, ValueError):
        return []  # nearly all tables have none
    said = plain_yaml.mapping(text.decode("utf-8", "replace"))
    return [param(name, value) for name, value in said.items()]


class _Rows(object):
    """The whole rows of data: lines, joined where a quoted cell goes over several."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self.taken = start
        self.skipped = 0

    def __iter__(self) -> Iterator[str]:
        start = place = self.taken
        quotes = 0
        while True:
            end = self._data.find(b"\n", place)
            if end < 0:
                if len(self._data) - start > LONGEST:  # passed over in parts, as far as it is there
                    self.taken, self.skipped = len(self._data), self.skipped + 1
                return
            quotes += self._data.count(b'"', place, end)
            place = end + 1
            if place - start > LONGEST:
                self.skipped += 1
            elif quotes % 2:
                continue
            else:
                line = self._data[start:place]
                if line.strip():
                    yield line.decode("utf-8", "replace")
            self.taken = start = place
            quotes = 0


def _mark(line: str) -> int:
    """A row that was taken before its newline was there, to be known by."""
    return zlib.crc32(line.rstrip("\r\n").encode("utf-8"))


def _texts(value: Any) -> List[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
