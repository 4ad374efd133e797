"""The table of experiments, and the guess at the metric they are judged by (AZ-64 to AZ-68)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from datetime import datetime

from workbench.entities.experiment import (
    Experiment,
    Goal,
    guess_goal,
    likeliest_primary,
    valid_experiment_name,
)
from workbench.entities.identity import make_run_id
from workbench.errors import Conflict, NotFound, UsageError
from workbench.store.sqlite.codec import from_text, micros, moment, plain_text, to_text
from workbench.store.sqlite.database import Transaction
from workbench.store.sqlite.events import EXPERIMENT_CHANGED

_COLUMNS = (
    "number, id, name, created, tags, primary_metric, goal, primary_set, archived,"
    " (SELECT count(*) FROM runs WHERE runs.experiment = experiments.number AND runs.parent IS NULL)"
)


def ensure(change: Transaction, name: str, now: datetime) -> Experiment:
    """The active experiment of that name, made when there is none; raises UsageError for a bad name."""
    ensure_number(change, name, now)
    return get(change.connection, name)


def ensure_number(change: Transaction, name: str, now: datetime) -> int:
    """The number of the active experiment called name, made when there is none (AZ-65).

    An archived one of that name stays archived (AZ-67). Raises UsageError for a name AZ-64 forbids.
    """
    row = change.execute("SELECT number FROM experiments WHERE name = ? AND archived = 0", (name,)).fetchone()
    if row is not None:
        return int(row[0])
    if not valid_experiment_name(name):
        raise UsageError(
            f"{name!r} is no experiment name",
            "start with a letter or digit, then letters, digits, _ and -, up to 255",
        )
    identity = make_run_id(max(0, micros(now)) // 1000, os.urandom(10))
    cursor = change.execute(
        "INSERT INTO experiments (id, name, created, tags, goal) VALUES (?, ?, ?, '{}', ?)",
        (identity, name, micros(now), Goal.MINIMIZE.value),
    )
    change.event(EXPERIMENT_CHANGED, f"experiments/{name}", {"created": True, "id": identity})
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def every(connection: sqlite3.Connection, archived: bool = False) -> list[Experiment]:
    """All active experiments by name; with archived, those too."""
    where = "" if archived else "WHERE archived = 0"
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM experiments {where} ORDER BY name, archived, created DESC"
    )
    return [_experiment(row) for row in rows]


def number(connection: sqlite3.Connection, name: str) -> int:
    """The number of the experiment of that name or id: the active one, else the newest archived.

    Raises NotFound.
    """
    row = connection.execute(
        "SELECT number FROM experiments WHERE name = ? OR id = ?"
        " ORDER BY archived, created DESC, number DESC LIMIT 1",
        (plain_text(name), plain_text(name)),
    ).fetchone()
    if row is None:
        raise NotFound(f"no experiment {name!r}", "wb experiment ls shows them")
    return int(row[0])


def get(connection: sqlite3.Connection, name: str) -> Experiment:
    """The experiment of that name or id, as `number` chooses; raises NotFound."""
    chosen = number(connection, name)
    row = connection.execute(f"SELECT {_COLUMNS} FROM experiments WHERE number = ?", (chosen,)).fetchone()
    return _experiment(row)


def judge(connection: sqlite3.Connection, name: str) -> tuple[str | None, Goal]:
    """The metric the experiment of that name or id is judged by, and its goal; raises NotFound."""
    row = connection.execute(
        "SELECT primary_metric, goal FROM experiments WHERE number = ?", (number(connection, name),)
    ).fetchone()
    return row[0], Goal(row[1])


def update(
    change: Transaction,
    name: str,
    *,
    primary_metric: str | None = None,
    goal: Goal | None = None,
    tags: dict[str, str | None] | None = None,
    archived: bool | None = None,
) -> Experiment:
    """Change what is given; tags replace all. A chosen metric without a goal gets what its name suggests.

    Raises NotFound; Conflict when an archived experiment would come back beside an active one of its name.
    """
    chosen = number(change.connection, name)
    before = get(change.connection, name)
    if archived is False and before.archived:
        taken = change.execute(
            "SELECT 1 FROM experiments WHERE name = ? AND archived = 0", (before.name,)
        ).fetchone()
        if taken is not None:
            raise Conflict(f"an active experiment is called {before.name!r}", "archive that one first")
    if primary_metric is not None and goal is None:
        goal = before.goal if primary_metric == before.primary_metric else guess_goal(primary_metric)
    chosen_now = primary_metric is not None or goal is not None
    change.execute(
        "UPDATE experiments SET primary_metric = ?, goal = ?, primary_set = ?, tags = ?, archived = ?"
        " WHERE number = ?",
        (
            before.primary_metric if primary_metric is None else plain_text(primary_metric),
            (goal or before.goal).value,
            int(before.primary_set or chosen_now),
            to_text(before.tags if tags is None else tags),
            int(before.archived if archived is None else archived),
            chosen,
        ),
    )
    asked = {"primary_metric": primary_metric, "goal": goal, "tags": tags, "archived": archived}
    data = {key: value for key, value in asked.items() if value is not None}
    change.event(EXPERIMENT_CHANGED, f"experiments/{before.name}", {**data, "id": before.id})
    row = change.execute(f"SELECT {_COLUMNS} FROM experiments WHERE number = ?", (chosen,)).fetchone()
    return _experiment(row)


def guess_primary(change: Transaction, experiment: int, names: Iterable[str]) -> None:
    """Judge an experiment by one of names, metrics new to a run, where it tells more than the guess so far.

    What a person chose stays.
    """
    row = change.execute(
        "SELECT name, primary_metric FROM experiments WHERE number = ? AND primary_set = 0", (experiment,)
    ).fetchone()
    guess = None if row is None else likeliest_primary(names, row[1])
    if row is None or guess == row[1]:
        return
    assert guess is not None
    goal = guess_goal(guess)
    change.execute(
        "UPDATE experiments SET primary_metric = ?, goal = ? WHERE number = ?",
        (guess, goal.value, experiment),
    )
    data = {"primary_metric": guess, "goal": goal, "guessed": True}
    change.event(EXPERIMENT_CHANGED, f"experiments/{row[0]}", data)


def _experiment(row: tuple[object, ...]) -> Experiment:
    _, identity, name, created, tags, metric, goal, chosen, archived, runs = row
    return Experiment(
        id=str(identity),
        name=str(name),
        created=moment(int(str(created))),
        tags=from_text(dict[str, str | None], str(tags)),
        primary_metric=None if metric is None else str(metric),
        goal=Goal(str(goal)),
        primary_set=bool(chosen),
        archived=bool(archived),
        runs=int(str(runs)),
    )
