"""What a run asked for at its end is done by its supervisor: nobody else has to be there."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, untagged, until
from tests.machines.webhooks import Hook, hook, log, results
from workbench.remote.forms import protocol
from workbench.remote.processes import process_trees
from workbench.remote.supervision.cancel import cancel
from workbench.remote.supervision.submission import submit
from workbench.remote.supervision.withdrawing import withdraw

__all__ = ["ground", "hook", "untagged"]

TELL = 'cat > "$WORKBENCH_RUN_DIR/told"; env > "$WORKBENCH_RUN_DIR/environ"; pwd; echo seen'


def test_a_command_finds_the_run_and_its_end(ground: Ground) -> None:
    run = ground.submit(
        "exit 3", on_end=[{"command": TELL}], environment_variables={"COLOUR": "red"}, tags={"team": "vision"}
    )
    status = ground.wait(run)
    assert results(ground, run) == [{"what": "command", "ok": True}]
    told = json.loads(ground.path(run, "told").read_text())
    assert (told["run"], told["state"], told["exit_code"]) == (run, "Failed", 3)
    assert (told["experiment"], told["tags"], told["attempt"]) == ("mnist", {"team": "vision"}, 1)
    environ = dict(
        line.split("=", 1) for line in ground.path(run, "environ").read_text().splitlines() if "=" in line
    )
    assert environ["COLOUR"] == "red"
    assert environ["WORKBENCH_RUN_ID"] == run
    assert environ["WORKBENCH_RUN_STATUS"] == "Failed"
    assert environ["WORKBENCH_RUN_EXIT_CODE"] == "3"
    assert environ["WORKBENCH_RUN_CAUSE"] == "exit"
    assert environ["PATH"].startswith(str(ground.path(run, "bin")))
    assert log(ground, run).endswith(f"{ground.path(run, 'code')}\nseen\n")
    assert status["transitions"][-1]["exit_code"] == 3, "what comes after is not the run's"


@pytest.mark.parametrize(
    ("command", "changes", "state", "cause"),
    [
        ("true", {}, "Completed", None),
        (["/no/such/program"], {}, "Failed", "command"),
        ("true", {"setup": ["exit 4"]}, "Failed", "setup"),
        ("sleep 600", {"timeout": 0.2}, "Failed", "timeout"),
        ("kill -9 $$", {}, "Failed", "signal"),
    ],
)
def test_it_is_done_however_the_run_ends(
    ground: Ground, command: Any, changes: dict[str, Any], state: str, cause: str | None
) -> None:
    run = ground.submit(
        command, on_end=[{"command": 'echo "$WORKBENCH_RUN_STATUS $WORKBENCH_RUN_CAUSE"'}], **changes
    )
    ground.wait(run)
    results(ground, run)
    assert log(ground, run).splitlines()[-1] == f"{state} {cause or ''}"


@pytest.mark.parametrize("when", ["queued", "running"])
def test_a_cancelled_run_is_told_of_as_cancelled(ground: Ground, when: str) -> None:
    holder = ground.submit("sleep 600", slots=1) if when == "queued" else None
    run = ground.submit("sleep 600", slots=1, on_end=[{"command": "echo $WORKBENCH_RUN_STATUS"}])
    ground.wait(run, protocol.QUEUED if when == "queued" else protocol.RUNNING)
    cancel(ground.machine, run, 0.1)
    assert ground.wait(run)["transitions"][-1]["state"] == "Canceled"
    results(ground, run)
    assert log(ground, run).splitlines()[-1] == "Canceled"
    assert holder is None or ground.state(holder) == "Running"


def test_a_run_that_goes_to_another_machine_is_not_over(ground: Ground) -> None:
    ground.submit("sleep 600", slots=1)
    run = ground.submit("true", slots=1, on_end=[{"command": "true"}])
    ground.wait(run, protocol.QUEUED)
    assert withdraw(ground.machine, run, 0)["withdrawn"] is True
    supervisor = ground.identity(run, "supervisor")
    until(lambda: not process_trees.alive(*supervisor), "the supervisor to be gone")
    assert not ground.path(run, "on_end.json").exists()


def test_one_that_is_tried_again_is_told_of_when_it_is_over(ground: Ground) -> None:
    line = "echo $WORKBENCH_RUN_STATUS $WORKBENCH_ATTEMPT"
    again = {"count": 2, "on": ["exit"]}
    run = ground.submit('[ "$WORKBENCH_ATTEMPT" = 2 ]', retries=again, on_end=[{"command": line}])
    ground.wait(run)
    results(ground, run)
    assert [said for said in log(ground, run).splitlines() if "[" not in said] == ["Completed 2"]


def test_when_the_supervisor_is_killed_its_guard_does_it(ground: Ground) -> None:
    run = ground.submit("sleep 600", on_end=[{"command": "echo $WORKBENCH_RUN_CAUSE"}])
    ground.wait(run, protocol.RUNNING)
    ground.kill(run, "supervisor")
    ground.wait(run)
    results(ground, run)
    assert log(ground, run).splitlines()[-1] == "supervisor_lost"


def test_the_end_is_written_and_everything_given_back_before(ground: Ground) -> None:
    """What comes after holds neither the run's lock nor its place in the queue."""
    gate = ground.folder / "gate"
    os.mkfifo(gate)
    run = ground.submit("true", slots=1, on_end=[{"command": f"read line < {gate}"}])
    ground.wait(run)
    follower = ground.submit("true", slots=1)
    assert ground.wait(follower)["transitions"][-1]["state"] == "Completed"
    until(lambda: not Path(ground.folder_of(run).lock).exists(), "the lock to be gone")
    supervisor = ground.identity(run, "supervisor")
    until(lambda: not process_trees.alive(*supervisor), "the supervisor to be gone")
    assert json.loads(ground.path(run, "on_end.json").read_text())["done"] is False
    gate.write_text("go\n")
    assert results(ground, run) == [{"what": "command", "ok": True}]


def test_a_run_can_be_resumed_while_it_is_still_being_told_of(ground: Ground) -> None:
    gate = ground.folder / "gate"
    os.mkfifo(gate)
    waits = [{"command": f"read line < {gate}; echo first"}]
    run = ground.submit("exit 1", on_end=waits)
    ground.wait(run)
    again = ground.spec(run, "true", attempt=2, on_end=[{"command": "echo second"}])
    assert submit(ground.machine, run, again, {})["already"] is False
    until(lambda: ground.status(run)["attempt"] == 2 and ground.state(run) == "Completed", "the second end")
    gate.write_text("go\n")
    until(lambda: {"first", "second"} <= set(log(ground, run).split()), "both to be told of")


def test_one_that_fails_is_noted_and_the_next_is_done(ground: Ground) -> None:
    entries = [
        {"command": "echo why; exit 7"},
        {"command": ["/no/such/program"]},
        {"command": ["echo", "$HOME"]},
    ]
    run = ground.submit("true", on_end=entries)
    assert ground.wait(run)["transitions"][-1]["state"] == "Completed"
    first, second, third = results(ground, run)
    assert (first["ok"], second["ok"], third["ok"]) == (False, False, True)
    assert "exit code 7" in first["message"]
    assert "No such file" in second["message"]
    assert "why\n" in log(ground, run)
    assert log(ground, run).endswith("$HOME\n"), "no shell reads the words of an argv"


def test_one_that_takes_too_long_is_ended_with_all_it_started(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = ground.folder / "pids"
    line = f"trap '' TERM; sleep 600 & echo $$ $! > {pids}; wait; sleep 600"
    run = shortened(ground, monkeypatch, [{"command": line}])
    (result,) = results(ground, run)
    assert "longer than 0.5 s" in result["message"]
    for pid in pids.read_text().split():
        until(
            lambda pid=pid: process_trees.process_stat(int(pid)) is None or _zombie(int(pid)), "it to be gone"
        )


def _zombie(pid: int) -> bool:
    found = process_trees.process_stat(pid)
    return found is None or found.state == "Z"


def shortened(ground: Ground, monkeypatch: pytest.MonkeyPatch, entries: list[dict[str, Any]]) -> str:
    """What the end of a run does, in this process, with short limits: a guard's are fixed."""
    from workbench.remote.runs.runfolder import RunFolder
    from workbench.remote.supervision import on_end

    monkeypatch.setattr(on_end, "SECONDS", 0.5)
    monkeypatch.setattr(on_end, "GRACE", 0.2)
    run = ground.submit("true")
    status = ground.wait(run)
    spec = ground.spec(run, "true")
    folder = RunFolder(ground.machine, run)
    on_end.AtTheEnd(folder, spec, status, {}).run(entries)
    return run


def test_a_webhook_that_never_answers_is_left(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, hook: Hook
) -> None:
    hook.hold = 30
    run = shortened(ground, monkeypatch, [hook.entry()])
    (result,) = results(ground, run)
    assert "longer than 0.5 s" in result["message"]


def test_what_it_leaves_running_holds_nobody_up(ground: Ground) -> None:
    run = ground.submit("true", on_end=[{"command": "sleep 600 & echo $! > ../left; echo said"}])
    ground.wait(run)
    assert results(ground, run) == [{"what": "command", "ok": True}]
    left = int(ground.path(run, "left").read_text())
    known = process_trees.identity(left)
    assert known is not None
    os.kill(left, 9)


def test_what_it_leaves_writing_holds_nobody_up(ground: Ground) -> None:
    chatter = "while :; do echo x; sleep 0.02; done & echo $! > $WORKBENCH_RUN_DIR/left; echo said"
    run = ground.submit("true", on_end=[{"command": chatter}, {"command": "echo next"}])
    ground.wait(run)
    try:
        assert [entry["ok"] for entry in results(ground, run)] == [True, True]
        assert "said" in log(ground, run)
    finally:
        with contextlib.suppress(ProcessLookupError):  # nobody reads it any more, which it may have noticed
            os.kill(int(ground.path(run, "left").read_text()), signal.SIGKILL)


def test_output_without_end_fills_no_disk(ground: Ground) -> None:
    run = ground.submit("true", on_end=[{"command": "head -c 20000000 /dev/zero"}])
    ground.wait(run)
    results(ground, run)
    assert ground.path(run, "logs/on_end.log").stat().st_size <= 1 << 20


def test_its_files_are_the_users_alone_and_its_log_is_collected(ground: Ground) -> None:
    run = ground.submit("true", on_end=[{"command": "true"}])
    ground.wait(run)
    results(ground, run)
    assert stat.S_IMODE(ground.path(run, "on_end.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "entries",
    [
        "true",
        [{"command": ""}],
        [{"command": "true", "webhook": "https://x.example/"}],
        [{}],
        [{"webhook": 5}],
        [{"webhook": "https://x.example/", "allow": "x.example"}],
        [{"command": "true", "when": "always"}],
        [{"command": "true"}] * 17,
    ],
)
def test_what_cannot_be_asked_for_is_refused_at_submit(ground: Ground, entries: Any) -> None:
    with pytest.raises(ValueError, match=r"on_end|command|webhook"):
        ground.submit("true", on_end=entries)
    ground.runs.clear()


def test_one_that_speaks_before_it_listens_is_told_all_of_it(ground: Ground) -> None:
    """What it is told is longer than a pipe holds, and so is what it says first."""
    talks = 'head -c 300000 /dev/zero | tr "\\0" x; cat > "$WORKBENCH_RUN_DIR/told"'
    run = ground.submit("true", on_end=[{"command": talks}], tags={"long": "y" * 300_000})
    ground.wait(run, "Completed")
    assert results(ground, run) == [{"what": "command", "ok": True}]
    assert json.loads(ground.path(run, "told").read_text())["tags"] == {"long": "y" * 300_000}
    assert ground.path(run, "logs/on_end.log").stat().st_size > 300_000
