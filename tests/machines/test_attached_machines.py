"""Attached machines through the product: reached over jump hosts, told how they stand, changed, let go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb


def waiting_for(file: Path) -> str:
    """A command that goes on until the file is there."""
    return f"while ! test -e {file}; do sleep 0.05; done"


def target(wb: Wb, name: str) -> dict[str, Any]:
    """One machine's row of `wb compute ls`."""
    return next(one for one in wb.json("compute", "ls") if one["name"] == name)


def test_a_machine_behind_a_jump_host_is_attached_by_its_name_alone(
    wb: Wb, make_server: Any, tmp_path: Path
) -> None:
    """AZ-31: whatever ssh_config reaches, with no address of its own in the open."""
    bastion, inner = make_server("bastion"), make_server("inner")
    inner.ssh_config.write_text(bastion.config_block() + inner.config_block(extra="  ProxyJump bastion\n"))
    attach(wb, inner)
    run = wb("submit", "--no-code", "--wait", "--", "echo from the inside").split()[0]
    assert wb("logs", run) == "from the inside\n"
    assert (bastion.connections(), inner.connections()) == (1, 1)


def test_a_machine_tells_how_it_stands_and_how_busy_it_is(wb: Wb, server: SshServer, tmp_path: Path) -> None:
    """AZ-37: state, runs on it and on their way to it, and what is wrong, in lists and on its page."""
    attach(wb, server)
    wb("compute", "set", server.name, "slots=1")
    go = tmp_path / "go"
    first = wb("submit", "--no-code", "--", waiting_for(go)).split()[0]
    wb.until(lambda: wb.show(first)["status"] == "Running", "the first run to start")
    second = wb("submit", "--no-code", "--", "true").split()[0]
    wb.until(lambda: wb.show(second)["status"] == "Queued", "the second run to wait")
    busy = target(wb, server.name)
    assert (busy["state"], busy["running"], busy["waiting"]) == ("connected", 1, 1)
    assert "1 running, 1 waiting" in wb("compute", "show", server.name, "-o", "table")
    assert "1 running, 1 waiting" in wb("compute", "ls", "-o", "table")

    server.stop()
    lost = wb.until(
        lambda: [one for one in [target(wb, server.name)] if one["state"] == "unreachable"],
        "the loss to be noticed",
    )[0]
    assert lost["problem"]
    wb.until(  # it is tried again and again, so for moments it is connecting
        lambda: lost["problem"] in " ".join(wb("compute", "show", server.name, "-o", "table").split()),
        "the page to say what is wrong",
    )
    server.start()
    go.touch()
    assert wb.wait(second)["status"] == "Completed"
    after = target(wb, server.name)
    assert (after["state"], after["running"], after["waiting"]) == ("connected", 0, 0)
    assert "problem" not in after


def test_settings_change_without_attaching_again(wb: Wb, server: SshServer) -> None:
    """AZ-38: the next run has them, over the connection there is."""
    attach(wb, server)
    command = 'echo "<$PLACE> <$AFTER>"'
    wb(
        "compute",
        "set",
        server.name,
        "environment_variables.PLACE=scratch",
        "setup=export AFTER=setup",
        "grace=2s",
    )
    run = wb("submit", "--no-code", "--wait", "--", command).split()[0]
    assert wb("logs", run) == "<scratch> <setup>\n"
    wb("compute", "set", server.name, "environment_variables.PLACE=", "setup=")
    run = wb("submit", "--no-code", "--wait", "--", command).split()[0]
    assert wb("logs", run) == "<> <>\n"
    assert target(wb, server.name)["settings"]["grace"] == 2.0
    assert server.connections() == 1


def test_a_higher_priority_goes_first(wb: Wb, server: SshServer, tmp_path: Path) -> None:
    """AZ-40: by option and by job file; who was first among equals stays first."""
    attach(wb, server)
    wb("compute", "set", server.name, "slots=1")
    go, journal = tmp_path / "go", tmp_path / "journal"
    holder = wb("submit", "--no-code", "--", waiting_for(go)).split()[0]
    wb.until(lambda: wb.show(holder)["status"] == "Running", "the first run to start")
    job = tmp_path / "job.yml"
    job.write_text(f"command: echo file >> {journal}\nresources: {{priority: 5}}\n")
    asked = [
        ("--no-code", "--", f"echo plain >> {journal}"),
        ("--no-code", "--priority", "-1", "--", f"echo later >> {journal}"),
        ("--no-code", "--priority", "9", "--", f"echo urgent >> {journal}"),
        (str(job),),
        ("--no-code", "--", f"echo second >> {journal}"),
    ]
    runs = [wb("submit", *words).split()[0] for words in asked]
    for run in runs:
        wb.until(lambda run=run: wb.show(run)["status"] == "Queued", "all to wait")
    go.touch()
    for run in runs:
        wb.wait(run)
    assert journal.read_text().split() == ["urgent", "file", "plain", "second", "later"]


def test_a_detached_machine_is_left_as_it_is(make_wb: Any, server: SshServer, tmp_path: Path) -> None:
    """AZ-30: nothing there is ended or removed, and whoever attaches it again finds all of it."""
    wb: Wb = make_wb()
    attach(wb, server)
    go = tmp_path / "go"
    run = wb(
        "submit", "--no-code", "--", f"echo kept > outputs/kept; {waiting_for(go)}; echo to the end"
    ).split()[0]
    wb.until(lambda: wb.show(run)["status"] == "Running", "the run to start")
    refused = wb.run("compute", "detach", server.name, "--yes")
    assert refused.returncode == 5
    assert "1 run is active" in refused.stderr
    go.touch()
    assert wb.wait(run)["status"] == "Completed"

    root = server.home / "wb"
    before = {path: path.lstat().st_mtime_ns for path in (root / "runs").rglob("*")}
    wb("compute", "set", server.name, "protected=true")
    refused = wb.run("compute", "detach", server.name, "--yes")
    assert (refused.returncode, "is protected" in refused.stderr) == (5, True)
    wb("compute", "set", server.name, "protected=false")
    wb("compute", "detach", server.name, "--yes")
    assert server.name not in [one["name"] for one in wb.json("compute", "ls")]
    assert wb.show(run)["status"] == "Completed", "its runs stay in lists"
    assert wb("logs", run) == "to the end\n"
    assert {path: path.lstat().st_mtime_ns for path in (root / "runs").rglob("*")} == before

    again: Wb = make_wb()
    attach(again, server)
    assert [one["id"] for one in again.json("compute", "adopt", server.name)["adopted"]] == [run]
    again.wait(run)
    assert again("logs", run) == "to the end\n"
