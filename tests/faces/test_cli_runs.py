"""wb submit and wb run: what goes to the services, what comes out, how following ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.faces.conftest import Answers, Wb
from tests.faces.scripted import PIPE, RUNS, TTY, World, make_run
from workbench.errors import Conflict, NotFound

ID = RUNS[0]["id"]
DONE = {**RUNS[0], "status": "Completed", "exit_code": 0}
FAILED = {**RUNS[0], "status": "Failed", "exit_code": 3, "message": "the loss is nan"}


def test_submit_prints_the_id_alone(wb: Wb, code: Path) -> None:
    assert wb("submit", "--", "python", "train.py") == (0, f"{ID}\n", "")
    (code / "server.pem").touch()
    done = wb("submit", "--", "python", "train.py")
    assert (done.code, done.out) == (0, f"{ID}\n")
    assert "server.pem" in done.err, "said to scripts, too"
    told = wb("submit", "--", "python", "train.py", terminal=TTY)
    assert told.out == f"{ID}\n"
    assert "wb logs -f calm-otter-42" in told.err
    assert "server.pem" in told.err


def test_words_after_the_dashes_are_the_command(wb: Wb, code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    monkeypatch.setenv("KEY", "s3cret")
    wb(
        "submit",
        "-t",
        "gpu1",
        "-e",
        "mnist",
        "--gpus",
        "2",
        "--name",
        "n",
        "--tag",
        "a=b",
        "--tag",
        "c",
        "--setup",
        "module load cuda",
        "--secret",
        "KEY",
        "--timeout",
        "1h30",
        "--priority",
        "5",
        "--env",
        "/opt/py",
        "--input",
        "lr=3e-4",
        "--",
        "python",
        "train.py",
        "--lr",
        "${{inputs.lr}}",
        "-t",
        "--help",
        world=world,
    )
    (submitted,) = world.submitted
    assert submitted["configuration"] == {
        "command": ["python", "train.py", "--lr", "3e-4", "-t", "--help"],
        "template": ["python", "train.py", "--lr", "${{inputs.lr}}", "-t", "--help"],
        "code": str(code),
        "target": "gpu1",
        "experiment": "mnist",
        "gpus": 2,
        "name": "n",
        "tags": {"a": "b", "c": None},
        "setup": ["module load cuda"],
        "secrets": ["KEY"],
        "timeout": 5400.0,
        "priority": 5,
        "environment": "/opt/py",
        "environment_variables": {},
        "inputs": {"lr": 0.0003},
        "written": {"lr": "3e-4"},
        "on_end": [],
        "collect_outputs": True,
        "snapshot_code": True,
        "ingest": True,
    }
    assert submitted["secrets"] == {"KEY": "s3cret"}


def test_one_quoted_word_is_a_shell_line(wb: Wb) -> None:
    world = World()
    wb("submit", "--no-code", "--", "a | b && c", world=world)
    (submitted,) = world.submitted
    assert submitted["configuration"]["command"] == "a | b && c"
    assert "code" not in submitted["configuration"]
    assert "snapshot" not in submitted


JOB = "command: python train.py ${{inputs.lr}}\ncode: .\ninputs:\n  lr: 3\n"


def test_a_job_file_takes_options_on_either_side(wb: Wb, code: Path) -> None:
    world = World()
    (code / "job.yml").write_text(JOB)
    assert wb("submit", "job.yml", "-t", "gpu1", "--set", "inputs.lr=1", world=world).code == 0
    (submitted,) = world.submitted
    asked = submitted["configuration"]
    assert (asked["target"], asked["inputs"], asked["code"]) == ("gpu1", {"lr": 1}, str(code))
    assert asked["command"] == "python train.py 1"


@pytest.mark.parametrize("words", [["job.yml"], ["--", "python", "train.py"]])
def test_code_and_outputs_can_stay_where_they_are(wb: Wb, words: list[str], code: Path) -> None:
    """AZ-119."""
    world = World()
    (code / "job.yml").write_text(JOB)
    wb("submit", *words, world=world)
    wb("submit", "--no-code", "--no-outputs", *words, world=world)
    usual, off = world.submitted
    assert usual["configuration"]["collect_outputs"]
    assert not off["configuration"]["collect_outputs"]
    assert ("snapshot" in usual, "snapshot" in off) == (True, False)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ([], "wb submit -- python train.py"),
        (["python", "train.py"], "wb submit -- python train.py"),
        (["--"], "wb submit --"),
        (["job.yml", "--", "x"], "wb submit"),
        (["--code", ".", "--no-code", "--", "x"], ""),
        (["--timeout", "soon", "--", "x"], ""),
    ],
)
def test_what_cannot_be_submitted_says_how(wb: Wb, words: list[str], hint: str) -> None:
    world = World()
    done = wb("submit", *words, world=world)
    assert done.code == 2
    assert hint in done.err
    assert world.submitted == []


def test_a_dry_run_sends_nothing_and_says_what_it_would(wb: Wb, code: Path) -> None:
    (code / ".gitignore").write_text("*.bin\n")
    for name in ("large.bin", "larger.bin"):
        (code / name).write_bytes(bytes(34567))
    (code / "data.txt").write_bytes(bytes(34567))
    world = World()
    done = wb("submit", "--dry-run", "--", "python", "train.py", terminal=TTY, world=world)
    assert "python train.py" in done.out
    assert "3, 33.8 KiB" in done.out
    assert "2 paths" in done.out
    assert "nothing was sent" in done.err
    plan = json.loads(wb("submit", "--dry-run", "-o", "json", "--", "python", "train.py", world=world).out)
    assert plan["snapshot"]["files"] == 3
    assert world.submitted == []


def test_follow_puts_id_and_log_on_stdout_and_states_on_stderr(wb: Wb) -> None:
    items = [
        {"run": {**RUNS[0], "status": "Queued", "message": "waits for a GPU"}},
        {"run": RUNS[0]},
        {"log": "epoch 1\n", "offset": 8},
        {"metric": {"name": "loss", "step": 1, "value": 0.5, "rank": 0}},
        {"gap": {"from": 8, "to": 20}},
        {"log": "epoch 2\n", "offset": 28},
        {"run": DONE},
    ]
    done = wb(
        "submit", "--follow", "--", "x", world=World(runs__follow=items), terminal=PIPE._replace(stderr=True)
    )
    assert (done.code, done.out) == (0, f"{ID}\nepoch 1\nepoch 2\n")
    assert "◌ queued: waits for a GPU" in done.err
    assert "✔ completed" in done.err
    assert "12 bytes of output were not kept" in done.err


def test_follow_exits_by_the_outcome(wb: Wb) -> None:
    done = wb("submit", "--follow", "--", "x", world=World(runs__follow=[{"run": FAILED}]))
    assert done.code == 1
    assert done.err.splitlines() == [
        "error: calm-otter-42 failed: the loss is nan (exit 3)",
        "hint: wb logs calm-otter-42",
    ]
    assert wb("submit", "--wait", "--", "x", world=World(runs__watch=[{"run": FAILED}])).code == 1
    assert wb("submit", "--wait", "--", "x", world=World(runs__watch=[{"run": DONE}])).code == 0


@pytest.mark.parametrize("flag", ["--follow", "--wait"])
def test_an_interrupt_stops_following_alone(wb: Wb, flag: str) -> None:
    """AZ-15: the run goes on, and it says how to cancel."""
    items = [{"run": RUNS[0]}, KeyboardInterrupt()]
    world = World(runs__follow=items, runs__watch=items)
    done = wb("submit", flag, "--", "x", world=world)
    assert done.code == 130
    assert done.out == f"{ID}\n"
    assert "calm-otter-42 goes on\nto cancel it: wb cancel calm-otter-42\n" in done.err
    assert not any(name == "runs.cancel" for name, _ in world.calls)


def test_who_stays_sees_the_code_being_sent(wb: Wb, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server sends after submit has returned; until the machine has the run, that is what there is to see."""
    monkeypatch.setattr("workbench.cli.progress.PATIENCE", 0.0)
    monkeypatch.setattr("workbench.cli.progress.EVERY", 0.0)
    monkeypatch.setattr("workbench.cli.run_logs.EVERY", 0.0)
    waiting = {"kind": "submit", "subject": f"experiments/e/runs/{ID}", "text": "waiting for gpu1: it is off"}
    sending = {**waiting, "text": "sending code", "done": 50 << 20, "total": 100 << 20}
    other = {**sending, "subject": "experiments/e/runs/other", "text": "not this one"}
    steps = [[], [other], [other, waiting], [sending]]
    states = [{**RUNS[0], "status": "NotStarted"}] * len(steps) + [RUNS[0]]
    world = World(
        runs__get=lambda run: states.pop(0),
        activities__list=lambda active: steps.pop(0),
        runs__follow=[{"run": DONE}],
    )
    err = wb("submit", "--follow", "--", "x", world=world, terminal=TTY).err
    assert not steps
    assert "waiting for gpu1: it is off" in err
    assert "sending code  ━" in err
    assert "50%" in err
    assert "not this one" not in err
    assert err.index("sending code") < err.index("completed")


def test_wait_exits_by_all_outcomes(wb: Wb) -> None:
    assert wb("run", "wait", "a", world=World(runs__watch=[{"run": DONE}])).code == 0
    done = wb(
        "run",
        "wait",
        "a",
        "b",
        world=World(runs__watch=lambda run: [{"run": FAILED if run == "a" else DONE}]),
    )
    assert done.code == 1
    assert "the loss is nan" in done.err
    assert wb("run", "wait", "a", world=World(runs__watch=[KeyboardInterrupt()])).code == 130


HOSTILE_LOG = [
    b"\x1b[32mok\x1b[0m \x1b]0;title\x07",
    b"100%\r200%\n\xff\xfe\x1b[2J",
    "é".encode()[:1],
    "é".encode()[1:],
]


def test_logs_in_a_pipe_are_the_exact_bytes(
    capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    from tests.faces.scripted import NOW
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


SERIES = [
    {
        "name": "loss",
        "rank": 0,
        "count": 1000,
        "first_step": 0,
        "last_step": 999,
        "last": 0.04,
        "min": 0.04,
        "max": 2.3,
        "nan_count": 0,
    },
    {
        "name": "acc",
        "rank": 0,
        "count": 12000,
        "first_step": 0,
        "last_step": 999,
        "last": "nan",
        "nan_count": 3,
    },
]
ENVELOPE = [
    {"first_step": n, "last_step": n, "min": n / 9, "max": n / 5, "last": n / 7, "count": 1}
    for n in range(50)
]


def test_metrics_one_row_a_series(wb: Wb) -> None:
    world = World(runs__metrics=SERIES)
    assert (
        wb("run", "metrics", "@1", world=world).out.splitlines()[0]
        == "loss\t0\t1000\t0\t999\t0.04\t0.04\t2.3\t0"
    )
    assert wb("run", "metrics", "@1", world=world, terminal=TTY).out.splitlines() == [
        "METRIC  LAST   MIN  MAX  POINTS  STEPS  NAN",
        "loss    0.04  0.04  2.3    1000  0-999    0",
        "acc      nan     -    -     12k  0-999    3",
    ]


def test_attempts_of_a_series_are_told_apart(wb: Wb) -> None:
    """A resumed run goes on in series of its own; how it went is shown once, over all of them."""
    series = [{**SERIES[0], "attempt": attempt, "first_step": 500 * attempt} for attempt in (1, 2)]
    world = World(runs__metrics=series, runs__envelope=ENVELOPE)
    header, first, second = wb("run", "metrics", "@1", world=world, terminal=TTY).out.splitlines()
    assert header.split()[:2] == ["METRIC", "ATTEMPT"]
    assert (first.split()[1], second.split()[1]) == ("1", "2")
    assert (len(first.split()), len(second.split())) == (7, 8)


def test_points_of_one_metric(wb: Wb) -> None:
    points = [
        {"step": 0, "time": "2026-11-23T12:00:00Z", "value": 1.5},
        {"step": 1, "time": "2026-11-23T12:00:01Z", "value": "inf"},
    ]
    columns = {
        "steps": [0, 1],
        "times": [1_795_435_200_000_000, 1_795_435_201_000_000],
        "values": [1.5, "inf"],
    }
    world = World(runs__points=columns)
    assert wb("run", "metrics", "@1", "loss", world=world).out == (
        "0\t2026-11-23T12:00:00Z\t1.5\n1\t2026-11-23T12:00:01Z\tinf\n"
    )
    assert json.loads(wb("run", "metrics", "@1", "loss", "-o", "json", world=world).out) == points


def test_metrics_are_drawn(wb: Wb) -> None:
    world = World(runs__metrics=SERIES, runs__envelope=ENVELOPE)
    one = wb("run", "metrics", "@1", "loss", "acc", "--plot", world=world, terminal=TTY).out
    assert one.startswith("━━ loss 7   ━━ acc 7\n")
    assert len(one.splitlines()) == 20
    each = wb("run", "metrics", "@1", "--plot", world=world, terminal=TTY).out
    assert each.count("step") == 2
    done = wb("run", "metrics", "@1", "los", "--plot", world=world)
    assert done.code == 3
    assert "it has loss, acc" in done.err


COMPARED = {
    "runs": [RUNS[0], RUNS[2]],
    "params": {"lr": ["3e-4", None]},
    "metrics": {"loss": {"values": [0.0412, 0.0398], "best": 1, "goal": "minimize"}},
    "facts": {"target": ["gpu1", "lab-7"]},
    "code": [{"path": "train.py", "changes": [None, "modified"]}],
}


def test_compare_shows_what_differs(wb: Wb) -> None:
    world = World(runs__compare=COMPARED)
    assert wb("run", "compare", "a", "b", world=world, terminal=TTY).out.splitlines() == [
        "            calm-otter-42  vivid-lark-40",
        "status          ● running    ✔ completed",
        "params",
        "  lr                 3e-4              -",
        "metrics",
        "  loss ↓           0.0412       ★ 0.0398",
        "facts",
        "  target             gpu1          lab-7",
        "code",
        "  train.py              -       modified",
    ]
    assert wb("run", "compare", "a", "b", world=world).out == (
        "param\tlr\t3e-4\t\nmetric\tloss\t0.0412\t0.0398\nfact\ttarget\tgpu1\tlab-7\ncode\ttrain.py\t\tmodified\n"
    )
    assert wb("run", "compare", "a", "b", "-o", "csv", world=world).out.startswith(
        "kind,name,calm-otter-42,vivid-lark-40"
    )
    assert json.loads(wb("run", "compare", "a", "b", "-o", "json", world=world).out) == COMPARED
    assert wb("run", "compare", "a", "--save", "x", world=world).code == 2


def test_a_comparison_is_saved_and_shown_again(wb: Wb) -> None:
    kept = {"name": "sweep", "runs": ["a" * 26, "b" * 26, "c" * 26], "gone": ["c" * 26], "note": "# \x1b[2JWhy", "created": "2026-11-23T12:00:00Z"}
    world = World(runs__compare=COMPARED, comparisons__save=kept, comparisons__get=kept, comparisons__list=[kept], comparisons__remove={}, comparisons__describe=kept)
    assert wb("run", "compare", "@1", "@2", "--save", "sweep", world=world).code == 0
    assert world.calls[-1] == ("runs.compare", {"runs": kept["runs"]})
    again = wb("run", "compare", "sweep", world=world, terminal=TTY)
    assert world.calls[-1] == ("runs.compare", {"runs": kept["runs"][:2]})
    assert "1 run of sweep no longer here" in again.err
    assert wb("run", "comparisons", world=world, terminal=TTY).out.splitlines()[1].split() == ["sweep", "3", "runs", "1", "Why"]
    wb("run", "comparisons", "--search", "lr", world=world)
    assert world.calls[-1] == ("comparisons.list", {"text": "lr"})
    assert wb("run", "comparisons", "sweep", "--note", world=world, terminal=TTY).out == "# Why\n"
    wb("run", "comparisons", "sweep", "the", "best", "--note", world=world)
    assert world.calls[-1] == ("comparisons.describe", {"name": "sweep", "note": "the best"})
    wb("run", "comparisons", "sweep", "--remove", world=world)
    assert world.calls[-1] == ("comparisons.remove", {"name": "sweep"})
    assert wb("run", "comparisons", "--remove", world=world).code == 2


def test_compare_tells_distances_and_says_what_it_guessed(wb: Wb) -> None:
    metrics = {
        "acc": {"values": [0.5, 0.75], "deltas": [0.0, 0.25], "best": 1, "goal": "maximize", "guessed": True, "peaks": [0.5, 0.8]},
        "epoch": {"values": [3, 4], "deltas": [0, 1]},
    }
    world = World(runs__compare={**COMPARED, "metrics": metrics, "tags": {"a|b": ["1", None]}})
    shown = wb("run", "compare", "a", "b", world=world, terminal=TTY)
    assert "  acc ↑?             0.50  ★ 0.75    +0.25" in shown.out.splitlines()
    assert "  epoch                 3       4       +1" in shown.out.splitlines()
    assert ["best", "0.5", "0.8"] in [line.split() for line in shown.out.splitlines()]
    assert "best\tacc\t0.5\t0.8\n" in wb("run", "compare", "a", "b", world=world).out
    assert "guessed from the metric's name" in shown.err
    document = wb("run", "compare", "a", "b", "-o", "markdown", world=world).out
    assert "| acc ↑? | 0.50 | ★ 0.75 +0.25 |" in document
    assert "| a\\|b | 1 | - |" in document


def test_runs_are_handed_on_in_one_file(wb: Wb, tmp_path: Path) -> None:
    world = World(runs__bundled=[RUNS[2]], runs__bundle=[b"PK", b"x"], runs__unbundle={"runs": [{"run": "a" * 26, "name": "x\x1b[2J", "state": "updated"}]})
    to = tmp_path / "it.wb"
    done = wb("run", "export", "vivid-lark-40", "--to", str(to), world=world, terminal=PIPE._replace(stderr=True))
    assert (done.out, to.read_bytes(), to.stat().st_mode & 0o777) == (f"{to}\n", b"PKx", 0o600)
    assert world.calls[-1] == ("runs.bundle", {"runs": [RUNS[2]["id"]], "files": False, "code": True})
    assert "1 run, 3 B" in done.err
    assert wb("run", "export", "vivid-lark-40", "--to", str(to), world=world).code == 5
    assert wb("run", "export", "a", "b", world=world).code == 2
    brought = wb("run", "import", str(to), world=world, terminal=PIPE._replace(stderr=True))
    assert (brought.out, brought.err) == ("a" * 26 + "\n", "x (brought up to date)\n")
    assert world.sent == b"PKx"
    assert wb("run", "import", str(to), "--experiment", "e", world=world).code == 2


def test_changed_files_are_listed_with_their_lines(wb: Wb) -> None:
    found = [{"path": "t.py\x1b[2J", "change": "modified", "added": 3, "removed": 1}, {"path": "w.bin", "change": "added"}]
    world = World(runs__changed_files=found)
    assert wb("run", "diff", "a", "b", "--stat", world=world, terminal=TTY).out.splitlines() == [
        "CHANGE     +   -  PATH",
        "modified  +3  -1  t.py",
        "added      -   -  w.bin",
    ]
    assert wb("run", "diff", "a", "--stat", world=world).code == 2


def test_compare_names_some_of_many_packages_last(wb: Wb) -> None:
    """AZ-90 in part: two environments may differ in hundreds; nothing else is buried below them."""
    packages = {f"package-{number:03}": [None, f"1.{number}"] for number in range(100)}
    world = World(runs__compare={**COMPARED, "packages": packages})
    shown = wb("run", "compare", "a", "b", world=world, terminal=TTY).out.splitlines()
    assert shown[-1] == "  80 more"
    assert shown.index("code") < shown.index("packages")
    assert shown[-2].split() == ["package-019", "-", "1.19"]
    every = wb("run", "compare", "--all", "a", "b", world=world, terminal=TTY).out.splitlines()
    assert every[-1].split() == ["package-099", "-", "1.99"]
    assert wb("run", "compare", "a", "b", world=world).out.count("\npackage\t") == 100


def test_a_star_needs_a_rival(wb: Wb) -> None:
    metrics = {"loss": {"values": [0.5, None], "best": 0, "goal": "minimize"}}
    world = World(runs__compare={**COMPARED, "metrics": metrics})
    assert "★" not in wb("run", "compare", "a", "b", world=world, terminal=TTY).out


def test_what_a_column_would_cut_is_compared_below_the_table(wb: Wb) -> None:
    facts = {"command": ["python train.py --lr 0.1", "python train.py --lr 0.2"]}
    two = World(runs__compare={**COMPARED, "facts": facts})
    assert "\n  command  " in wb("run", "compare", "a", "b", world=two, terminal=TTY).out
    three = {
        "runs": [*RUNS[:3]],
        "params": {},
        "metrics": {},
        "facts": {"command": [f"python train.py --lr 0.{n}" for n in range(3)]},
        "code": [],
    }
    out = wb("run", "compare", "a", "b", "c", world=World(runs__compare=three), terminal=TTY).out
    assert "\n\ncommand\n" in out
    assert "…" not in out


def test_long_values_are_compared_below_the_table(wb: Wb) -> None:
    """A command line would stretch every column; runs that are equally good are marked alike."""
    facts = {"command": ["python train.py --epochs 8 --lr 0.1", "python train.py"]}
    metrics = {"loss": {"values": [0.5, 0.5], "best": 0, "goal": "minimize"}}
    world = World(runs__compare={**COMPARED, "facts": facts, "metrics": metrics, "params": {}, "code": []})
    assert wb("run", "compare", "a", "b", world=world, terminal=TTY).out.splitlines() == [
        "          calm-otter-42  vivid-lark-40",
        "status        ● running    ✔ completed",
        "metrics",
        "  loss ↓          ★ 0.5          ★ 0.5",
        "",
        "command",
        "  calm-otter-42  python train.py --epochs 8 --lr 0.1",
        "  vivid-lark-40  python train.py",
    ]


def test_many_runs_are_compared_below_each_other(wb: Wb) -> None:
    runs = [make_run(n, f"calm-otter-{n}") for n in range(20)]
    world = World(
        runs__compare={
            **COMPARED,
            "runs": runs,
            "params": {"lr": [str(n) for n in range(20)]},
            "metrics": {},
            "facts": {},
            "code": [],
        }
    )
    out = wb("run", "compare", "a", "b", world=world, terminal=TTY).out
    assert all(f"-{n}" in out for n in range(20))
    assert all(len(line) <= 80 for line in out.splitlines())


def test_diff_is_text(wb: Wb) -> None:
    text = "--- a/t.py\n+++ b/t.py\n@@ -1 +1 @@\n-x\n+y\x1b[2J\n"
    world = World(runs__diff={"text": text})
    assert wb("run", "diff", "a", "b", world=world).out == text
    shown = wb("run", "diff", "a", "b", "t.py", world=world, terminal=TTY._replace(colour=True)).out
    assert "\x1b[32m+y\x1b[0m" in shown
    assert world.calls[-1][1] == {"a": "a", "b": "b", "path": "t.py"}
    assert (
        wb("run", "diff", "a", "b", world=World(runs__diff={"text": ""}), terminal=TTY).err
        == "both ran the same code\n"
    )


FILES = [
    {"path": "outputs/model.pt", "size": 12345678, "modified": "2026-11-23T12:00:00Z", "collected": False},
    {"path": "outputs/sub/a.txt", "size": 3, "collected": True},
    {"path": "logs/x.log", "size": 9, "collected": True},
]


def test_files_are_listed_and_fetched(wb: Wb, tmp_path: Path) -> None:
    world = World(runs__files=FILES)
    assert wb("run", "files", "@1", world=world).out.startswith(
        "outputs/model.pt\t12345678\t2026-11-23T12:00:00Z\t\tfalse\n"
    )
    assert "11.8 MiB" in wb("run", "files", "@1", world=world, terminal=TTY).out
    done = wb("run", "download", "@1", "--to", str(tmp_path / "here"), world=world)
    assert done.out.splitlines() == [
        str(tmp_path / "here/outputs/model.pt"),
        str(tmp_path / "here/outputs/sub/a.txt"),
    ]
    assert (tmp_path / "here/outputs/sub/a.txt").read_text() == "outputs/sub/a.txt"
    again = wb("run", "download", "@1", "--to", str(tmp_path / "here"), world=world)
    assert again.code == 5
    assert "--overwrite" in again.err
    assert wb("run", "download", "@1", "--to", str(tmp_path / "here"), "--overwrite", world=world).code == 0
    one = wb("run", "download", "@1", "outputs/sub/a.txt", "--to", str(tmp_path / "renamed"), world=world)
    assert one.out == f"{tmp_path / 'renamed'}\n"
    assert wb("run", "download", "@1", "nope", world=world).code == 3


@pytest.mark.parametrize("path", ["outputs/../../evil", "/etc/passwd"])
def test_a_machines_paths_do_not_lead_out(wb: Wb, path: str, tmp_path: Path) -> None:
    world = World(runs__files=[{"path": path, "size": 1}, {"path": "outputs/x", "size": 1}])
    done = wb(
        "run",
        "download",
        "@1",
        path.rpartition("/")[0],
        "outputs/x",
        "--to",
        str(tmp_path / "in"),
        world=world,
    )
    assert done.code == 5
    assert not (tmp_path / "in").exists()


def test_snapshot_is_listed_or_saved(wb: Wb, tmp_path: Path) -> None:
    entries = [
        {"path": "train.py", "kind": "file", "mode": 0o755, "size": 12, "sha256": "ab" * 32},
        {"path": "data", "kind": "link", "mode": 0o644, "target": "../data"},
    ]
    world = World(runs__snapshot=entries)
    assert wb("run", "snapshot", "@1", world=world).out.splitlines()[0] == f"train.py\t12\t{'ab' * 32}\t493"
    assert "0755" in wb("run", "snapshot", "@1", world=world, terminal=TTY).out
    saved = wb("run", "snapshot", "@1", "--to", str(tmp_path / "code.zip"), world=world)
    assert saved.out == f"{tmp_path / 'code.zip'}\n"
    assert (tmp_path / "code.zip").exists()


def test_changes_reach_the_service(wb: Wb) -> None:
    world = World(
        runs__cancel=RUNS[0],
        runs__tag={**RUNS[0], "tags": {"a": "b", "c": None}},
        runs__describe=RUNS[0],
        runs__archive=RUNS[0],
        runs__get=RUNS[0],
    )
    wb("cancel", "a", "b", "--grace", "5s", world=world)
    tags = wb("run", "tag", "a", "a=b", "c", "--remove", "d", world=world).out
    wb("run", "note", "a", "two", "words", "--name", "new-name", world=world)
    wb("run", "archive", "a", "--undo", world=world)
    assert tags == "a\tb\nc\t\n"
    assert world.calls == [
        ("runs.cancel", {"run": "a", "grace": 5.0}),
        ("runs.cancel", {"run": "b", "grace": 5.0}),
        ("runs.tag", {"run": "a", "set": {"a": "b", "c": None}, "remove": ["d"]}),
        ("runs.describe", {"run": "a", "description": "two words", "name": "new-name"}),
        ("runs.get", {"run": "a"}),
        ("runs.archive", {"run": ID, "archived": False}),
    ]
    assert wb("run", "note", "vivid-lark-40").out == "best so far\n"


def test_archiving_hides_the_runs_that_were_meant(wb: Wb) -> None:
    """@2 is looked up before @1 is hidden, after which it would be another run."""
    world = World(runs__get=lambda run: {**RUNS[0], "id": f"id-{run}"}, runs__archive=RUNS[0])
    wb("run", "archive", "@1", "@2", world=world)
    assert [(name, asked["run"]) for name, asked in world.calls] == [
        ("runs.get", "@1"),
        ("runs.get", "@2"),
        ("runs.archive", "id-@1"),
        ("runs.archive", "id-@2"),
    ]


def test_cancelling_several_goes_on_after_one_that_cannot_be(wb: Wb) -> None:
    def cancel(run: str, **_: Any) -> Any:
        if run in ("over", "gone"):
            raise (Conflict("over is over already") if run == "over" else NotFound("no run 'gone'"))
        return RUNS[0]

    world = World(runs__cancel=cancel)
    done = wb("cancel", "over", "a", "gone", "b", world=world)
    assert [asked["run"] for _, asked in world.calls] == ["over", "a", "gone", "b"]
    assert "error: over is over already" in done.err
    assert "error: no run 'gone'" in done.err
    assert done.code == 3


def test_rm_asks_and_takes_no_for_an_answer(wb: Wb) -> None:
    world = World(runs__remove={})
    removed = [call for call in world.calls if call[0] == "runs.remove"]
    assert wb("run", "rm", "dull-ibis-39", world=world).code == 5
    refused = wb("run", "rm", "dull-ibis-39", world=world, asker=Answers(""), terminal=TTY)
    assert refused.code == 5
    assert wb("run", "rm", "dull-ibis-39", "--dry-run", world=world).out == f"{RUNS[3]['id']}\n"
    assert not removed
    asker = Answers("y")
    assert wb("run", "rm", "dull-ibis-39", "vivid-lark-40", world=world, asker=asker).code == 0
    assert asker.asked == [("Remove dull-ibis-39, vivid-lark-40 for good? [y/N] ", True)]
    assert [call[1]["run"] for call in world.calls if call[0] == "runs.remove"] == [
        RUNS[3]["id"],
        RUNS[2]["id"],
    ]
    assert wb("run", "rm", "calm-otter-42", "--yes", world=world).code == 5
    assert wb("run", "rm", "dull-ibis-39", "--yes", world=world).code == 0


def test_rerun_and_resume(wb: Wb, code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {
        "command": "python train.py ${{inputs.lr}}",
        "inputs": {"lr": 3},
        "target": "gpu1",
        "name": "first",
    }
    world = World(runs__resume=RUNS[0], runs__configuration={"configuration": asked, "snapshot": "ab" * 32})
    name = RUNS[2]["name"]
    assert wb("run", "rerun", name, "-t", "lab-7", "--set", "inputs.lr=1", world=world).out == f"{ID}\n"
    (submitted,) = world.submitted
    assert submitted["snapshot"] == "ab" * 32
    assert submitted["properties"] == {"workbench.rerun_of": RUNS[2]["id"]}
    assert submitted["configuration"]["target"] == "lab-7"
    assert submitted["configuration"]["command"] == "python train.py 1"
    assert "name" not in submitted["configuration"]
    source = code / "src"
    source.mkdir()
    assert wb("run", "rerun", name, "--code", "src", world=world).code == 0
    assert world.submitted[1]["configuration"]["code"] == str(source)
    assert world.submitted[1]["snapshot"] != "ab" * 32
    monkeypatch.setenv("TOKEN", "s3cret")
    done = wb("run", "resume", "a", "--secret", "TOKEN", world=world)
    assert done.out == f"{ID}\n"
    assert world.calls[-1] == ("runs.resume", {"run": "a", "secrets": {"TOKEN": "s3cret"}})
    monkeypatch.delenv("TOKEN")
    assert wb("run", "resume", "a", "--secret", "TOKEN", world=world).code == 2


def test_an_error_of_a_stream_is_an_error(wb: Wb) -> None:
    done = wb("logs", "x", world=World(runs__logs=[b"a", NotFound("gone")]))
    assert (done.code, done.out) == (3, "a")


def test_a_stack_is_told_in_colours_and_by_the_runs_own_paths(wb: Wb) -> None:
    root = f"/home/ann/.workbench/runs/{ID}"
    said = f'Current thread 0x1 (most recent call first):\n  File "{root}/code/train.py", line 3 in step'
    process = {"pid": 7, "state": "S", "cpu": 1.5, "command": "python train.py", "python": said}
    world = World(runs__stack={"processes": [process], "more": 0})
    told = wb("run", "stack", "@1", world=world, terminal=TTY._replace(colour=True))
    assert told.out.splitlines() == [
        "\x1b[1mpid 7  sleeping  1.5s of CPU  python train.py\x1b[0m",
        "\x1b[90m  Current thread 0x1 (most recent call first):\x1b[0m",
        '    File "code/train.py", line 3 in step',
    ]
