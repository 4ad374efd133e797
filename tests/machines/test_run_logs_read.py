"""Logs that a run's own code writes become its records while it goes on, by the companion beside its supervisor."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, untagged, until
from workbench.remote.processes import process_trees
from workbench.remote.readers.entries import Entry
from workbench.remote.readers.forms import READERS
from workbench.remote.supervision.cancel import cancel

__all__ = ["ground", "untagged"]

FILES = Path(__file__).parents[1] / "data" / "readers"
EVENTS = FILES / "x" / "events.out.tfevents.1700000000.machine"


def records(ground: Ground, run: str, kind: str = "metric") -> list[dict[str, Any]]:
    """The records of one kind in what the companion wrote."""
    found = []
    for path in sorted(ground.path(run, "records").glob("*.jsonl")):
        for line in path.read_text().splitlines():
            record = json.loads(line)
            if record["k"] == kind:
                found.append(record)
    return found


def points(ground: Ground, run: str) -> list[tuple[str, Any, int]]:
    return [(one["n"], one["v"], one["s"]) for one in records(ground, run) if "v" in one]


def of_reader(form: str, path: Path) -> list[Entry]:
    """What the reader says of a whole file: the metrics that are numbers."""
    entries: list[Entry] = READERS[form](str(path), {}).entries
    return [entry for entry in entries if entry.kind == "metric" and not isinstance(entry.value, str)]


def gate(ground: Ground, name: str) -> Path:
    return ground.folder / name


def wait_for(path: Path) -> str:
    """A shell line that waits for a file of the test."""
    return f"while [ ! -e {shlex.quote(str(path))} ]; do sleep 0.02; done"


def companions(ground: Ground, run: str) -> list[int]:
    """The companion of a run: the supervisor's child that is marked as beside it."""
    supervisor = ground.identity(run, "supervisor")[0]
    children = [pid for pid, _ in process_trees.descendants(supervisor)]
    return [pid for pid in children if process_trees.environment_value(pid, process_trees.ENV_BESIDE) == "1"]


def test_event_files_are_read_while_they_grow(ground: Ground) -> None:
    """Real TensorBoard bytes in three pieces, cut inside a record: each piece is told before the next comes."""
    data = EVENTS.read_bytes()
    cuts = [0, 200, 400, len(data)]
    pieces = []
    for number, (start, stop) in enumerate(itertools.pairwise(cuts)):
        (ground.folder / f"piece{number}").write_bytes(data[start:stop])
        pieces.append(f"cat {shlex.quote(str(ground.folder / f'piece{number}'))} >> runs/exp/{EVENTS.name}")
    expected = of_reader("tensorboard", EVENTS)
    gates = [gate(ground, f"go{number}") for number in range(2)]
    run = ground.submit(
        "mkdir -p runs/exp; "
        + "; ".join([pieces[0], wait_for(gates[0]), pieces[1], wait_for(gates[1]), pieces[2]])
    )
    counts = []
    for go in gates:
        already = counts[-1] if counts else 0
        until(lambda already=already: len(points(ground, run)) > already, "points of a piece")
        counts.append(len(points(ground, run)))
        go.touch()
    status = ground.wait(run)
    assert status["transitions"][-1]["state"] == "Completed"
    assert 0 < counts[0] < len(expected)
    assert [name for name, _, _ in points(ground, run)] == [entry.name for entry in expected]
    assert [step for _, _, step in points(ground, run)] == [entry.step for entry in expected]


def test_what_a_short_run_wrote_is_read_after_its_end(ground: Ground) -> None:
    """No look came while it ran: the last one takes it, before the run is over."""
    run = ground.submit("mkdir -p outputs/a; printf 'step,loss\\n1,0.5\\n2,0.25\\n' > outputs/a/metrics.csv")
    ground.wait(run)
    assert points(ground, run) == [("loss", 0.5, 1), ("loss", 0.25, 2)]


@pytest.mark.parametrize(
    ("end", "acc"),
    [("", [0.12]), ("; exit 3", []), ("; sleep 1000 & true", []), ("; kill -9 $$", [])],
    ids=["ended well", "failed", "left a process", "killed"],
)
def test_a_last_line_without_a_newline_is_whole_once_its_run_ended_well(
    end: str, acc: list[float], ground: Ground
) -> None:
    """While the run lives it is awaited; of one that broke off a number at the very end is left out, and said."""
    go = gate(ground, "go")
    run = ground.submit(f"printf 'step,loss,acc\\n1,0.5,1\\n2,0.25,0.12' > metrics.csv; {wait_for(go)}{end}")
    until(lambda: points(ground, run), "the first row")
    assert points(ground, run) == [("loss", 0.5, 1), ("acc", 1, 1)]
    go.touch()
    ground.wait(run)
    assert points(ground, run)[2:] == [("loss", 0.25, 2), *(("acc", one, 2) for one in acc)]
    said = [one["v"] for one in records(ground, run, "warning")]
    assert ["acc = 0.12 in it may be cut short" in one for one in said] == ([] if acc else [True])


def test_a_run_that_logs_nothing_has_no_companion(ground: Ground) -> None:
    go = gate(ground, "go")
    run = ground.submit(f"echo text > note.txt; {wait_for(go)}")
    ground.wait(run, "Running")
    until(lambda: ground.path(run, "baseline.json").exists(), "its baseline")
    assert companions(ground, run) == []
    go.touch()
    ground.wait(run)
    assert records(ground, run) == []
    assert not ground.path(run, "ingest.json").exists()


def test_a_killed_companion_costs_a_warning_and_no_point(ground: Ground) -> None:
    """Another one takes over, and nothing is there twice in what counts."""
    go = gate(ground, "go")
    run = ground.submit(
        f"printf 'step,loss\\n1,0.5\\n' > metrics.csv; {wait_for(go)}; echo 2,0.25 >> metrics.csv"
    )
    until(lambda: points(ground, run), "the first point")
    for pid in companions(ground, run):
        os.kill(pid, signal.SIGKILL)
    until(lambda: records(ground, run, "warning"), "the warning")
    go.touch()
    status = ground.wait(run)
    assert status["transitions"][-1]["state"] == "Completed"
    assert set(points(ground, run)) == {("loss", 0.5, 1), ("loss", 0.25, 2)}
    newest = max(ground.path(run, "records").glob("ingest-*.jsonl"), key=lambda path: path.name)
    told = [json.loads(line) for line in newest.read_text().splitlines()]
    assert [record["v"] for record in told if record["k"] == "metric"] == [0.5, 0.25]
    assert "failed (signal 9)" in records(ground, run, "warning")[0]["v"]


def test_a_companion_ends_when_its_keepers_are_killed(ground: Ground) -> None:
    """It takes what is there, and nothing is left over."""
    run = ground.submit("printf 'step,loss\\n1,0.5\\n' > metrics.csv; exec sleep 600")
    until(lambda: points(ground, run), "the first point")
    (pid,) = companions(ground, run)
    known = process_trees.identity(pid)
    assert known is not None
    ground.kill(run, "guard", "supervisor")
    until(lambda: not process_trees.alive(*known), "the companion to end")


def test_a_cancelled_run_keeps_what_it_logged(ground: Ground) -> None:
    run = ground.submit("printf 'step,loss\\n1,0.5\\n' > metrics.csv; sleep 600")
    until(lambda: points(ground, run), "the first point")
    cancel(ground.machine, run, 1.0)
    status = ground.wait(run)
    assert status["transitions"][-1]["state"] == "Canceled"
    assert points(ground, run) == [("loss", 0.5, 1)]


def test_the_next_attempt_of_a_run_goes_on_with_its_log(ground: Ground) -> None:
    """What the first attempt wrote is the first's, what the second added is the second's; nothing comes twice."""
    run = ground.submit(
        "[ -e m.csv ] && { echo 2,0.25 >> m.csv; exit 0; }; printf 'step,loss\\n1,0.5\\n' > m.csv; exit 3",
        retries={"count": 1, "on": ["exit"]},
    )
    assert ground.wait(run)["transitions"][-1]["state"] == "Completed"
    told = {one["attempt"]: one["source"] for one in records(ground, run, "header") if "source" in one}
    assert told == {1: "m.csv", 2: "m.csv"}
    assert sorted(points(ground, run)) == [("loss", 0.25, 2), ("loss", 0.5, 1)]


@pytest.mark.parametrize("asked", [False, ["other/*"]])
def test_what_the_configuration_leaves_out_is_not_read(ground: Ground, asked: Any) -> None:
    run = ground.submit("printf 'step,loss\\n1,0.5\\n' > metrics.csv", ingest=asked)
    ground.wait(run)
    assert points(ground, run) == []
