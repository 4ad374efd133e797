"""Finding what can be read below a folder, run by run: one log directory is one run."""

import os
from typing import Callable, Iterator, List, NamedTuple

from workbench.remote.readers import mlflow_database
from workbench.remote.readers.detect import (
    DVCLIVE,
    META,
    MLFLOW,
    MLFLOW_DATABASE,
    TRAINER,
    WANDB,
    detect,
    like_mlflow,
    wrong,
)

MOST_FOLDERS = 50000
"""Folders that are looked into."""
MOST_FILES = 20000
"""Files of one folder that are looked at."""
DEEPEST = 16
DATABASE = "mlflow.db"
PASSED_OVER = frozenset((
    "node_modules", "site-packages", "__pycache__", "venv", "artifacts",
))  # fmt: skip

Source = NamedTuple("Source", [("form", str), ("path", str), ("run", str)])
"""One file or folder that a reader takes; run: which of several runs that it holds, else empty."""

Found = NamedTuple(
    "Found", [("folder", str), ("run", str), ("name", str), ("sources", List[Source]), ("trouble", str)]
)
"""What makes one run: its log directory, which of the runs of a database, what it may be called.

trouble: which file has to be a log and is none, and why, in words; then there are no sources.
"""


def find(path: str, check: Callable[[], None] = lambda: None) -> Iterator[Found]:
    """The runs in a file or below a folder, in the order of their names. Links are not followed.

    What may be something else than a log is left out; what has to be one, as it was asked for or by its name,
    and is none comes as trouble. check: called at each folder, what it raises ends the search. Raises
    OSError where path itself is not there.
    """
    os.stat(path)
    path = os.path.abspath(path)
    if not os.path.isdir(path):
        yield from _group(os.path.dirname(path), path, [os.path.basename(path)], asked=True)
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
            yield Found(place, "", _called(place, path), [Source(str(form), place, "")], "")
            continue
        if form is None and like_mlflow(place):
            folders[:] = []
            why = "%s: it has the parts of an MLflow run, but its %s names none" % (place, META)
            yield Found(place, "", _called(place, path), [], why)
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


def _group(place: str, root: str, files: List[str], asked: bool = False) -> Iterator[Found]:
    """The runs that the files of one folder make: all together one, but for a database's.

    asked: it is one file, and somebody said that it is a log.
    """
    sources: List[Source] = []
    for name in files:
        path = os.path.join(place, name)
        if os.path.islink(path) and not asked:
            continue
        form = detect(path)
        if form is None:
            if asked or certain(name):
                yield from _none(place, path, asked)
            continue
        if form != MLFLOW_DATABASE:
            sources.append(Source(form, path, ""))
            continue
        try:
            stored = mlflow_database.runs(path)
        except OSError as error:
            yield Found(place, "", name, [], str(error))
            continue
        for run in stored:
            yield Found(place, run.run, run.name or run.run, [Source(form, path, run.run)], "")
        if asked and not stored:
            yield Found(place, "", name, [], "%s: an MLflow store that has no runs" % path)
    if sources:
        yield Found(place, "", _called(place, root), sources, "")


def certain(name: str) -> bool:
    """Whether nothing but a log is called so."""
    return name.lower().endswith(".wandb") or name == DATABASE


def _none(place: str, path: str, asked: bool) -> Iterator[Found]:
    """What is to be said of a file that is called like a log and is none."""
    try:
        if not asked and not os.stat(path).st_size:
            return  # one that has just been begun
        why = wrong(path)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
    yield Found(place, "", os.path.basename(path), [], "%s: %s" % (path, why))


def _with_trainer(found: List[Found], place: str, root: str) -> List[Found]:
    """The folder of a Trainer as one source more, in place of its own state file."""
    own = Source(TRAINER, place, "")
    kept = [one for one in found if one.run or one.trouble]
    rest = [source for one in found if not one.run for source in one.sources if source.form != TRAINER]
    return [*kept, Found(place, "", _called(place, root), [own, *rest], "")]


def _called(place: str, root: str) -> str:
    """A folder's name below root, root's own where it is root."""
    below = os.path.relpath(place, root) if os.path.isdir(root) else "."
    return os.path.basename(place) if below == "." else below


def _passed_over(name: str) -> bool:
    return name.startswith(".") or name in PASSED_OVER
