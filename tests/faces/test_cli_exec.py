"""wb compute exec on several machines: whose line it is, what is data, what the end says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.faces.conftest import Wb
from tests.faces.scripted import TTY, World
from workbench.errors import Unreachable


def answers(name: str, **_: Any) -> Iterator[dict[str, Any]]:
    """gpu1 does what it is told, lab-7 cannot be reached, local fails."""
    if name == "lab-7":
        raise Unreachable("the connection was refused", "is sshd running there?")
    yield {"out": f"one from {name}\ntw"}
    yield {"err": "\x1b]0;title\x07careful\n"}
    yield {"out": "o"}
    yield {"exit_code": 0 if name == "gpu1" else 7}


def world() -> World:
    return World(compute__exec=answers)


def test_lines_are_whole_and_say_where_they_are_from(wb: Wb) -> None:
    done = wb("compute", "exec", "gpu1", "local", "--", "x", world=world())
    assert sorted(done.out.splitlines()) == [
        "gpu1\tone from gpu1", "gpu1\ttwo", "local\tone from local", "local\ttwo",
    ]  # fmt: skip
    assert done.code == 1
    assert done.err.splitlines()[-1] == "1 ok; 1 failed: local (exit 7)"


def test_on_a_terminal_names_stand_in_a_column_and_text_is_harmless(wb: Wb) -> None:
    done = wb("compute", "exec", "gpu1", "local", "--", "x", world=world(), terminal=TTY)
    assert {line[:7] for line in done.out.splitlines()} == {"gpu1   ", "local  "}
    assert "\x1b]" not in done.err
    assert "gpu1   careful" in done.err
    coloured = TTY._replace(colour=True)
    done = wb("compute", "exec", "gpu1", "local", "--", "x", world=world(), terminal=coloured)
    assert {line.partition("m")[0] for line in done.out.splitlines()} == {"\x1b[36", "\x1b[32"}


def test_all_is_all_that_were_attached_and_only_missed_ones_are_four(wb: Wb) -> None:
    asked = world()
    done = wb("compute", "exec", "--all", "--timeout", "5s", "--", "ls | wc", world=asked)
    ran = [given for name, given in asked.calls if name == "compute.exec"]
    assert ran == [{"name": name, "shell": "ls | wc", "timeout": 5.0} for name in ("gpu1", "lab-7")]
    assert done.code == 4
    assert "lab-7\tthe connection was refused (is sshd running there?)" in done.err
    assert done.err.splitlines()[-1] == "1 ok; 1 unreachable: lab-7"
    piped = TTY._replace(stderr=False, colour=True)
    done = wb("compute", "exec", "--all", "--", "x", world=world(), terminal=piped)
    assert "lab-7\tthe connection was refused (is sshd running there?)" in done.err.splitlines()


def test_json_is_one_object_a_machine(wb: Wb) -> None:
    done = wb("compute", "exec", "--all", "-o", "json", "--", "x", world=world())
    found = {row["name"]: row for row in json.loads(done.out)}
    assert found["gpu1"] == {
        "name": "gpu1", "exit_code": 0, "out": "one from gpu1\ntwo\n", "err": "\x1b]0;title\x07careful\n",
    }  # fmt: skip
    assert found["lab-7"]["problem"] == "the connection was refused"
    assert "exit_code" not in found["lab-7"]
    lines = wb("compute", "exec", "gpu1", "--format", "jsonl", "--", "x", world=world()).out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["gpu1"]


def test_a_name_nobody_has_runs_nothing(wb: Wb) -> None:
    asked = world()
    done = wb("compute", "exec", "gpu1", "gpu9", "--", "reboot", world=asked)
    assert done.code == 3
    assert "nothing was run" in done.err
    assert "compute.exec" not in [name for name, _ in asked.calls]
    for words in (["--", "x"], ["gpu1", "--all", "--", "x"], ["gpu1"]):
        assert wb("compute", "exec", *words, world=asked).code == 2
