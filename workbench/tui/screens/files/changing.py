"""What is done with files of a machine from the browser: each asks first where something could be lost."""

from __future__ import annotations

import asyncio
import posixpath
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.side_thread import in_side_thread
from workbench.text import sizes
from workbench.text.numbers import counted, first_of
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.confirm import Confirm
from workbench.tui.screens.files.columns import folder_of
from workbench.tui.screens.run.files import free_name
from workbench.workspace.file_transfer import cannot_write

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

Say = Callable[[str], None]
"""Says in a line how far something is; empty when it is done."""
OFTEN = 0.2
NAMED = 6
"""Things that are named before they go; of more the others are counted."""
MANY = "remove"
"""What has to be typed before several things with folders among them go."""


async def remove(
    app: Dashboard, target: str, folder: str, chosen: Sequence[Mapping[str, Any]], say: Say
) -> bool:
    """Ask, then remove things of a folder for good; folders want a name typed. Whether it was done."""
    first = clean_name(str(chosen[0]["name"]), 100)
    what = first if len(chosen) == 1 else counted(len(chosen), "thing")
    folders = any(entry["kind"] == "dir" for entry in chosen)
    typed = (first if len(chosen) == 1 else MANY) if folders else None
    said = removal_words(target, chosen)
    if not await app.push_screen_wait(Confirm(f"Remove {what}?", said, do="remove", name=typed)):
        return False
    freed = count = 0
    for entry in chosen:
        path = posixpath.join(folder, entry["name"])
        end: Mapping[str, Any] = {}
        asked = {"target": target, "path": path, "recursive": entry["kind"] == "dir"}
        async with aclosing(app.services.items("files", "delete", **asked)) as stages:
            async for end in stages:
                say(f"removing {clean_name(str(entry['name']), 60)}: {end.get('count', 0)}")
        freed, count = freed + int(end.get("bytes") or 0), count + int(end.get("count") or 0)
    say("")
    app.notify(f"{counted(count, 'thing')} removed, {sizes.short(freed)}", timeout=4)
    return True


def removal_words(target: str, chosen: Sequence[Mapping[str, Any]]) -> str:
    """What is said before things go."""
    kinds = [entry["kind"] for entry in chosen]
    where = f"from {clean_name(target)} for good"
    if len(chosen) == 1:
        said = f"It goes {where}{', with all in it' if kinds[0] == 'dir' else ''}."
    else:
        said = f"They go {where}{', folders with all in them' if 'dir' in kinds else ''}."
    if "link" in kinds:
        said += " A link goes, not what it leads to."
    if len(chosen) == 1:
        return said
    names = [clean_name(str(entry["name"]), 40) + ("/" if entry["kind"] == "dir" else "") for entry in chosen]
    return f"{first_of(names, NAMED)}\n\n{said}"


async def move(app: Dashboard, target: str, folder: str, names: Sequence[str], to: str) -> None:
    """Give things of a folder another name or place; raises WorkbenchError."""
    for name in names:
        await app.services.call(
            "files", "rename", target=target, path=posixpath.join(folder, name),
            to=_destination(folder, name, to, several=len(names) > 1),
        )  # fmt: skip


async def copy(
    app: Dashboard, target: str, folder: str, chosen: Sequence[Mapping[str, Any]], to: str, say: Say
) -> None:
    """Copy things of a folder on the machine; raises WorkbenchError."""
    left_out = 0
    for entry in chosen:
        name = str(entry["name"])
        asked = {
            "target": target,
            "path": posixpath.join(folder, name),
            "to": _destination(folder, name, to, several=len(chosen) > 1),
            "recursive": entry["kind"] == "dir",
        }
        async with aclosing(app.services.items("files", "copy", **asked)) as stages:
            async for stage in stages:
                told = f"copying {clean_name(name, 60)}: {stage.get('count', 0)}"
                say(f"{told}, {sizes.short(stage.get('bytes', 0))}")
                left_out += int(stage.get("left_out") or 0)
    say("")
    if left_out:
        app.notify(f"{left_out} pipes, sockets or devices were left out", severity="warning")


def _destination(folder: str, name: str, to: str, *, several: bool) -> str:
    """Where something goes: a folder's path that ends with / takes it under its own name."""
    place = posixpath.join(folder, to) if not to.startswith("~") else to
    return posixpath.join(place, name) if several or to.endswith("/") else place


async def fetch(
    app: Dashboard, target: str, folder: str, chosen: Sequence[Mapping[str, Any]], to: Path, say: Say
) -> list[Path]:
    """Bring things of a folder here, beside what is here already; where they lie."""
    loop = asyncio.get_running_loop()

    def progress() -> Callable[[str, int, int], None]:
        last, began = [0.0], time.monotonic()

        def tell(what: str, done: int, total: int) -> None:
            now = time.monotonic()
            if now - last[0] >= OFTEN:
                last[0] = now
                rate = sizes.short(done / max(0.1, now - began))
                share = f"{100 * done // total}%" if total else sizes.short(done)
                loop.call_soon_threadsafe(say, f"fetching {clean_name(what, 60)}  {share}  {rate}/s")

        return tell

    def thread() -> list[Path]:
        places = []
        with app.open_workspace() as workspace:
            for entry in chosen:
                path = posixpath.join(folder, entry["name"])
                place = _place_here(to, entry)
                list(workspace.fetch(target, [path], place, on_progress=progress()))
                places.append(place)
        return places

    try:
        return await in_side_thread(thread)
    finally:
        say("")


async def send(app: Dashboard, target: str, folder: str, source: Path, say: Say) -> str:
    """Bring a file or folder of this side into a folder of the machine; where it is there.

    Raises WorkbenchError.
    """
    loop = asyncio.get_running_loop()
    last = [0.0]

    def tell(what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - last[0] >= OFTEN:
            last[0] = now
            share = f"{100 * done // total}%" if total else sizes.short(done)
            loop.call_soon_threadsafe(say, f"sending {clean_name(what, 60)}  {share}")

    def thread() -> str:
        with app.open_workspace() as workspace:
            asked = target, [source.expanduser()], f"{folder}/"
            return [brought.place for brought in workspace.upload(*asked, on_progress=tell)][-1]

    try:
        return await in_side_thread(thread)
    finally:
        say("")


def _place_here(folder: Path, entry: Mapping[str, Any]) -> Path:
    """A free place for what is fetched. Raises StoreError where none can be made, before anything comes."""
    place = folder / _local_name(entry["name"])
    try:
        place = free_name(place)
        if folder_of(entry):
            place.mkdir()
            place.rmdir()
    except OSError as problem:
        raise cannot_write(folder, problem) from problem
    return place


def _local_name(name: str) -> str:
    """A machine's name as one of a file here: nothing a terminal would obey."""
    return clean_name(str(name), 200).replace("/", "_") or "file"


async def carried(app: Dashboard, work: Any) -> bool:
    """Do what may fail and say so; whether it was done."""
    try:
        await work
    except WorkbenchError as problem:
        app.complain(problem)
        return False
    return True
