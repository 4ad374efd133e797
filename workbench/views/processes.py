"""Who computes on a machine: processes gathered by run, those of others by user. Pure: JSON in, rows out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from workbench.text import durations, sizes
from workbench.text.numbers import finite
from workbench.text.sanitize import clean_name
from workbench.views.fleet import index_of, indices
from workbench.views.gpus import View

Process = Mapping[str, Any]
UNSEEN = 3 << 29
"""Bytes of a GPU's memory that no process we see has, from which somebody we cannot see is told of."""
OURS, MINE, OTHERS, HIDDEN = "run", "mine", "others", "hidden"


class Row(NamedTuple):
    """A run's processes, a user's, or one process; None is not known."""

    key: str
    kind: str
    """Whose they are: a run's, our own outside any run, another user's, or nobody we can see."""
    title: str
    run: str | None = None
    user: str = ""
    gpus: tuple[str, ...] = ()
    """Indices of the GPUs."""
    procs: int = 1
    gpu_memory: float | None = None
    gpu_percent: float | None = None
    """Of the SMs' time, over its GPUs together."""
    cpu: float | None = None
    memory: float | None = None
    age: float | None = None
    command: str = ""
    process: Process | None = None
    """The process, where the row is about one alone."""
    within: str = ""
    """The key of the row it stands under."""

    @property
    def can_be_ended(self) -> bool:
        """Whether it is one process of our own user, of which we know which one it is."""
        return bool(self.process and self.process.get("mine") and self.process.get("start") is not None)


def rows(view: View, unfolded: Collection[str] = ()) -> list[Row]:
    """A row a run and a user, runs and the largest first; below those in `unfolded` their processes."""
    sample = view.get("sample") or {}
    processes = [item for item in sample.get("processes") or () if isinstance(item, Mapping)]
    places = {
        str(gpu.get("uuid")): index_of(gpu, place) for place, gpu in enumerate(sample.get("gpus") or ())
    }
    groups: dict[str, list[Process]] = {}
    for process in processes:
        groups.setdefault(_group(process), []).append(process)
    found = [_gathered(key, members, view, places) for key, members in groups.items()]
    found.sort(key=_order)
    shown = []
    for head in found:
        shown.append(head)
        if head.key in unfolded and head.procs > 1:
            shown += [_single(process, head, places) for process in groups[head.key]]
    return [*shown, *_unseen(sample, processes, places)]


def _group(process: Process) -> str:
    if process.get("run"):
        return f"run {process['run']}"
    return "mine" if process.get("mine") else f"user {process.get('user') or '?'}"


def _order(row: Row) -> tuple[int, float, str]:
    return (OURS, MINE, OTHERS, HIDDEN).index(row.kind), -(row.gpu_memory or 0.0), row.title


def _gathered(key: str, members: Sequence[Process], view: View, places: Mapping[str, str]) -> Row:
    main = max(members, key=lambda process: (_gpu_memory(process) or 0.0, finite(process.get("age")) or 0.0))
    run = str(main["run"]) if main.get("run") else None
    known = (view.get("runs") or {}).get(run) or {}
    user = clean_name(str(known.get("user") or main.get("user") or "?"), 20)
    if run is not None:
        kind, title = OURS, clean_name(str(known.get("name") or run), 60)
    else:
        kind, title = (MINE, "(no run)") if main.get("mine") else (OTHERS, "(other users)")
    return Row(
        key=key,
        kind=kind,
        title=title,
        run=run,
        user=user,
        gpus=_places_of(members, places),
        procs=len(members),
        gpu_memory=_sum(members, _gpu_memory),
        gpu_percent=_sum(members, _gpu_percent),
        cpu=_sum(members, lambda process: finite(process.get("cpu"))),
        memory=_sum(members, lambda process: finite(process.get("memory"))),
        age=max((age for item in members if (age := finite(item.get("age"))) is not None), default=None),
        command=command_of(main),
        process=main if len(members) == 1 else None,
    )


def _single(process: Process, head: Row, places: Mapping[str, str]) -> Row:
    return Row(
        key=key_of(process),
        kind=head.kind,
        title=f"pid {finite(process.get('pid')) or 0:.0f}",
        run=head.run,
        user=clean_name(str(process.get("user") or "?"), 20),
        gpus=_places_of([process], places),
        gpu_memory=_gpu_memory(process),
        gpu_percent=_gpu_percent(process),
        cpu=finite(process.get("cpu")),
        memory=finite(process.get("memory")),
        age=finite(process.get("age")),
        command=command_of(process),
        process=process,
        within=head.key,
    )


def key_of(process: Process) -> str:
    """What one process is known by: a pid alone is soon another's."""
    return f"pid {process.get('pid')} {process.get('start')}"


def command_of(process: Process) -> str:
    """What runs, and in which container; empty where that is not for us to see."""
    command = clean_name(str(process.get("command") or ""), 300)
    program, space, rest = command.partition(" ")
    command = program.rpartition("/")[2] + space + rest  # where it lies says little, and takes much room
    container = clean_name(str(process.get("container") or ""), 20)
    return f"[{container}] {command}".strip() if container else command


def _unseen(sample: Mapping[str, Any], processes: Sequence[Process], places: Mapping[str, str]) -> list[Row]:
    """Memory that is used by nobody we see: hidden processes of other users, or a container's."""
    held: dict[str, float | None] = {}
    for process in processes:
        for use in process.get("gpus") or ():
            before, more = held.get(use.get("gpu"), 0.0), finite(use.get("memory"))
            held[use.get("gpu")] = None if before is None or more is None else before + more
    found, missing = [], 0.0
    for gpu in sample.get("gpus") or ():
        used, seen = finite(gpu.get("memory_used")), held.get(gpu.get("uuid"), 0.0)
        if used is not None and seen is not None and used - seen >= UNSEEN and not _is_divided(gpu, sample):
            found.append(places[str(gpu.get("uuid"))])
            missing += used - seen
    if not found:
        return []
    return [Row("hidden", HIDDEN, "(hidden)", gpus=tuple(found), procs=0, gpu_memory=missing)]


def _is_divided(gpu: Mapping[str, Any], sample: Mapping[str, Any]) -> bool:
    return any(other.get("parent") == gpu.get("uuid") for other in sample.get("gpus") or ())


def _places_of(members: Iterable[Process], places: Mapping[str, str]) -> tuple[str, ...]:
    found = {str(use.get("gpu")) for process in members for use in process.get("gpus") or ()}
    return tuple(place for uuid, place in places.items() if uuid in found)


def _gpu_memory(process: Process) -> float | None:
    return _total(finite(use.get("memory")) for use in process.get("gpus") or ())


def _gpu_percent(process: Process) -> float | None:
    return _total(finite(use.get("utilisation")) for use in process.get("gpus") or ())


def _sum(members: Iterable[Process], value: Callable[[Process], float | None]) -> float | None:
    return _total(value(process) for process in members)


def _total(values: Iterable[float | None]) -> float | None:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def texts(row: Row) -> dict[str, str]:
    """A row's figures as they are shown, by column."""
    return {
        "gpus": indices(row.gpus) or "-",
        "procs": str(row.procs) if row.procs else "-",
        "gpumem": sizes.tight(row.gpu_memory),
        "sm": "-" if row.gpu_percent is None else f"{row.gpu_percent:.0f}",
        "cpu": "-" if row.cpu is None else f"{row.cpu:.0f}",
        "rss": sizes.tight(row.memory),
        "age": durations.short(row.age) if row.age is None else _coarse(row.age),
        "command": row.command or "-",
    }


def _coarse(age: float) -> str:
    """An age that changes once a minute at most, so that a row stands still: 3h02, 12m, 41s to the ten."""
    if age < 60:
        return f"{int(age // 10) * 10}s"
    return durations.short(age // 60 * 60)
