"""A fleet as rows: what each machine is doing in figures, what is wrong with it as a sentence. Pure.

JSON of targets (`compute.list`) and of machine views (`compute.watch`) in, figures and cells out. What is not
known is absent, and shown as "-", never as 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from workbench.text import durations, states, times
from workbench.text.numbers import finite
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell
from workbench.views import gpus as look
from workbench.views.gpus import Gpu, Use, View
from workbench.views.queue import cordon_words

Target = Mapping[str, Any]
STALE = ("late", "lost", "resting")
"""How old figures are called; those of a machine at rest are old, and nothing is wrong."""
SILENT = "silent"
"""The rule that calls for a machine that says nothing; how long since is said in its place."""
FULL, SCARCE = 95.0, 20 << 30
"""Percent of a disk, and bytes left of it, from which it is called nearly full."""
BY_HAND = "sysfs"
"""The driver's source whose GPUs (AMD's) are watched, but not given out by the queue: it knows NVIDIA's."""
LOST_WORDS = {"lost": "fell off the bus", "hung": "does not answer"}


class Row(NamedTuple):
    """A machine's figures: percent, watts, degrees Celsius; None is not known."""

    name: str
    state: str
    """One of `states.MACHINE` or `states.TARGET`."""
    gpus: Sequence[Gpu] = ()
    util: float | None = None
    """Mean over its GPUs, those that say it."""
    memory: float | None = None
    """Of all its GPUs together."""
    power: float | None = None
    temperature: float | None = None
    """Of the hottest."""
    cpu: float | None = None
    ram: float | None = None
    disk: float | None = None
    """Used, of the disk runs are kept on."""
    disk_low: bool = False
    runs: int | None = None
    stale: bool = False
    cordoned: bool = False
    leased: bool = True
    """Whether the queue gives its GPUs out."""

    @property
    def free(self) -> list[Gpu]:
        """The GPUs a run would get now."""
        unavailable = self.stale or self.cordoned or not self.leased
        return [] if unavailable else [gpu for gpu in self.gpus if gpu.use is Use.FREE]


def row(target: Target, view: View | None) -> Row:
    """A machine's figures; without a view only what its target says."""
    view = view or {}
    sample = view.get("sample") or {}
    host = sample.get("host") or {}
    gpus = look.gpus_of(view)
    sums = _sums(gpus)
    disk = disk_of(host)
    runs = view.get("runs")
    going = [item for item in (runs or {}).values() if (item or {}).get("status") in states.ACTIVE_RUN]
    return Row(
        name=str(target.get("name") or view.get("name") or ""),
        state=state_word(target, view, gpus),
        gpus=gpus,
        util=sums.util,
        memory=sums.memory,
        power=sums.power,
        temperature=sums.temperature,
        cpu=finite(host.get("cpu")),
        ram=percent(host.get("memory_used"), host.get("memory_total")),
        disk=_used(disk),
        disk_low=is_low(disk),
        runs=None if runs is None else len(going),
        stale=view.get("freshness") in STALE,
        cordoned=bool(view.get("cordon")),
        leased=(sample.get("driver") or {}).get("source") != BY_HAND,
    )


class _Sums(NamedTuple):
    """The figures of a machine's GPUs together."""

    util: float | None
    memory: float | None
    power: float | None
    temperature: float | None


def _sums(gpus: Sequence[Gpu]) -> _Sums:
    """All in one walk: a fleet has very many GPUs."""
    utils: list[float] = []
    powers: list[float] = []
    temperatures: list[float] = []
    used = total = 0.0
    for gpu in gpus:
        get = gpu.sample.get
        for key, values in (("utilisation", utils), ("power", powers), ("temperature", temperatures)):
            value = finite(get(key))
            if value is not None:
                values.append(value)
        memory, whole = finite(get("memory_used")), finite(get("memory_total"))
        if memory is not None and whole is not None:
            used, total = used + memory, total + whole
    return _Sums(
        _mean(utils), percent(used, total), sum(powers) if powers else None, max(temperatures, default=None)
    )


def busy(view: View) -> float | None:
    """Percent a machine's GPUs are busy in the mean; of its processors where it has none."""
    sample = view.get("sample") or {}
    values = [finite(gpu.get("utilisation")) for gpu in sample.get("gpus") or ()]
    known = [value for value in values if value is not None]
    if known or sample.get("gpus"):
        return sum(known) / len(known) if known else None
    return finite((sample.get("host") or {}).get("cpu"))


def _known(samples: Iterable[Mapping[str, Any]], key: str) -> list[float]:
    found = (finite(sample.get(key)) for sample in samples)
    return [value for value in found if value is not None]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def percent(part: Any, whole: Any) -> float | None:
    """A share in percent; None where either is not known, or there is nothing to share."""
    part, whole = finite(part), finite(whole)
    return 100 * part / whole if part is not None and whole else None


def disk_of(host: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The disk runs are kept on, else the first one that is known."""
    disks = [disk for disk in host.get("disks") or () if isinstance(disk, Mapping)]
    return next((disk for disk in disks if "root" in (disk.get("roles") or ())), disks[0] if disks else None)


def _used(disk: Mapping[str, Any] | None) -> float | None:
    free = percent(disk.get("free"), disk.get("total")) if disk else None
    return None if free is None else 100 - free


def is_low(disk: Mapping[str, Any] | None) -> bool:
    """Whether a disk is nearly full."""
    used, free = _used(disk), finite(disk.get("free")) if disk else None
    return (used is not None and used >= FULL) or (free is not None and free < SCARCE)


def state_word(target: Target, view: View, gpus: Sequence[Gpu]) -> str:
    """How a machine stands, in one word of `states.MACHINE` or `states.TARGET`."""
    state = str(view.get("state") or target.get("state") or "unknown")
    if target.get("state") in ("starting", "stopping", "stopped") and state != "connected":
        return str(target["state"])
    if view.get("freshness") in ("late", "lost") and state in ("connected", "connecting", "unknown", "idle"):
        return str(view["freshness"])
    if view.get("freshness") != "fresh":
        return state
    severities = {alert.get("severity") for alert in alerts(view)}
    if "bad" in severities or any(gpu.use is Use.ERROR for gpu in gpus) or _driver_error(view):
        return "fault"
    return "warning" if "warn" in severities else "up"


def state(found: Row, target: Target, plain: bool) -> Cell:
    """The state as glyph, word and colour."""
    if found.state == "unknown" and not target.get("last_seen"):
        shown = states.NEVER
    else:
        shown = states.MACHINE.get(found.state) or states.look(states.TARGET, clean_name(found.state, 30))
    return Cell(shown.text(plain), shown.role)


def alerts(view: View) -> list[Mapping[str, Any]]:
    """What is wrong by the rules, the worst and the oldest first."""
    found = [alert for alert in view.get("alerts") or () if isinstance(alert, Mapping)]
    return sorted(found, key=lambda alert: (alert.get("severity") != "bad", str(alert.get("since"))))


def _driver_error(view: View) -> str:
    driver = (view.get("sample") or {}).get("driver") or {}
    return clean_name(str(driver.get("error") or ""), 300)


def problems(
    target: Target,
    view: View | None,
    age: float | None,
    now: datetime,
    gpus: Sequence[Gpu] | None = None,
) -> list[Cell]:
    """What is wrong with a machine, a sentence each, the worst first; age: seconds since its last word.

    gpus: the view's, from who has looked at them already.
    """
    view = view or {}
    said = []
    trouble = clean_name(str((view or target).get("problem") or ""), 400)
    retry = times.parse(view.get("retry"))
    if trouble:
        if retry is not None and retry > now:
            trouble += f"; trying again in {durations.short((retry - now).total_seconds())}"
        word = view.get("state") or target.get("state")
        said.append(Cell(trouble, "warn" if word == "needs sign-in" else "bad"))
    if view.get("freshness") in ("late", "lost"):
        words = f"last seen {durations.age(age)} ago"
        said.append(Cell(words, "bad" if view["freshness"] == "lost" else "warn"))
    called = [alert for alert in alerts(view) if alert.get("rule") != SILENT]
    told = {alert.get("gpu") or alert.get("rule") for alert in called}
    if _driver_error(view) and "driver" not in told:
        said.append(Cell(_driver_error(view), "bad"))
    for place, gpu in enumerate(look.gpus_of(view) if gpus is None else gpus):
        if gpu.use is Use.ERROR and gpu.uuid not in told:
            said.append(Cell(gpu_error(gpu.sample, place), "bad"))
    said += [
        Cell(clean_name(str(alert.get("text") or alert.get("rule") or ""), 300), _severity(alert))
        for alert in called
    ]
    if isinstance(view.get("cordon"), Mapping):
        said.append(Cell(cordon_words(view["cordon"]).removeprefix("is "), "quiet"))
    return said


def advice(view: View | None, sentence: str) -> str:
    """What to do about what a sentence says; empty where no rule says it."""
    for alert in alerts(view or {}):
        text = clean_name(str(alert.get("text") or ""), 300)
        if text and sentence.startswith(text):
            return clean_name(str(alert.get("advice") or ""), 300)
    return ""


def _severity(alert: Mapping[str, Any]) -> str:
    return "bad" if alert.get("severity") == "bad" else "warn"


def gpu_error(gpu: Mapping[str, Any], place: int) -> str:
    """What is wrong with a GPU that cannot be read."""
    error = clean_name(str(gpu.get("error") or ""), 200)
    xid = gpu.get("xid") or {}
    code = f" (Xid {finite(xid.get('code')):.0f})" if finite(xid.get("code")) is not None else ""
    name = f"GPU {index_of(gpu, place)}"
    return f"{name} {LOST_WORDS[error]}{code}" if error in LOST_WORDS else f"{name}: {error}{code}"


def indices(places: Sequence[str]) -> str:
    """Indices of GPUs in few characters: 0,2 and 0-7."""
    runs: list[list[str]] = []
    for place in places:
        last = runs[-1][-1] if runs else ""
        if last.isdecimal() and place.isdecimal() and int(place) == int(last) + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(run) for run in runs)


def index_of(gpu: Mapping[str, Any], place: int) -> str:
    """What a GPU is called on its machine: its index, else its place."""
    index = finite(gpu.get("index"))
    return f"{index:.0f}" if index is not None else str(place)


def problem(sentences: Sequence[Cell], room: int = 300) -> Cell:
    """All sentences in one cell, in the colour of the worst."""
    if not sentences:
        return Cell("")
    more = f"  (+{len(sentences) - 1})" if len(sentences) > 1 else ""
    return Cell(sentences[0].text[:room] + more, sentences[0].role)


# The whole


class Totals(NamedTuple):
    """A fleet in figures."""

    up: int = 0
    stale: int = 0
    down: int = 0
    gpus: int = 0
    busy: float | None = None
    idle: int = 0
    """GPUs that are held and do nothing."""
    free: int = 0
    silent: int = 0
    """Those that do not answer, and those that..."""
    lost: int = 0
    """...fell off the bus."""


def totals(rows: Iterable[Row]) -> Totals:
    """What stands above the list."""
    up = stale = down = gpus = idle = free = silent = lost = 0
    busy: list[float] = []
    for found in rows:
        if found.state in ("late", "lost"):
            stale += 1
        elif found.state in states.MACHINE or found.state == "connected":
            up += 1
        elif found.state in ("unreachable", "needs sign-in"):
            down += 1
        gpus += len(found.gpus)
        free += len(found.free)
        if not found.stale:
            idle += sum(gpu.use is Use.IDLE for gpu in found.gpus)
            silent += sum(gpu.sample.get("error") == "hung" for gpu in found.gpus)
            lost += sum(gpu.sample.get("error") == "lost" for gpu in found.gpus)
            busy += _known((gpu.sample for gpu in found.gpus), "utilisation")
    return Totals(up, stale, down, gpus, _mean(busy), idle, free, silent, lost)


def summary(found: Totals) -> str:
    """The same in words; what there is none of is left out."""
    words = [f"{found.up} up"]
    words += [f"{found.stale} stale"] if found.stale else []
    words += [f"{found.down} down"] if found.down else []
    text = "  ".join(words)
    if found.gpus:
        text += f"   {found.gpus} GPU{'s' if found.gpus != 1 else ''}"
        text += "" if found.busy is None else f"  {found.busy:.0f}% busy"
        text += f"  {found.idle} idle but held" if found.idle else ""
        text += f"  {found.silent} {'does' if found.silent == 1 else 'do'} not answer" if found.silent else ""
        text += f"  {found.lost} fell off the bus" if found.lost else ""
    return text


def free_now(rows: Iterable[Row]) -> list[tuple[str, str]]:
    """GPUs a run would get now, by kind, the most first: ("2x H100", "dgx-02:2,5 lab-7:0")."""
    kinds: dict[str, dict[str, list[str]]] = {}
    for found in rows:
        free = set(map(id, found.free))
        for place, gpu in enumerate(found.gpus):
            if id(gpu) in free:
                kind = look.kind_of(str(gpu.sample.get("name") or "GPU"))
                kinds.setdefault(kind, {}).setdefault(found.name, []).append(index_of(gpu.sample, place))
    said = []
    for kind, machines in sorted(kinds.items(), key=lambda item: -sum(map(len, item[1].values()))):
        ordered = sorted(machines.items(), key=lambda item: -len(item[1]))
        where = " ".join(f"{clean_name(name, 24)}:{indices(places)}" for name, places in ordered[:20])
        said.append((f"{sum(map(len, machines.values()))}x {kind}", where))
    return said


# Figures as texts


def share(value: float | None) -> str:
    """Percent, whole: 71%; "-" where it is not known."""
    return "-" if value is None else f"{min(999.0, value):.0f}%"


def watts(value: float | None) -> str:
    """Watts in at most four characters: 310, 4.9k, 12k."""
    if value is None:
        return "-"
    if value < 999.5:
        return f"{value:.0f}"
    return f"{value / 1000:.1f}k" if value < 9950 else f"{value / 1000:.0f}k"


def degrees(value: float | None) -> str:
    """Degrees Celsius, whole."""
    return "-" if value is None else f"{value:.0f}"
