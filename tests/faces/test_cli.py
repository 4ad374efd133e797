"""The command line: stdout is data, errors are a line, a hint and a code."""

from pathlib import Path

import pytest

from tests.faces.conftest import Answers, Wb
from tests.faces.fixed_runs import NOW
from tests.faces.scripted import PIPE, RUNS, TARGETS, TTY, World
from workbench.cli.command import Group, Listing
from workbench.cli.commands import COMMANDS
from workbench.cli.main import build, main
from workbench.cli.session import Session
from workbench.errors import (
    Ambiguous,
    ConfigurationError,
    Refused,
    SnapshotTooLarge,
    Unreachable,
    WorkbenchError,
)
from workbench.workspace import Workspace


def commands(group: Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], object]]:
    found: list[tuple[tuple[str, ...], object]] = []
    for name in group.list_commands(None):  # type: ignore[arg-type]
        command = group.get_command(None, name)  # type: ignore[arg-type]
        found.append(((*path, name), command))
        if isinstance(command, Group):
            found += commands(command, (*path, name))
    return found


EVERY = commands(build())


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[" ".join(path) for path, _ in EVERY])
def test_every_command_loads_and_has_help(wb: Wb, path: tuple[str, ...], command: object) -> None:
    done = wb(*path, "--help")
    assert done.code == 0
    assert f"wb {' '.join(path)}" in done.out
    if not isinstance(command, Group):
        assert command.help  # type: ignore[attr-defined]
        assert all(option.help for option in command.params if option.param_type_name == "option")  # type: ignore[attr-defined]
        assert len(path) == 1 or COMMANDS[path[0]].help


def test_every_listing_prints_every_format() -> None:
    """Every command that lists takes --format and --to."""
    names = {" ".join(path) for path, command in EVERY if isinstance(command, Listing)}
    assert {"ps", "run ls", "run show", "run metrics", "compute ls", "experiment ls", "activity ls"} <= names


def test_help_says_what_there_is(wb: Wb) -> None:
    done = wb("--help")
    assert done.code == 0
    for name in COMMANDS:
        assert f"  {name} " in done.out


def test_filters_reach_the_service(wb: Wb) -> None:
    world = World()
    wb(
        "ps",
        "-e",
        "mnist",
        "--status",
        "cancel-requested",
        "--status",
        "FAILED",
        "--tag",
        "a=b",
        "--tag",
        "bare",
        "-n",
        "7",
        "--active",
        "res",
        "net",
        world=world,
    )
    assert world.calls[0] == (
        "runs.list",
        {
            "experiment": "mnist",
            "status": ["CancelRequested", "Failed"],
            "tags": {"a": "b", "bare": None},
            "limit": 7,
            "active": True,
            "filter": "res net",
        },
    )
    wb("ps", "--filter", "loss<1 or a", "--filter", "b", world=world)
    assert world.calls[1] == ("runs.list", {"filter": "(loss<1 or a) (b)", "limit": 50})
    assert wb("ps", "--status", "dreaming").code == 2


def test_nothing_to_list_is_said_on_stderr_to_people_only(wb: Wb) -> None:
    world = World(runs__list=[])
    assert wb("ps", world=world, terminal=TTY) == (
        0,
        "",
        "no runs yet; start one: wb submit --follow -- python train.py\n",
    )
    assert wb("ps", world=world) == (0, "", "")
    assert wb("ps", "-o", "json", world=world).out == "[]\n"


@pytest.mark.parametrize(
    ("problem", "code", "lines"),
    [
        (
            Unreachable("gpu1 does not answer", "wb compute doctor gpu1"),
            4,
            ["error: gpu1 does not answer", "hint: wb compute doctor gpu1"],
        ),
        (Refused("no"), 5, ["error: no"]),
        (WorkbenchError("bad \x1b]0;x\x07name\x1b[2J"), 1, ["error: bad name"]),
        (
            Ambiguous("01J begins several", "more", candidates=[{"id": "01JA", "name": "calm-otter"}]),
            2,
            ["error: 01J begins several", "  calm-otter  01JA", "hint: more"],
        ),
        (
            SnapshotTooLarge(
                "too large", "ignore", largest=[{"path": "data/x", "size": 1 << 30, "line": "/data/"}]
            ),
            5,
            [
                "error: too large",
                "      SIZE  FILES  A LINE THAT LEAVES IT OUT",
                "  1.00 GiB         /data/",
                "hint: ignore",
            ],
        ),
        (
            ConfigurationError(
                "job.yml, two mistakes",
                "h",
                problems=[
                    {"line": 3, "field": "gpu", "message": "is unknown"},
                    {"set": "--set x", "message": "wants ="},
                ],
            ),
            2,
            ["error: job.yml, two mistakes", "  line 3: gpu: is unknown", "  --set x: wants =", "hint: h"],
        ),
        (
            RuntimeError("boom"),
            1,
            ["error: internal error: RuntimeError: boom", "hint: run it again with --debug"],
        ),
        (
            OSError(28, "No space left on device"),
            1,
            ["error: writing failed: No space left on device", "hint: make room where it writes to"],
        ),
        (
            FileNotFoundError(2, "No such file or directory", "x.yml"),
            1,
            ["error: x.yml: No such file or directory"],
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_is_a_line_a_hint_and_a_code(
    wb: Wb, problem: Exception, code: int, lines: list[str]
) -> None:
    done = wb("ps", world=World(runs__list=problem))
    assert done.code == code
    assert done.out == ""
    shown = [" ".join(line.split()) for line in done.err.splitlines()]
    wanted = [" ".join(line.split()) for line in lines]
    assert len(shown) == len(wanted)
    assert all(line.startswith(want) for line, want in zip(shown, wanted, strict=True)), done.err
    assert "Traceback" not in done.err


def test_debug_shows_the_traceback_wherever_it_stands(wb: Wb) -> None:
    world = World(runs__list=RuntimeError("boom"))
    assert "Traceback" in wb("ps", "--debug", world=world).err
    assert "Traceback" in wb("--debug", "ps", world=world).err


def test_not_found_is_three(wb: Wb) -> None:
    done = wb("run", "show", "nope")
    assert (done.code, done.out) == (3, "")
    assert done.err == "error: no run answers to 'nope'\nhint: wb ps lists them\n"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["sumbit"], "did you mean wb submit?"),
        (["run", "metric", "x"], "did you mean wb run metrics?"),
        (["exec", "gpu1"], "did you mean wb compute exec?"),
        (["hold", "@1"], "did you mean wb run hold?"),
        (["zzzz"], "wb --help lists them"),
    ],
)
def test_a_mistyped_command_gets_a_suggestion(wb: Wb, words: list[str], hint: str) -> None:
    done = wb(*words)
    assert done.code == 2
    assert done.err.splitlines()[1] == f"hint: {hint}"


@pytest.mark.parametrize(
    "words", [["ps", "--nope"], ["ps", "-o", "xml"], ["run", "show"], ["run", "logs", "x", "--since", "x"]]
)
def test_wrong_usage_is_two_and_names_the_help(wb: Wb, words: list[str]) -> None:
    done = wb(*words)
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert "Traceback" not in done.err


def test_a_noun_alone_shows_its_commands(wb: Wb) -> None:
    done = wb("run")
    assert (done.code, done.out) == (2, "")
    assert "metrics" in done.err


def test_no_arguments_show_how_things_stand(wb: Wb) -> None:
    out = wb(terminal=TTY).out
    assert out.startswith("3 machines, 1 connected   1 running   1 waiting\n")
    assert "Active" in out
    assert "brisk-heron-41" in out
    assert "wb submit --follow" in out
    empty = wb(terminal=TTY, world=World(runs__list=[], compute__list=TARGETS[2:])).out
    assert "wb compute attach gpu1 you@host" in empty
    assert "wb demo" in empty


def test_a_location_shows_its_place(wb: Wb) -> None:
    world = World()
    assert "calm-otter-42" in wb("runs/mnist", world=world).out
    assert world.calls[0][1]["experiment"] == "mnist"
    assert wb("compute/gpu1", "-o", "json").out.startswith("{")
    assert wb(":runs @gpu1", world=world).code == 0
    assert world.calls[-1][1]["target"] == "gpu1"
    done = wb("modles/x")
    assert done.code == 2
    assert "no place called" in done.err


def test_hostile_names_reach_no_terminal(wb: Wb) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2Jname\u202e\n\tx"
    run = {**RUNS[0], "name": hostile, "message": hostile, "status": "Failed", "target": hostile}
    target = {**TARGETS[1], "name": hostile, "problem": hostile, "facts": {"hostname": hostile}}
    world = World(
        runs__list=[run],
        runs__get=run,
        compute__list=[target],
        compute__get=target,
        compute__doctor=[{"name": hostile, "state": hostile, "text": hostile, "hint": hostile}],
    )
    for words in (
        [],
        ["ps"],
        ["run", "show", "x"],
        ["compute", "ls"],
        ["compute", "show", "x"],
        ["compute", "doctor", "x"],
    ):
        for terminal in (TTY, PIPE):
            for more in ([], ["-o", "json"] if words else []):
                done = wb(*words, *more, world=world, terminal=terminal)
                text = done.out + done.err
                assert not any(c < " " and c not in "\n\t" for c in text), words
                assert "\u202e" not in text


def test_the_workspace_closes_and_its_name_is_passed(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    world, names = World(), []

    def opener(name: str | None) -> Workspace:
        names.append(name)
        return world.open(tmp_path, name)

    for words in (["--workspace", "lab", "ps"], ["ps", "--workspace", "lab"]):
        assert main(words, Session(opener=opener, terminal=PIPE, clock=lambda: NOW)) == 0
    assert names == ["lab", "lab"]
    assert world.closed


def test_an_interrupt_is_130(wb: Wb) -> None:
    done = wb("ps", world=World(runs__list=KeyboardInterrupt()))
    assert done == (130, "", "interrupted\n")


def test_version(wb: Wb) -> None:
    from workbench.version import __version__

    assert wb("--version").out == f"wb {__version__}\n"


def test_answers_are_for_questions_only(wb: Wb) -> None:
    asker = Answers()
    assert wb("ps", asker=asker).code == 0
    assert asker.asked == []
