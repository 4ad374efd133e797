"""From what was measured, named as in entities/sample.py, to what travels: in full, or what changed since."""

from typing import Any, Callable, Dict, List, Optional, Tuple

from workbench.remote.forms import sample_form
from workbench.remote.forms.gpu_words import throttle_bits
from workbench.remote.forms.sample_form import Column, Row, Table

# Nested fields and how they are flattened.
NESTED = {
    "network": (("received", "received"), ("sent", "sent")),
    "pcie": (("received", "pcie_received"), ("sent", "pcie_sent")),
    "nvlink": (("received", "nvlink_received"), ("sent", "nvlink_sent")),
    "xid": (("code", "xid_code"), ("time", "xid_time")),
    "remapped": (
        ("corrected", "remapped_corrected"),
        ("uncorrected", "remapped_uncorrected"),
        ("pending", "remapped_pending"),
        ("failed", "remapped_failed"),
    ),
}  # type: Dict[str, Tuple[Tuple[str, str], ...]]

Sample = Dict[str, Any]


class Places(object):
    """Who is in which row of a table: a key keeps its position, one that is gone leaves it free."""

    def __init__(self):
        # type: () -> None
        self._at = {}  # type: Dict[Any, int]

    def arrange(self, keys):
        # type: (List[Any]) -> Dict[Any, int]
        """The position of each of the keys, which are all there are now."""
        there = set(keys)
        self._at = {key: at for key, at in self._at.items() if key in there}
        taken = set(self._at.values())
        free = 0
        for key in keys:
            if key not in self._at:
                while free in taken:
                    free += 1
                self._at[key] = free
                taken.add(free)
        return self._at


class Sender(object):
    """Makes messages of samples; each delta is to be applied after all that came before it."""

    def __init__(self):
        # type: () -> None
        self.sent = None  # type: Optional[Dict[str, Any]]  # the last sample as it was sent
        self._places = {key: Places() for key in sample_form.TABLES}
        self._since_full = 0

    def message(self, sample, full=False):
        # type: (Sample, bool) -> Dict[str, Any]
        """{"full": ..} when asked for, at first and once in a while, else {"delta": ..}."""
        now = self._shape(sample)
        before, self.sent = self.sent, now
        self._since_full += 1
        if before is None or full or self._since_full > sample_form.FULL_EVERY:
            self._since_full = 0
            return {"full": {key: value for key, value in now.items() if value not in (None, {}, [])}}
        return {"delta": delta(before, now)}

    def _shape(self, sample):
        # type: (Sample) -> Dict[str, Any]
        before = self.sent or {}
        host = flat(sample.get("host") or {})
        if host.get("uptime") is not None:
            host["booted"] = sample["time"] - host["uptime"]
        gpus = [flat(gpu) for gpu in sample.get("gpus") or []]
        for gpu in gpus:
            if isinstance(gpu.get("throttle"), list):
                gpu["throttle"] = throttle_bits(gpu["throttle"])
        at = self._places["g"].arrange([gpu["uuid"] for gpu in gpus])
        processes = [process_fields(one, at, sample["time"]) for one in sample.get("processes") or []]
        shaped = {
            "t": round(sample["time"], 2),
            "e": sample.get("every"),
            "n": sample.get("note"),
        }  # type: Dict[str, Any]
        for key, fields in (("h", host), ("d", sample.get("driver") or {})):
            shaped[key] = row_of(fields, sample_form.MAPPINGS[key], before.get(key) or {})
        shaped["g"] = self._table("g", gpus, lambda row: row["uuid"], before)
        shaped["p"] = self._table("p", processes, lambda row: (row["pid"], row.get("start")), before)
        shaped["f"] = self._table("f", host.get("disks") or [], lambda row: row["path"], before)
        return shaped

    def _table(self, name, rows, key_of, before):
        # type: (str, List[Row], Callable[[Row], Any], Dict[str, Any]) -> Table
        rows = rows[: sample_form.MAX_ROWS[name]]
        old = before.get(name) or []
        at = self._places[name].arrange([key_of(row) for row in rows])
        table = [None] * (max(at.values()) + 1 if at else 0)  # type: Table
        for row in rows:
            position = at[key_of(row)]
            known = (old[position] if position < len(old) else None) or {}
            made = row_of(row, sample_form.TABLES[name], known)
            table[position] = made
        return table


def delta(before, now):
    # type: (Dict[str, Any], Dict[str, Any]) -> Dict[str, Any]
    """What changed between two shaped samples, with the time."""
    found = {"t": now["t"]}  # type: Dict[str, Any]
    for key in ("e", "n"):
        if now[key] != before[key]:
            found[key] = now[key]
    for key in sample_form.MAPPINGS:
        changed = sample_form.difference(before[key], now[key])
        if changed:
            found[key] = changed
    for key in sample_form.TABLES:
        changed = sample_form.table_difference(before[key], now[key])
        if changed:
            found[key] = changed
    return found


def row_of(fields, columns, before):
    # type: (Row, Tuple[Column, ...], Row) -> Row
    """Fields as a row of what travels; what is absent is left out."""
    row = {}  # type: Row
    for by in columns:
        value = fields.get(by.name)
        if value is not None:
            value = sample_form.quantise(value, by)
        if value is not None:
            row[by.key] = sample_form.settle(before.get(by.key), value, by)
    return row


def flat(fields):
    # type: (Row) -> Row
    """Fields with the nested ones beside the others."""
    found = dict(fields)
    for name, parts in NESTED.items():
        inner = found.pop(name, None)
        if inner:
            for part, plain in parts:
                found[plain] = inner.get(part)
    return found


def process_fields(process, at, now):
    # type: (Row, Dict[str, int], float) -> Row
    """A process's fields with its GPUs as positions, its beginning for its age."""
    found = dict(process)
    if found.get("age") is not None:
        found["began"] = now - found["age"]
    uses = [use for use in found.pop("gpus", None) or [] if use.get("gpu") in at]
    if uses:
        found["gpus"] = [at[use["gpu"]] for use in uses]
        found["gpu_memory"] = one_or_all([mebibytes(use.get("memory")) for use in uses])
        found["gpu_utilisation"] = one_or_all([whole(use.get("utilisation")) for use in uses])
    if not found.get("mine"):
        found.pop("mine", None)
    return found


def one_or_all(values):
    # type: (List[Any]) -> Any
    """The values; the only one by itself, None when there is none at all."""
    if len(values) == 1:
        return values[0]
    return values if any(value is not None for value in values) else None


def mebibytes(value):
    # type: (Any) -> Optional[int]
    """Bytes in MiB, as they travel."""
    return None if value is None else int(round(value / sample_form.MIB))


def whole(value):
    # type: (Any) -> Optional[int]
    """A share as it travels."""
    return None if value is None else int(round(value))
