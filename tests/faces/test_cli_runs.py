"""wb submit and wb run: what goes to the services, what comes out, how following ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.faces.conftest import Answers, Wb
from tests.faces.scripted import PIPE, RUNS, TTY, World
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


OPTIONS = [
    *("submit", "-t", "gpu1", "-e", "mnist", "--gpus", "2", "--name", "n", "--tag", "a=b", "--tag", "c"),
    *("--setup", "module load cuda", "--secret", "KEY", "--timeout", "1h30", "--priority", "5"),
    *("--env", "/opt/py", "--input", "lr=3e-4"),
]


def test_words_after_the_dashes_are_the_command(wb: Wb, code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    monkeypatch.setenv("KEY", "s3cret")
    wb(*OPTIONS, "--", "python", "train.py", "--lr", "${{inputs.lr}}", "-t", "--help", world=world)
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
        "data_inputs": {},
        "outputs": {},
        "services": {},
        "docker_args": [],
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
