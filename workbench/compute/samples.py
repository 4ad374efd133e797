"""A probe's messages become samples: merged, checked, with the names of entities/sample.py.

Nothing of a message is trusted: unknown keys are passed over, texts cleaned and cut, numbers that are none or
out of their range are absent.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from workbench.compute.sample_cells import CELLS, number
from workbench.compute.sample_rows import Fields, Rows, merge_fields
from workbench.entities.base import replace
from workbench.entities.sample import (
    Disk,
    Driver,
    GpuSample,
    GpuUse,
    HostSample,
    MachineSample,
    ProcessSample,
    Remapped,
    Traffic,
    Xid,
)
from workbench.remote.forms import sample_form
from workbench.text.sanitize import clean_name

T = TypeVar("T")
MAX_NOTE = 500
MAX_TIME = 1e11


class State:
    """What one probe has told so far; `apply` takes its next message."""

    def __init__(self) -> None:
        self._started = False
        self._time = 0.0
        self._every: float | None = None
        self._note: str | None = None
        self._host: Fields = {}
        self._driver: Fields = {}
        self._gpus = Rows("g", gpu_sample)
        self._disks = Rows("f", lambda fields: Disk(**fields) if fields.get("path") else None)
        self._processes = Rows("p", self._process)

    def apply(self, message: Mapping[str, Any]) -> MachineSample:
        """The sample after {"full": ..} or {"delta": ..}.

        Raises ValueError when it is neither, or a delta before anything in full: then ask for one in full.
        """
        full = "full" in message
        body = message["full"] if full else message.get("delta")
        if not isinstance(body, dict):
            raise ValueError("neither a sample in full nor what changed in one")
        if full:
            self._forget()
        elif not self._started:
            raise ValueError("what changed in a sample that was never sent in full")
        self._merge(body, full)
        return self._sample()

    def _forget(self) -> None:
        self._started = True
        self._every, self._note = None, None
        self._host.clear()
        self._driver.clear()

    def _merge(self, body: Fields, full: bool) -> None:
        self._time = number(body.get("t"), 0, MAX_TIME) or self._time
        if "e" in body:
            self._every = number(body["e"], 0, sample_form.SLOWEST)
        if "n" in body:
            note = body["n"]
            self._note = clean_name(note, MAX_NOTE) if isinstance(note, str) else None
        merge_fields(self._host, body.get("h"), CELLS["h"])
        merge_fields(self._driver, body.get("d"), CELLS["d"])
        for rows, key in ((self._gpus, "g"), (self._disks, "f"), (self._processes, "p")):
            if full:
                rows.fill(body.get(key))
            else:
                rows.change(body.get(key))
        if self._gpus.moved:  # processes name GPUs by position
            self._processes.forget()

    def _sample(self) -> MachineSample:
        return MachineSample(
            time=self._time,
            every=self._every,
            host=self._host_sample(),
            driver=Driver(**self._driver),
            gpus=sorted(each_once(self._gpus.entities(), lambda gpu: gpu.uuid), key=bus_order),
            processes=[
                self._aged(one)
                for one in each_once(self._processes.entities(), lambda one: (one.pid, one.start))
            ],
            note=self._note,
        )

    def _host_sample(self) -> HostSample:
        fields = dict(self._host)
        booted = fields.pop("booted", None)
        if booted is not None and booted <= self._time:
            fields["uptime"] = self._time - booted
        fields["network"] = traffic(fields, "")
        return HostSample(**fields, disks=self._disks.entities())

    def _process(self, fields: Fields) -> ProcessSample | None:
        if "pid" not in fields:
            return None
        fields = dict(fields)
        uses = []
        positions = fields.pop("gpus", [])
        memory = each(fields.pop("gpu_memory", None), len(positions))
        shares = each(fields.pop("gpu_utilisation", None), len(positions))
        for position, used, share in zip(positions, memory, shares, strict=True):
            gpu = self._gpus.at(position)
            if gpu is not None:
                uses.append(GpuUse(gpu=gpu.uuid, memory=used, utilisation=share))
        began = fields.pop("began", None)
        return ProcessSample(**fields, gpus=uses, age=began)

    def _aged(self, process: ProcessSample) -> ProcessSample:
        """With its age for its beginning, which is what its row holds."""
        if process.age is None:
            return process
        return replace(process, age=max(0.0, self._time - process.age))


def each_once(entities: list[T], name: Callable[[T], Hashable]) -> Iterable[T]:
    """Those with names of their own: who lists and keys by them must not meet one twice."""
    found: dict[Hashable, T] = {}
    for entity in entities:
        found.setdefault(name(entity), entity)
    return found.values()


def each(value: Any, count: int) -> list[Any]:
    """The values for so many GPUs: of one that is not a list when there is one, absent otherwise."""
    values = value if isinstance(value, list) else [value]
    return values if len(values) == count else [None] * count


def traffic(fields: Fields, prefix: str) -> Traffic | None:
    """Takes the two rates of a prefix out of fields; None when both are absent."""
    received, sent = fields.pop(f"{prefix}received", None), fields.pop(f"{prefix}sent", None)
    return None if received is None and sent is None else Traffic(received=received, sent=sent)


def gpu_sample(fields: Fields) -> GpuSample | None:
    """A GPU of its decoded fields; None without the UUID it is named by."""
    if "uuid" not in fields:
        return None
    fields = dict(fields)
    fields["pcie"], fields["nvlink"] = traffic(fields, "pcie_"), traffic(fields, "nvlink_")
    code, time = fields.pop("xid_code", None), fields.pop("xid_time", None)
    if code is not None and time is not None:
        fields["xid"] = Xid(code=code, time=time)
    names = ("corrected", "uncorrected", "pending", "failed")
    remapped = {name: fields.pop(f"remapped_{name}", None) for name in names}
    if any(value is not None for value in remapped.values()):
        fields["remapped"] = Remapped(**remapped)
    return GpuSample(**fields)


def bus_order(gpu: GpuSample) -> tuple[float, bool]:
    """Cards in the order of their bus, each with its MIG instances behind it."""
    return (float("inf") if gpu.index is None else gpu.index, gpu.parent is not None)
