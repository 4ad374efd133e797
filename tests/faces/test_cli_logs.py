"""The logs of a run on the command line: bytes in a pipe, options, ranks, matches."""

from pathlib import Path

import pytest

from tests.faces.conftest import Wb
from tests.faces.scripted import PIPE, RUNS, TTY, World

ID = RUNS[0]["id"]


HOSTILE_LOG = [
    b"\x1b[32mok\x1b[0m \x1b]0;title\x07",
    b"100%\r200%\n\xff\xfe\x1b[2J",
    "é".encode()[:1],
    "é".encode()[1:],
]


def test_logs_in_a_pipe_are_the_exact_bytes(
    capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    from tests.faces.fixed_runs import NOW
    from workbench.cli.main import main
    from workbench.cli.session import Session

    world = World(runs__logs=HOSTILE_LOG)
    assert (
        main(
            ["logs", "x"], Session(opener=lambda name: world.open(tmp_path), terminal=PIPE, clock=lambda: NOW)
        )
        == 0
    )
    assert capfdbinary.readouterr().out == b"".join(HOSTILE_LOG)


def test_logs_on_a_terminal_keep_colours_and_returns_alone(wb: Wb) -> None:
    out = wb("logs", "x", world=World(runs__logs=HOSTILE_LOG), terminal=TTY).out
    assert out.replace("\r", "\\r") == "\x1b[32mok\x1b[0m 100%\\r200%\n��é\x1b[0m"


def test_logs_options_reach_the_service(wb: Wb, tmp_path: Path) -> None:
    world = World(runs__logs=[b"x"])
    wb("logs", "@1", "-n", "10", "--since", "5m", world=world)
    assert world.calls[-1] == ("runs.logs", {"run": "@1", "lines": 10, "since": 300.0})
    wb("logs", "@1", "-f", "-n", "10", "--since", "5m", world=world)
    assert world.calls[-2:] == [
        ("runs.log_place", {"run": ID, "lines": 10, "since": 300.0}),
        ("runs.logs", {"run": ID, "offset": 0, "follow": True}),
    ]
    wb("run", "logs", "@1", "--to", str(tmp_path / "log"), world=world)
    assert (tmp_path / "log").read_bytes() == b"x"


def test_logs_grep_prints_lines_that_match_from_where_the_log_would_begin(wb: Wb) -> None:
    world = World(runs__log_place={"run": ID, "offset": 70}, runs__log_grep=[b"loss 1\n", b"loss 2\n"])
    done = wb("logs", "@1", "-n", "10", "--grep", "/loss \\d/", world=world)
    assert (done.code, done.out) == (0, "loss 1\nloss 2\n")
    assert world.calls[-2:] == [
        ("runs.log_place", {"run": "@1", "lines": 10}),
        ("runs.log_grep", {"run": ID, "pattern": "/loss \\d/", "offset": 70}),
    ]
    nothing = World(runs__log_place={"run": ID, "offset": 0}, runs__log_grep=[])
    assert wb("logs", "@1", "--grep", "x", world=nothing).code == 1


LOGS = [
    {"log": "output", "label": "output", "size": 20},
    {"log": "output", "label": "attempt 1", "size": 8, "attempt": 1, "start": 0, "stop": 8},
    {"log": "output", "label": "attempt 2", "size": 12, "attempt": 2, "start": 8, "stop": 20},
    {"log": "logs/rank-1.log", "label": "r1", "size": 9, "rank": 1},
    {"log": "logs/rank-0.log", "label": "r0", "size": 9, "rank": 0},
]


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["--rank", "1"], {"log": "logs/rank-1.log"}),
        (["--all-ranks"], {"log": "logs/rank-0.log\nlogs/rank-1.log"}),
        (["--attempt", "1"], {"offset": 0, "stop": 8}),
        (["--attempt", "2"], {"offset": 8}),
        (["--log", "logs/a", "--log", "output"], {"log": "logs/a\noutput"}),
    ],
)
def test_other_logs_than_the_output(wb: Wb, words: list[str], asked: dict[str, object]) -> None:
    world = World(runs__logs=[b"x"], runs__log_list=LOGS)
    assert wb("logs", "x", *words, world=world).out == "x"
    assert world.calls[-1] == ("runs.logs", {"run": "x", **asked})


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--rank", "7"], 3, "there are ranks 0, 1"),
        (["--attempt", "3"], 3, "there were 2"),
        (["--rank", "1", "--attempt", "1"], 2, "exclude"),
        (["-C", "2"], 2, "--grep"),
    ],
)
def test_a_log_that_is_not_there(wb: Wb, words: list[str], code: int, says: str) -> None:
    done = wb("logs", "x", *words, world=World(runs__log_list=LOGS))
    assert done.code == code
    assert says in done.err


def test_followed_ranks_are_waited_for_until_no_more_come(wb: Wb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.cli.log_choice.LOOK", 0.0)
    told = iter([LOGS[:1], LOGS[:1], LOGS[:4], LOGS, LOGS])
    name = "logs/rank-0.log\nlogs/rank-1.log"
    world = World(
        runs__log_list=lambda **_: next(told),
        runs__get={"id": ID, "name": "calm-otter-42", "status": "Running"},
        runs__log_place={"run": ID, "offset": 0, "log": name},
        runs__logs=[b"x"],
    )
    done = wb("logs", "x", "-f", "--all-ranks", world=world)
    assert done.out == "x"
    assert world.calls[-1] == ("runs.logs", {"run": ID, "offset": 0, "log": name, "follow": True})
    gone = World(runs__log_list=LOGS[:1], runs__get={"id": ID, "name": "x", "status": "Failed"})
    assert wb("logs", "x", "-f", "--all-ranks", world=gone).code == 3


def test_lines_with_times_and_those_around_a_match_while_it_goes_on(wb: Wb) -> None:
    stamp = "2026-11-26 12:00:00.000 "
    words = ("one", "two", "six", "ten")
    lines = [{"text": f"{stamp}{word}\n", "offset": 4 * at} for at, word in enumerate(words, 1)]
    news = [{"run": {"id": ID}}, *lines]
    world = World(runs__log_print=news)
    done = wb("logs", "x", "-f", "--grep", "/^two$/", "-C", "1", "-t", "-n", "9", world=world)
    assert (done.code, done.out) == (0, f"{stamp}one\n{stamp}two\n{stamp}six\n")
    assert world.calls[-1] == ("runs.log_print", {"run": "x", "lines": 9, "follow": True, "timestamps": True})
    assert wb("logs", "x", "-f", "--grep", "nothing", world=World(runs__log_print=news)).code == 1


def test_an_interrupt_of_logs_f_says_how_to_cancel(wb: Wb) -> None:
    """AZ-15."""
    done = wb("logs", "-f", "@1", world=World(runs__logs=[b"line\n", KeyboardInterrupt()]))
    assert (done.code, done.out) == (130, "line\n")
    assert "wb cancel calm-otter-42" in done.err, "what @1 means may have changed meanwhile"


def test_merged_logs_have_our_colours_on_a_terminal_alone(wb: Wb) -> None:
    tagged = b"\x1b[36mr0\x1b[0m \x1b[31mred\x1b[0m\n"
    listed = [{"log": "logs/rank-0.log", "rank": 0}, {"log": "logs/rank-1.log", "rank": 1}]
    world = World(runs__log_list=listed, runs__logs=[tagged[:4], tagged[4:]],
                  runs__log_print=[{"text": tagged.decode()}])  # fmt: skip
    for more in ([], ["-t"]):
        assert wb("logs", "x", "--all-ranks", *more, world=world).out == "r0 \x1b[31mred\x1b[0m\n"
        assert (
            "\x1b[36mr0"
            in wb("logs", "x", "--all-ranks", *more, world=world, terminal=TTY._replace(colour=True)).out
        )
