"""Finding what can be read below a folder, run by run: one log directory is one run."""

import os
from typing import Callable, Iterator, List, NamedTuple

from workbench.remote.readers import mlflow_database
from workbench.remote.readers.detect import DVCLIVE, MLFLOW, MLFLOW_DATABASE, TRAINER, WANDB, detect

MOST_FOLDERS = 50000
"""Folders that are looked into."""
MOST_FILES = 20000
"""Files of one folder that are looked at."""
DEEPEST = 16
PASSED_OVER = frozenset((
    "node_modules", "site-packages", "__pycache__", "venv", "artifacts",
))  # fmt: skip

Source = NamedTuple("Source", [("form", str), ("path", str), ("run", str)])
"""One file or folder that a reader takes; run: which of several runs that it holds, else empty."""

Found = NamedTuple("Found", [("folder", str), ("run", str), ("name", str), ("sources", List[Source])])
"""What makes one run: its log directory, which of the runs of a database, what it may be called."""


def find(path: str, check: Callable[[], None] = lambda: None) -> Iterator[Found]:
    """The runs in a file or below a folder, in the order of their names. Links are not followed.

    What cannot be opened is left out. check: called at each folder, what it raises ends the search. Raises
    OSError where path itself is not there.
    """
    os.stat(path)
    path = os.path.abspath(path)
    if not os.path.isdir(path):
        yield from _group(os.path.dirname(path), path, [os.path.basename(path)])
        return
    looked = 0
    for place, folders, files in os.walk(path):
        looked += 1
        check()
        if looked > MOST_FOLDERS:
            return
        form = detect(place)
        if form in (MLFLOW, DVCLIVE):
            folders[:] = []
            yield Found(place, "", _called(place, path), [Source(str(form), place, "")])
            continue
        deep = place[len(path) :].count(os.sep) >= DEEPEST
        folders[:] = [] if deep else sorted(name for name in folders if not _passed_over(name))
        found = list(_group(place, path, sorted(files)[:MOST_FILES]))
        if form == TRAINER:
            folders[:] = [name for name in folders if not name.startswith("checkpoint-")]
            found = _with_trainer(found, place, path)
        if any(source.form == WANDB for one in found for source in one.sources):
            folders[:] = [name for name in folders if name not in ("files", "logs", "tmp")]
        yield from found


def _group(place: str, root: str, files: List[str]) -> Iterator[Found]:
    """The runs that the files of one folder make: all together one, but for a database's."""
    sources: List[Source] = []
    for name in files:
        path = os.path.join(place, name)
        form = detect(path) if not os.path.islink(path) else None
        if form is None:
            continue
        if form != MLFLOW_DATABASE:
            sources.append(Source(form, path, ""))
            continue
        try:
            stored = mlflow_database.runs(path)
        except OSError:
            continue
        for run in stored:
            yield Found(place, run.run, run.name or run.run, [Source(form, path, run.run)])
    if sources:
        yield Found(place, "", _called(place, root), sources)


def _with_trainer(found: List[Found], place: str, root: str) -> List[Found]:
    """The folder of a Trainer as one source more, in place of its own state file."""
    own = Source(TRAINER, place, "")
    kept = [one for one in found if one.run]
    rest = [source for one in found if not one.run for source in one.sources if source.form != TRAINER]
    return [*kept, Found(place, "", _called(place, root), [own, *rest])]


def _called(place: str, root: str) -> str:
    """A folder's name below root, root's own where it is root."""
    below = os.path.relpath(place, root) if os.path.isdir(root) else "."
    return os.path.basename(place) if below == "." else below


def _passed_over(name: str) -> bool:
    return name.startswith(".") or name in PASSED_OVER
