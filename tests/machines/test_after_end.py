"""The end of a run on this side: how what it asked for went; and that none of this side is needed for it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from tests.machines.settled import settled
from tests.machines.wb import Wb


def local(wb: Wb, tmp_path: Path) -> Path:
    wb("compute", "set", "local", f"root={settled(tmp_path / 'root')}", f"lease_dir={tmp_path / 'lease'}")
    return tmp_path / "root" / "runs"


def warnings(wb: Wb, run: str) -> list[str]:
    found: list[str] = wb.until(lambda: _said(wb, run), "a warning")
    return found


def _said(wb: Wb, run: str) -> list[str]:
    return [line for line in wb("run", "show", run, "--format", "table").splitlines() if "at its end" in line]


def test_the_laptop_may_be_closed(wb: Wb, tmp_path: Path):
    runs = local(wb, tmp_path)
    gate, told = tmp_path / "gate", tmp_path / "told"
    line = f"until [ -e {gate} ]; do sleep 0.05; done; exit 3"
    run = wb("submit", "--no-code", "--on-end", f"cat > {told}", "--", line).split()[0]
    wb.until(lambda: wb.show(run)["status"] == "Running", "it to run")
    wb.kill_server()
    gate.touch()
    wb.until(lambda: told.exists() and told.read_text().endswith("\n"), "the machine to tell of it")
    assert json.loads(told.read_text())["state"] == "Failed"
    wb.until(lambda: json.loads((runs / run / "on_end.json").read_text())["done"], "it to be done")
    # And when it is opened again, the run is as it was.
    assert wb.wait(run)["exit_code"] == 3


def test_a_failure_is_a_warning_and_not_the_runs(wb: Wb, tmp_path: Path):
    local(wb, tmp_path)
    run = wb("submit", "--no-code", "--wait", "--on-end", "echo because; exit 7", "--", "true").split()[0]
    (said,) = warnings(wb, run)
    assert "command 1 failed: the command ended with exit code 7" in said
    assert wb.show(run)["status"] == "Completed"
    names = wb.until(lambda: [n for n in wb("run", "files", run).split() if "on_end.log" in n], "its log")
    assert names == ["logs/on_end.log"]
    wb("run", "download", run, "logs/on_end.log", "--to", str(tmp_path))
    assert "because" in next(tmp_path.rglob("on_end.log")).read_text()


def test_a_cancelled_run_tells_of_it_too(wb: Wb, tmp_path: Path):
    local(wb, tmp_path)
    told = tmp_path / "told"
    run = wb(
        "submit", "--no-code", "--on-end", f'echo "$WORKBENCH_RUN_STATUS" > {told}', "--", "sleep 600"
    ).split()[0]
    wb.until(lambda: wb.show(run)["status"] == "Running", "it to run")
    wb("cancel", run)
    wb.until(lambda: told.exists() and told.read_text() == "Canceled\n", "it to be told of")


def test_a_job_file_says_it_and_a_rerun_does_it_again(wb: Wb, tmp_path: Path):
    local(wb, tmp_path)
    told = tmp_path / "told"
    job = tmp_path / "job.yml"
    job.write_text(
        "command: 'true'\n"
        "workbench:\n"
        "  on_end:\n"
        f"    - echo line >> {told}\n"
        f"    - command: [sh, -c, 'echo argv >> {told}']\n"
    )
    run = wb("submit", str(job), "--wait").split()[0]
    wb.until(lambda: told.exists() and told.read_text() == "line\nargv\n", "both")
    wb("run", "rerun", run, "--wait")
    wb.until(lambda: told.read_text() == "line\nargv\n" * 2, "both again")


def test_what_cannot_be_posted_to_is_said_before_anything_is_sent(wb: Wb, tmp_path: Path):
    local(wb, tmp_path)
    done = wb.run("submit", "--no-code", "--on-end-webhook", "http://10.0.0.5/T0P", "--", "true")
    assert done.returncode == 2
    assert "plain http" in done.stderr
    done = wb.run("submit", "--no-code", "--on-end-webhook", "https://10.0.0.5/T0P", "--", "true")
    assert "allow list" in done.stderr
    assert "T0P" not in done.stderr
    assert wb.json("run", "ls") == []


def test_where_nobody_looked_after_the_run_it_is_said(wb: Wb, tmp_path: Path):
    runs = local(wb, tmp_path)
    run = wb("submit", "--no-code", "--on-end", "true", "--", "sleep 600").split()[0]
    wb.until(lambda: wb.show(run)["status"] == "Running", "it to run")
    status = json.loads((runs / run / "status.json").read_text())
    victims = [status[who]["pid"] for who in ("guard", "supervisor")]
    for number in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, so that neither sees the other's end
        for pid in victims:
            os.kill(pid, number)
    wb("cancel", run)  # by whoever comes by: the run is settled, and what it asked for is not for them to do
    assert wb.wait(run)["status"] == "Canceled"
    (said,) = warnings(wb, run)
    assert "nobody looked after the run" in said
