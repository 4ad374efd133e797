"""The SDK: runs as objects, from outside, against a real sshd and the local server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import workbench
from tests.machines.rig import SshServer
from tests.machines.settled import settled
from tests.machines.test_main_job import TRAINER, attach
from tests.machines.wb import Wb
from workbench import RunFailed, RunHandle, WaitTimeout, WorkbenchError, Workspace
from workbench.home import find_home

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small source tree."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(TRAINER)
    return folder


@pytest.fixture
def workspace(wb: Wb, server: SshServer, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace whose default target is a real machine."""
    attach(wb, server)
    wb("compute", "set", "local", f"root={settled(tmp_path / 'root')}", f"lease_dir={tmp_path / 'lease'}")
    with Workspace.open("default", embedded=False, home=find_home(wb.environ)) as opened:
        yield opened


def shell(workspace: Workspace, line: str) -> RunHandle:
    return workspace.submit(workspace.configure(command=line))


def test_submit_returns_at_once_and_waiting_shows_the_output(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """AZ-14, AZ-85: the waiting twin; its time may be limited."""
    go = tmp_path / "go"
    run = shell(workspace, f"echo first; while ! test -e {go}; do sleep 0.05; done; echo last")
    assert run.status not in ("Completed", "Failed", "Canceled")
    with pytest.raises(WaitTimeout, match="goes on after") as caught:
        run.wait_for_completion(show_output=True, timeout=0.3)
    assert caught.value.data["id"] == run.id
    assert "wb cancel" in caught.value.hint
    with pytest.raises(WaitTimeout):
        run.wait_for_completion(raise_on_error=False, timeout=0)
    capsys.readouterr()
    go.touch()
    details = run.wait_for_completion(show_output=True, timeout=120)
    assert (details["status"], details["exit_code"]) == ("Completed", 0)
    assert capsys.readouterr().out == "first\nlast\n"
    assert run.wait_for_completion(timeout=0)["status"] == "Completed", "one that is over needs no time"
    assert capsys.readouterr().out == ""


def test_metrics_and_details_are_there_while_it_goes_on(workspace: Workspace, wb: Wb, tmp_path: Path) -> None:
    """AZ-104, AZ-74 in part: what it logged, how it was asked for, what it keeps, who asked; no end yet."""
    go = tmp_path / "go"
    script = f"import os, time, workbench; workbench.log('loss', 0.5)\nwhile not os.path.exists({str(go)!r}): time.sleep(.02)"
    asked = workspace.configure(
        command=["python", "-c", script], experiment="details", tags={}, name="first try"
    )
    run = workspace.submit(asked)
    wb.until(lambda: run.get_metrics() == {"loss": 0.5}, "the metric to be seen")
    assert wb.json("run", "metrics", run.id)[0]["last"] == 0.5
    details = run.refresh()
    assert (details["id"], details["status"], details["target"]) == (
        run.id,
        "Running",
        wb.json("compute", "ls")[1]["name"],
    )
    assert details["created"] <= details["started"]
    assert "ended" not in details
    assert "@" in details["submitted_by"]
    assert details["properties"] == {}
    definition = workspace.call("runs", "configuration", run=run.id)["configuration"]
    assert (definition["command"], definition["name"]) == (["python", "-c", script], "first try")
    go.touch()
    assert run.wait_for_completion()["ended"] >= details["started"]


def test_waiting_raises_what_became_of_it(workspace: Workspace) -> None:
    """AZ-85: when the run failed or was canceled, with the cause; the details when told not to."""
    run = shell(workspace, "echo oh no >&2; exit 3")
    with pytest.raises(RunFailed, match=r"failed: .*3") as caught:
        run.wait_for_completion()
    problem = caught.value
    assert isinstance(problem, WorkbenchError)
    assert (problem.data["id"], problem.data["status"], problem.data["cause"]) == (run.id, "Failed", "exit")
    assert problem.data["exit_code"] == 3
    assert problem.hint == f"wb logs {run.name}"
    assert run.wait_for_completion(raise_on_error=False)["exit_code"] == 3

    endless = shell(workspace, "sleep 600")
    endless.cancel(grace=1)
    with pytest.raises(RunFailed, match="canceled"):
        endless.wait_for_completion()


def test_waiting_outlives_the_server(workspace: Workspace, wb: Wb, tmp_path: Path) -> None:
    """AZ-85: a wait does not notice that the local server was killed."""
    go = tmp_path / "go"
    run = shell(workspace, f"while ! test -e {go}; do sleep 0.05; done")
    ended: list[Any] = []
    waiting = threading.Thread(target=lambda: ended.append(run.wait_for_completion(timeout=120)))
    waiting.start()
    wb.until(lambda: workspace.run(run.id).status == "Running", "the run to start")
    wb.kill_server()
    go.touch()
    waiting.join(120)
    assert [details["status"] for details in ended] == ["Completed"]


def test_an_interrupt_ends_the_waiting_alone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """AZ-15: and it is said how to cancel."""
    run = shell(workspace, "sleep 600")

    def interrupted(*_: Any, **__: Any) -> Iterator[Any]:
        raise KeyboardInterrupt
        yield

    with monkeypatch.context() as patch:
        patch.setattr(workspace.session, "items", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.wait_for_completion()
    assert f"wb cancel {run.name}" in capsys.readouterr().err
    assert run.refresh()["status"] not in ("Completed", "Failed", "Canceled", "CancelRequested")
    run.cancel(grace=1)


def test_the_command_waits_likewise(workspace: Workspace, wb: Wb) -> None:
    """AZ-85, by exit code: 0 completed, 1 not, 124 the time was up."""
    good, bad, endless = (shell(workspace, line) for line in ("true", "exit 3", "sleep 600"))
    assert wb.run("run", "wait", good.id).returncode == 0
    done = wb.run("run", "wait", good.id, bad.id)
    assert done.returncode == 1
    assert f"{bad.name} failed" in done.stderr
    late = wb.run("run", "wait", "--timeout", "1s", good.id, endless.id)
    assert late.returncode == 124
    assert "goes on" in late.stderr
    wb("cancel", endless.id, "--grace", "1")


def test_a_finished_run_gives_what_it_logged_and_kept(
    workspace: Workspace, project: Path, tmp_path: Path
) -> None:
    """AZ-88, AZ-99, AZ-100: metrics, files and logs of a run, from outside."""
    (project / "train.py").write_text(
        TRAINER
        + 'run.log("once", 7)\nrun.log("odd", float("nan"))\nrun.log("phase", "warm up")\nrun.log("phase", 2)\n'
        'run.log_row("table", a=1, b="x")\nrun.log_row("table", a=2)\n'
        'run.log_residuals("res", {"schema_type": "residuals", "schema_version": "v1",\n'
        '    "data": {"bin_edges": [0, 1], "bin_counts": [5]}})\n'
    )
    run = workspace.submit(
        workspace.configure(command=["python", "train.py", "--lr", "0.5"], code=str(project))
    )
    run.wait_for_completion()

    metrics = workspace.run(run.id).get_metrics()
    assert metrics["loss"] == [0.5 / (step + 1) for step in range(5)]
    assert metrics["once"] == 7
    assert metrics["odd"] != metrics["odd"]
    assert metrics["phase"] == ["warm up", 2]
    assert metrics["table"] == {"a": [1, 2], "b": ["x", None]}
    assert metrics["res"]["data"] == {"bin_edges": [0, 1], "bin_counts": [5]}
    assert run.get_metrics(name="once") == {"once": 7}
    assert run.get_metrics("table") == {"table": metrics["table"]}
    assert run.get_metrics("never") == {}

    assert set(run.get_file_names()) == {"outputs/model.txt", "logs/detail.txt"}
    assert run.download_file("outputs/model.txt", tmp_path / "model.txt").read_text() == "0.5"
    saved = run.get_all_logs(tmp_path / "all logs")
    assert saved == [tmp_path / "all logs" / "stream.log", tmp_path / "all logs" / "logs" / "detail.txt"]
    assert saved[0].read_text().count("epoch") == 5
    assert [one.id for one in workspace.runs(limit=1)] == [run.id]
    assert run.id in repr(run)


def test_a_session_logs_a_run_without_submitting_a_script(
    workspace: Workspace, wb: Wb, tmp_path: Path
) -> None:
    """AZ-69, AZ-77: it completes with its block, fails with an exception, or is said to have ended afterwards."""
    with workspace.start_logging("hands", name="by hand", tags={"a": "b"}) as run:
        run.log("loss", 0.5)
        run.log("loss", 0.25)
        (tmp_path / "model.bin").write_bytes(b"weights")
        run.upload_file("model.bin", tmp_path / "model.bin")
        assert workspace.run(run.id).status == "Running"
    done = workspace.run(run.id)
    details = done.wait_for_completion()
    assert (details["name"], details["experiment"], details["tags"]) == ("by hand", "hands", {"a": "b"})
    assert done.get_metrics() == {"loss": [0.5, 0.25]}
    wb.until(lambda: done.get_file_names() == ["outputs/model.bin"], "the file to be listed")
    assert [python["path"] for python in details["interpreters"]] == [sys.executable]

    with pytest.raises(ZeroDivisionError):
        with workspace.start_logging("hands") as failing:
            failing.log("x", 1 / 0)
    with pytest.raises(RunFailed):
        workspace.run(failing.id).wait_for_completion()
    assert "ZeroDivisionError: division by zero" in wb("logs", failing.id)

    later = workspace.start_logging("hands")
    later.fail("the data was wrong")
    with pytest.raises(RunFailed):
        workspace.run(later.id).wait_for_completion()
    assert wb("logs", later.id) == "the data was wrong\n"


def test_a_session_that_is_killed_has_failed(workspace: Workspace, wb: Wb) -> None:
    """AZ-69: no run of a session that is gone goes on for ever."""
    script = (
        "from workbench import Workspace\nimport time\n"
        "run = Workspace.open('default', embedded=False).start_logging('hands')\n"
        "run.log('loss', 1)\nprint(run.id, flush=True)\ntime.sleep(1000)\n"
    )
    session = subprocess.Popen(
        [sys.executable, "-c", script], env=wb.environ, stdout=subprocess.PIPE, text=True
    )
    assert session.stdout is not None
    with session.stdout:
        run = workspace.run(session.stdout.readline().strip())
    session.send_signal(signal.SIGKILL)
    session.wait()
    with pytest.raises(RunFailed):
        run.wait_for_completion()
    assert "without saying how" in wb("logs", run.id)
    assert run.get_metrics() == {"loss": 1}


def test_the_names_are_few_and_all_are_there() -> None:
    """What `from workbench import ...` offers, and what a run from outside does, is written down here."""
    assert set(workbench.__all__) == {
        "ComputeTarget", "Conflict", "DataInput", "DataOutput", "Dataset", "Datastore", "Distribution", "Environment", "Estimator", "Experiment",
        "Keyvault", "Model", "NotFound", "PyTorch", "Refused", "Run", "RunConfiguration", "RunFailed", "RunHandle", "SKLearn",
        "ScriptRunConfig", "FileDataset", "TabularDataset", "TensorFlow", "TrackingWarning", "WaitTimeout", "WorkbenchError", "Workspace", "__version__",
        "add_properties", "log", "log_list", "log_param", "log_params", "log_row", "log_table", "tag", "upload_file",
    }  # fmt: skip
    assert workbench.__all__ == sorted(workbench.__all__)
    for name in workbench.__all__:
        assert getattr(workbench, name) is not None
    public = {name for name in dir(RunHandle) if not name.startswith("_")} | {"details"}
    assert public == {
        "add_properties", "cancel", "describe", "details", "download_file", "download_files", "experiment",
        "get_all_logs", "get_children", "get_details", "get_file_names", "get_metrics", "get_properties", "get_status", "get_tags", "get_warnings", "hold", "id",
        "name", "parent", "properties", "refresh", "register_model", "release", "remove_tags", "restore_snapshot", "set_priority",
        "set_tags", "status", "submit_child", "tag", "tags", "wait_for_completion",
    }  # fmt: skip
    page = (ROOT / "docs" / "sdk.md").read_text("utf-8")
    for name in public:
        assert re.search(rf"\b{name}\b", page), f"docs/sdk.md does not tell of {name}"


def test_every_block_of_the_sdk_page_runs(make_wb: Any, make_server: Any, tmp_path: Path) -> None:
    """docs/sdk.md, in its order, as one script on a real machine."""
    server = make_server("gpu1")
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "config").write_text(server.config_block())
    wb: Wb = make_wb(HOME=str(home))
    wb("compute", "attach", "gpu1")
    (tmp_path / "project").mkdir()
    tutorial = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    (script,) = re.findall(r"cat > train.py <<'END'\n(.*?)END\n", tutorial, re.DOTALL)
    (tmp_path / "project" / "train.py").write_text(script)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "sdk.md").read_text("utf-8"), re.DOTALL)
    assert len(blocks) > 5
    began = time.time()
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)],
        cwd=tmp_path,
        env=wb.environ,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}\n{wb.log()}"
    assert "step 19 loss" in done.stdout
    assert "\n15 ***\n" in done.stdout, "a secret is not shown"
    assert "failed: " in done.stdout
    assert os.path.getmtime(tmp_path / "weight.txt") > began - 60
    states = [run["status"] for run in wb.json("run", "ls", "-e", "sdk")]
    assert sorted(states) == ["Canceled", *["Completed"] * 6, "Failed"]
