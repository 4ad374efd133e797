"""wb queue, wb run hold and its kin, wb compute cordon and pool, over a scripted workspace."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.faces.conftest import Wb
from tests.faces.fixed_runs import ago, make_run
from tests.faces.scripted import RUNS, TTY, World
from workbench.errors import NotFound

IDS = {run["name"]: run["id"] for run in RUNS}
ENTRIES: list[dict[str, Any]] = [
    {
        "run": IDS["calm-otter-42"],
        "kind": "run",
        "name": "calm-otter-42",
        "experiment": "mnist",
        "by": "ann@laptop",
        "user": "ann",
        "mine": True,
        "target": "gpu1",
        "state": "running",
        "gpus": 2,
        "devices": ["GPU-0", "GPU-1"],
        "priority": 0,
        "reason": "",
        "expected_left": 3541.0,
        "at_most": True,
        "since": ago(minutes=4.2),
    },
    {
        "run": "01JD" + "8" * 22,
        "kind": "shell",
        "name": "notebook\x1b[31m",
        "by": "ben",
        "mine": False,
        "target": "gpu1",
        "state": "waiting",
        "position": 1,
        "gpus": 1,
        "devices": [],
        "priority": 3,
        "reason": "1 GPU wanted, 0 free, held by calm-otter-42 (ann@laptop)",
        "since": ago(minutes=1),
    },
    {
        "run": IDS["brisk-heron-41"],
        "kind": "run",
        "name": "brisk-heron-41",
        "by": "ann@laptop",
        "mine": True,
        "target": "gpu1",
        "state": "waiting",
        "position": 2,
        "gpus": 2,
        "devices": [],
        "priority": 0,
        "reason": "2 GPUs wanted, 0 free",
        "expected_wait": 712.0,
        "since": ago(minutes=6),
    },
    {
        "run": IDS["vivid-lark-40"],
        "kind": "run",
        "name": "vivid-lark-40",
        "mine": True,
        "target": "gpu1",
        "state": "held",
        "gpus": 1,
        "devices": [],
        "priority": 0,
        "reason": "on hold",
        "since": ago(hours=2),
    },
]
MACHINES = [
    {
        "target": "gpu1",
        "running": 1,
        "waiting": 3,
        "cordon": {"drain": True, "by": "ann", "reason": "a new fan"},
    },
    {"target": "lab-7", "problem": "the connection was refused"},
]


def answering(outcome: dict[str, Any] | None = None, **answers: Any) -> World:
    """A world with a queue; changes of it have this outcome."""
    changes = {f"queue__{name}": outcome for name in ("hold", "release", "move", "priority")}
    return World(queue__list=ENTRIES, queue__machines=MACHINES, **{**changes, **answers})


def test_the_queue_is_a_table_with_its_machines_troubles(wb: Wb) -> None:
    done = wb("queue", world=answering(), terminal=TTY._replace(cells=140, colour=False))
    assert done.code == 0
    assert done.err.splitlines() == [
        "gpu1 is being drained by ann: a new fan; 1 still runs",
        "lab-7: the connection was refused",
    ]
    lines = done.out.splitlines()
    assert lines[0].split() == ["STATE", "NAME", "BY", "TARGET", "GPU", "PRIO", "FOR", "STILL", "WHY"]
    assert lines[1].split() == [
        "●",
        "running",
        "calm-otter-42",
        "ann@laptop",
        "gpu1",
        "2",
        "0",
        "4m",
        "≤59m",
    ]
    assert lines[2].split()[:8] == ["◌", "waiting", "1", "shell:", "notebook", "ben", "gpu1", "1"]
    assert "~12m  2 GPUs wanted, 0 free" in lines[3]
    assert lines[4].startswith("‖ on hold")
    assert "\x1b" not in done.out


def test_why_a_run_of_a_pool_is_on_no_other_machine(wb: Wb) -> None:
    others = {f"gpu{n}": "1 GPU wanted, 0 free" for n in range(2, 8)}
    entry = {
        **ENTRIES[2],
        "pool": "lab",
        "elsewhere": {"lab-7": "cannot be reached\x1b[2J: no route", **others},
    }
    world = World(queue__list=[entry], queue__machines=[])
    said = wb("queue", world=world, terminal=TTY._replace(cells=300)).out.splitlines()[1]
    assert said.endswith(
        "2 GPUs wanted, 0 free; lab-7: cannot be reached: no route; gpu2: 1 GPU wanted, 0 free;"
        " gpu3: 1 GPU wanted, 0 free; gpu4: 1 GPU wanted, 0 free; 3 more machines"
    )


def test_the_queue_as_data(wb: Wb) -> None:
    world = answering()
    assert json.loads(wb("queue", "gpu1", "-o", "json", world=world).out) == ENTRIES
    assert world.calls == [("queue.list", {"target": "gpu1"})]
    first = wb("queue", world=answering()).out.splitlines()[0].split("\t")
    assert first[:5] == ["gpu1", "", "running", IDS["calm-otter-42"], "calm-otter-42"]
    empty = wb("queue", world=World(queue__list=[], queue__machines=[]), terminal=TTY)
    assert (empty.code, empty.out, empty.err) == (0, "", "nobody runs or waits\n")


def test_runs_are_changed_by_name_or_all_that_wait(wb: Wb) -> None:
    both = [IDS["brisk-heron-41"], IDS["vivid-lark-40"]]
    world = answering({"changed": both, "refused": {}})
    done = wb("run", "hold", "brisk-heron-41", "vivid-lark-40", world=world, terminal=TTY)
    assert done.err.splitlines() == ["brisk-heron-41 is on hold", "vivid-lark-40 is on hold"]
    assert world.calls[-1] == ("queue.hold", {"runs": both})
    listed: list[dict[str, Any]] = []

    def found(**asked: Any) -> list[dict[str, Any]]:
        listed.append(asked)
        return [make_run(7, "later"), make_run(6, "earlier")]

    world = answering({"changed": [], "refused": {}}, runs__list=found)
    assert wb("run", "release", "-e", "mnist", "-t", "gpu1", world=world).code == 0
    asked = {"experiment": "mnist", "target": "gpu1", "limit": 10_000}
    assert listed == [{**asked, "status": ["NotStarted", "Preparing", "Queued"]}]
    assert world.calls[-1] == ("queue.release", {"runs": [make_run(6, "")["id"], make_run(7, "")["id"]]})


def test_what_was_not_changed_is_said_and_the_command_fails(wb: Wb) -> None:
    refused = {IDS["calm-otter-42"]: "it runs already", IDS["dull-ibis-39"]: "it is over"}
    world = answering({"changed": [IDS["brisk-heron-41"]], "refused": refused})
    done = wb(
        "run", "priority", "5", "brisk-heron-41", "calm-otter-42", "dull-ibis-39", world=world, terminal=TTY
    )
    assert done.code == 5
    assert "brisk-heron-41 has priority 5" in done.err
    assert "calm-otter-42: it runs already" in done.err
    assert "dull-ibis-39: it is over" in done.err
    assert world.calls[-1][1]["priority"] == 5


@pytest.mark.parametrize(
    ("words", "place", "other"),
    [
        (["--first"], "first", None),
        (["--last"], "last", None),
        (["--before", "@1"], "before", "@1"),
        (["--after", "calm"], "after", "calm"),
    ],
)
def test_where_to_is_said_in_words(wb: Wb, words: list[str], place: str, other: str | None) -> None:
    world = answering({"changed": [IDS["brisk-heron-41"]], "refused": {}})
    assert wb("run", "move", "brisk-heron-41", *words, world=world).code == 0
    said = {"runs": [IDS["brisk-heron-41"]], "place": place} | ({"other": other} if other else {})
    assert world.calls[-1] == ("queue.move", said)


@pytest.mark.parametrize(
    "words",
    [
        ["run", "hold"],
        ["run", "hold", "brisk-heron-41", "-e", "mnist"],
        ["run", "move", "brisk-heron-41"],
        ["run", "move", "brisk-heron-41", "--first", "--last"],
        ["run", "priority", "high", "brisk-heron-41"],
        ["compute", "cordon", "gpu1", "--off", "--drain"],
        ["compute", "cordon"],
        ["compute", "pool", "set", "lab"],
    ],
)
def test_words_that_do_not_fit(wb: Wb, words: list[str]) -> None:
    world = answering({"changed": [], "refused": {}})
    done = wb(*words, world=world)
    assert done.code == 2
    assert not [call for call in world.calls if call[0].startswith(("queue.", "compute."))]


def test_a_cordon_is_set_and_lifted(wb: Wb) -> None:
    world = World(
        compute__cordon=lambda name, on, drain, reason: {
            "target": name,
            "running": 2,
            **({"cordon": {"drain": drain, "reason": reason, "by": "ann"}} if on else {}),
        }
    )
    done = wb(
        "compute", "cordon", "gpu1", "lab-7", "--drain", "--reason", "a new fan", world=world, terminal=TTY
    )
    assert done.err.splitlines() == [
        "gpu1 is being drained by ann: a new fan; 2 still run",
        "lab-7 is being drained by ann: a new fan; 2 still run",
    ]
    assert (
        wb("compute", "cordon", "gpu1", "--off", world=world, terminal=TTY).err == "gpu1 takes runs again\n"
    )


def test_pools(wb: Wb) -> None:
    pool = {"name": "lab", "targets": ["gpu1", "lab-7"], "created": ago(hours=3)}
    world = World(compute__pools=[pool], compute__set_pool=pool, compute__remove_pool={})
    done = wb("compute", "pool", "ls", world=world, terminal=TTY)
    assert [line.split() for line in done.out.splitlines()] == [
        ["NAME", "MACHINES", "AGE"],
        ["lab", "gpu1", "lab-7", "3h"],
    ]
    assert (
        wb("compute", "pool", "set", "lab", "gpu1", "lab-7", world=world, terminal=TTY).err
        == "lab: gpu1 lab-7\n"
    )
    assert world.calls[-1] == ("compute.set_pool", {"name": "lab", "targets": ["gpu1", "lab-7"]})
    assert wb("compute", "pool", "rm", "lab", world=world, terminal=TTY).err == "lab is no pool any more\n"
    none = wb("compute", "pool", "ls", world=World(compute__pools=[]), terminal=TTY)
    assert "wb compute pool set NAME gpu1 gpu2" in none.err


def test_a_submit_may_name_a_pool(wb: Wb) -> None:
    pools = [{"name": "lab", "targets": ["gpu1"], "created": ago(hours=3)}]
    for name in ("any", "lab"):
        world = World(compute__pools=pools)
        assert wb("submit", "--no-code", "-t", name, "--", "true", world=world).code == 0
        assert world.submitted[0]["configuration"]["target"] == name
    missing = wb("submit", "--no-code", "-t", "nowhere", "--", "true", world=World(compute__pools=pools))
    assert missing.code == NotFound.exit_code == 3


def test_a_submit_may_ask_to_be_tried_again(wb: Wb) -> None:
    world = World()
    assert wb("submit", "--no-code", "--retry", "2:reboot,exit", "--", "true", world=world).code == 0
    assert world.submitted[0]["configuration"]["retries"] == {"count": 2, "on": ["reboot", "exit"]}
    shown = wb("submit", "--no-code", "--dry-run", "--retry", "1", "--", "true", world=world, terminal=TTY)
    assert "up to 1 time, after: reboot, lost" in shown.out
    assert wb("submit", "--no-code", "--retry", "often", "--", "true", world=world).code == 2
