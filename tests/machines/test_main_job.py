"""The main job through the product's own command line, its own server and real sshd machines."""

from __future__ import annotations

import json
import os
import signal
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.machines.rig import SshServer
from tests.machines.settled import settled
from tests.machines.wb import Wb

TRAINER = """\
import sys, time
from workbench import Run
run = Run.get_context()
lr = float(sys.argv[sys.argv.index("--lr") + 1])
run.log_params({"optimizer": "sgd"})
for step in range(5):
    run.log("loss", lr / (step + 1), step=step)
    print("epoch", step, flush=True)
with open("outputs/model.txt", "w") as out:
    out.write(str(lr))
with open("logs/detail.txt", "w") as out:
    out.write("detail")
with open("scratch.txt", "w") as out:
    out.write("of no further use")
"""
SLOW = """\
import sys, time
from workbench import Run
run = Run.get_context()
for step in range(int(sys.argv[1])):
    run.log("loss", step, step=step)
    sys.stdout.write("line %d %s\\n" % (step, "x" * 50)); sys.stdout.flush()
    time.sleep(0.01)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small source tree."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(TRAINER)
    (folder / "slow.py").write_text(SLOW)
    return folder


def attach(wb: Wb, server: SshServer, *words: str) -> None:
    """Attach the machine under its own name, leases in its own folder."""
    root = server.home / "wb"
    if server.home.is_dir():  # else it is in a namespace of its own, where nobody here writes
        settled(root)
    wb(
        "compute", "attach", server.name, "--root", str(root), "--set", f"ssh_config={server.ssh_config}",
        "--set", f"lease_dir={server.home / 'lease'}", *words,
    )  # fmt: skip


def attach_local(wb: Wb, tmp_path: Path) -> None:
    """Use this machine without leaving anything outside the test's folder."""
    wb("compute", "set", "local", f"root={settled(tmp_path / 'root')}", f"lease_dir={tmp_path / 'lease'}")


def test_a_directory_becomes_a_run_that_is_followed_measured_and_compared(
    wb: Wb, server: SshServer, project: Path
):
    """AZ-13, AZ-27, AZ-65, AZ-75, AZ-86, AZ-87, AZ-88, AZ-107, AZ-117"""
    attach(wb, server)
    followed = wb.run(
        "submit", "-e", "mnist", "--follow", "--", "python", "train.py", "--lr", "0.5", cwd=project
    )
    assert followed.returncode == 0, followed.stderr
    first, *log = followed.stdout.splitlines()
    assert [line for line in log if line.startswith("epoch")] == [f"epoch {step}" for step in range(5)]
    second = wb(
        "submit", "-e", "mnist", "--wait", "--", "python", "train.py", "--lr", "0.1", cwd=project
    ).split()[0]

    run = wb.show("@2")
    assert run["id"] == first
    assert (run["status"], run["exit_code"], run["target"], run["experiment"]) == (
        "Completed",
        0,
        server.name,
        "mnist",
    )
    assert run["params"] == {"lr": "0.5", "optimizer": "sgd"}
    assert run["started"] <= run["ended"]

    (series,) = wb.json("run", "metrics", first)
    assert (series["name"], series["count"], series["last"], series["max"]) == ("loss", 5, 0.1, 0.5)
    points = wb.json("run", "metrics", first, "loss")
    assert [(point["step"], point["value"]) for point in points] == [(s, 0.5 / (s + 1)) for s in range(5)]

    compared = wb.json("run", "compare", "@1", "@2")
    assert compared["params"]["lr"] == ["0.1", "0.5"]
    assert wb.show("@best")["id"] == second

    wb.until(
        lambda: [f for f in wb.json("run", "files", first) if f.get("collected")], "files to be collected"
    )
    wb("run", "download", first, "outputs/model.txt", "--to", str(project / "fetched.txt"))
    assert (project / "fetched.txt").read_text() == "0.5"
    assert {file["path"] for file in wb.json("run", "files", first)} == {
        "outputs/model.txt",
        "logs/detail.txt",
    }

    listed = {entry["path"]: entry for entry in wb.json("run", "snapshot", first)}
    assert set(listed) == {"train.py", "slow.py"}, "what the run wrote is not of the code it ran with"
    assert listed["train.py"]["size"] == len(TRAINER)
    wb("run", "snapshot", first, "--to", str(project.parent / "code.zip"))
    with zipfile.ZipFile(project.parent / "code.zip") as archive:
        assert archive.read("train.py").decode() == TRAINER

    activities = wb.json("activity", "ls")
    assert {activity["kind"] for activity in activities} >= {"attach", "submit", "collect"}
    assert all(activity["state"] == "done" and activity["ended"] for activity in activities)


def test_the_same_words_work_on_this_machine(wb: Wb, project: Path, tmp_path: Path):
    """AZ-27, AZ-28"""
    attach_local(wb, tmp_path)
    run = wb("submit", "-t", "local", "--wait", "--", "python", "train.py", "--lr", "1", cwd=project).split()[
        0
    ]
    assert wb.show(run)["status"] == "Completed"
    assert wb("logs", run).count("epoch") == 5


def test_a_failing_command_says_why_and_exits_by_it(wb: Wb, project: Path, tmp_path: Path):
    """AZ-75"""
    attach_local(wb, tmp_path)
    done = wb.run("submit", "--wait", "--", "sh", "-c", "echo oh no; exit 3", cwd=project)
    assert done.returncode == 1
    run = wb.show("@1")
    assert (run["status"], run["exit_code"], run["cause"]) == ("Failed", 3, "exit")
    assert "3" in run["message"]


def test_ctrl_c_stops_following_never_the_run(wb: Wb, project: Path, tmp_path: Path):
    """AZ-15"""
    attach_local(wb, tmp_path)
    follower = wb.start("submit", "--follow", "--", "python", "slow.py", "300", cwd=project)
    assert follower.stdout is not None
    run = follower.stdout.readline().decode().strip()
    follower.stdout.readline()
    follower.send_signal(signal.SIGINT)
    _, said = follower.communicate(timeout=30)
    assert follower.returncode == 130
    assert b"wb cancel" in said
    assert wb.wait(run)["status"] == "Completed"


def test_cancel_ends_the_run_and_two_at_once_agree(wb: Wb, server: SshServer, project: Path):
    """AZ-76"""
    attach(wb, server)
    run = wb("submit", "--", "sh", "-c", "setsid sleep 1000 & sleep 1000", cwd=project).split()[0]
    wb.until(lambda: wb.show(run)["status"] == "Running", "the run to start")
    both = [wb.start("cancel", run) for _ in range(2)]
    for one in both:
        one.communicate(timeout=60)
    assert wb.wait(run)["status"] == "Canceled"
    late = wb.run("cancel", run)
    assert late.returncode == 5
    assert "over already" in late.stderr


def test_rerun_takes_the_old_code_and_resume_the_old_folder(wb: Wb, project: Path, tmp_path: Path):
    attach_local(wb, tmp_path)
    script = "cat code.txt; echo more >> outputs/kept.txt; wc -l < outputs/kept.txt; test -e outputs/ok"
    (project / "code.txt").write_text("old\n")
    run = wb("submit", "--", script, cwd=project).split()[0]
    assert wb.wait(run)["status"] == "Failed"
    (project / "code.txt").write_text("new\n")

    again = wb("run", "rerun", run).split()[0]
    wb.wait(again)
    assert wb("logs", again).split() == ["old", "1"]
    current = wb("run", "rerun", run, "--code", "current").split()[0]
    wb.wait(current)
    assert wb("logs", current).split() == ["new", "1"]

    (tmp_path / "root" / "runs" / run / "outputs" / "ok").write_text("")
    wb("run", "resume", run, "--wait")
    resumed = wb.show(run)
    assert (resumed["status"], resumed["attempt"]) == ("Completed", 2)
    assert wb("logs", run).split() == ["old", "1", "old", "2"]


def test_a_lost_laptop_is_rebuilt_from_the_machine(make_wb: Any, server: SshServer, project: Path):
    """Law 10: adopt"""
    before = make_wb()
    attach(before, server)
    run = before(
        "submit", "-e", "mnist", "--wait", "--", "python", "train.py", "--lr", "2", cwd=project
    ).split()[0]
    after = make_wb()
    attach(after, server)
    assert len(after.json("compute", "adopt", server.name)["adopted"]) == 1
    assert after.wait(run)["status"] == "Completed"
    old, new = before.show(run), after.show(run)
    same = ("id", "name", "experiment", "params", "command", "snapshot", "exit_code", "started", "ended")
    assert {key: old[key] for key in same} == {key: new[key] for key in same}
    assert after("logs", run) == before("logs", run)
    assert after.json("run", "metrics", run, "loss") == before.json("run", "metrics", run, "loss")
    again = after.json("compute", "adopt", server.name)
    assert again == {"adopted": [], "known": 1, "broken": [], "others": {}}


def test_runs_of_other_workspaces_are_left_to_them(make_wb: Any, server: SshServer):
    """Law 10: a run belongs to one workspace; a machine is used from several, and by several laptops."""
    wb = make_wb()
    attach(wb, server)
    submit = ("submit", "--no-code", "--wait", "--", "true")
    own = wb(*submit).split()[0]
    team = make_wb(WORKBENCH_WORKSPACE="team")
    attach(team, server)
    theirs = [team(*submit).split()[0] for _ in range(2)]

    lost = make_wb()
    attach(lost, server)
    found = lost.json("compute", "adopt", server.name)
    assert [run["id"] for run in found["adopted"]] == [own]
    assert (found["others"], found["known"]) == ({"team": 2}, 0)
    assert [run["id"] for run in lost.json("run", "ls")] == [own]
    assert lost("compute", "adopt", server.name, "--from", "nobody") == ""
    found = lost.json("compute", "adopt", server.name, "--from", "team")
    assert {run["id"] for run in found["adopted"]} == set(theirs)
    assert (found["others"], found["known"]) == ({}, 1)

    everything = make_wb()
    attach(everything, server)
    found = everything.json("compute", "adopt", server.name, "--all-workspaces")
    assert {run["id"] for run in found["adopted"]} == {own, *theirs}
    assert found["others"] == {}
    elsewhere = make_wb(WORKBENCH_WORKSPACE="team")
    attach(elsewhere, server)
    assert {run["id"] for run in elsewhere.json("compute", "adopt", server.name)["adopted"]} == set(theirs)


def test_secrets_reach_the_run_and_nothing_else(wb: Wb, server: SshServer, project: Path):
    """AZ-11 in part"""
    attach(wb, server)
    secret = "s3cret-" + os.urandom(8).hex()
    done = wb.run("submit", "--secret", "TOKEN", "--wait", "--", 'echo "<$TOKEN>"', cwd=project, TOKEN=secret)
    assert done.returncode == 0, done.stderr
    assert secret not in wb("logs", "@1")
    assert "<" in wb("logs", "@1")
    wb.kill_server(signal.SIGTERM)
    for place in (wb.folder, server.home):
        for file in place.rglob("*"):
            if file.is_file() and not file.is_symlink():
                assert secret.encode() not in file.read_bytes(), file
    missing = wb.run("submit", "--secret", "NO_SUCH", "--", "true", cwd=project)
    assert missing.returncode == 2
    assert "NO_SUCH" in missing.stderr


@pytest.mark.parametrize(("address", "words"), [
    ("ann@no-such-host.invalid", "resolve"), ("ann@127.0.0.1:1", "refused"),
])  # fmt: skip
def test_a_machine_that_cannot_be_reached_is_told_in_words(wb: Wb, address: str, words: str):
    done = wb.run("compute", "attach", "gpu1", address, "--set", "ssh_config=/dev/null")
    assert done.returncode == 4
    assert words in done.stderr
    assert "hint:" in done.stderr
    assert "gpu1" not in [target["name"] for target in wb.json("compute", "ls")]


def test_an_unknown_host_key_is_refused_with_its_fingerprint_until_accepted(
    wb: Wb, server: SshServer, project: Path
):
    server.known_hosts.write_text("")
    words = ["compute", "attach", server.name, "--set", f"ssh_config={server.ssh_config}", "--set",
             f"lease_dir={server.home / 'lease'}", "--root", str(server.home / "wb")]  # fmt: skip
    refused = wb.run(*words)
    assert refused.returncode == 4
    assert server.fingerprint in refused.stderr
    wb(*words, "--accept-new")
    server.restart(new_host_key=True)
    wb.kill_server()
    changed = wb.run("submit", "-t", server.name, "--", "true", cwd=project)
    assert changed.returncode == 4
    assert server.fingerprint in changed.stderr


def test_the_overview_and_the_server_are_told(wb: Wb, tmp_path: Path):
    attach_local(wb, tmp_path)
    assert "local" in wb()
    info = json.loads(wb("server", "status", "--format", "json"))
    assert info["pid"] == wb.server_pid()
    wb("server", "stop")
    assert wb.run("server", "status").returncode == 3


def test_output_over_the_cap_leaves_a_gap_that_is_told(wb: Wb, tmp_path: Path):
    attach_local(wb, tmp_path)
    wb("compute", "set", "local", "stream_cap=100000")
    run = wb(
        "submit", "--no-code", "--", f"while ! test -e {tmp_path}/go; do sleep 0.05; done; seq 1 300000"
    ).split()[0]
    wb.until(lambda: wb.show(run)["status"] == "Running", "the run to start")
    wb.kill_server()
    (tmp_path / "go").touch()
    status = tmp_path / "root" / "runs" / run / "status.json"
    wb.until(
        lambda: "Completed" in status.read_text(), "the run to end with nobody there to fetch what it said"
    )
    assert wb.wait(run)["status"] == "Completed"
    text = wb("logs", run)
    assert "\0" not in text
    assert text.startswith("1\n2\n")
    assert text.endswith("\n299999\n300000\n")
    assert "bytes of output were not kept" in text
    assert wb("logs", run, "-n", "2") == "299999\n300000\n"


def test_a_run_whose_machine_lost_its_folder_is_not_called_failed(wb: Wb, project: Path, tmp_path: Path):
    """Laws 2 and 3: what cannot be found there is not over; only the user can say so."""
    attach_local(wb, tmp_path)
    run = wb("submit", "--", "python", "slow.py", "4000", cwd=project).split()[0]
    wb.until(lambda: wb.show(run)["status"] == "Running", "the run to start")
    refused = wb.run("compute", "set", "local", f"root={tmp_path / 'other'}")
    assert refused.returncode == 5, "settings that move a machine wait for its runs"
    again = wb.run("compute", "attach", "local")
    assert again.returncode == 5
    wb.kill_server()
    (tmp_path / "root").rename(tmp_path / "unmounted")
    wb.until(lambda: "no record" in (wb.show(run).get("message") or ""), "the row to say so")
    assert wb.show(run)["status"] == "Running"
    (tmp_path / "root").rename(tmp_path / "empty")
    (tmp_path / "unmounted").rename(tmp_path / "root")
    wb.until(lambda: "no record" not in (wb.show(run).get("message") or ""), "the run to be found again")
    wb("cancel", run, "--grace", "1")
    assert wb.wait(run)["status"] == "Canceled"
