"""wb compute doctor through the product: what attach says of a machine's shell, it says too."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.machines.rig import MakeServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb


def test_noisy_and_slow_start_up_files_are_named_again(wb: Wb, make_server: MakeServer) -> None:
    noisy = make_server(rc="echo WELCOME; sleep 0.3")
    attach(wb, noisy)
    said = [check for check in wb.json("compute", "doctor", noisy.name) if check["name"] == "shell"]
    assert [check["state"] for check in said] == ["warn", "warn"]
    assert "WELCOME" in said[0]["text"]
    assert "ms whenever" in said[1]["text"]
    assert all(".bashrc" in check["hint"] for check in said)
    assert noisy.connections() == 1


@pytest.mark.skipif(shutil.which("podman") is None, reason="there is no podman that could store anything")
def test_the_trial_of_containers_is_kept_apart_from_the_machines_own_storage(
    wb: Wb, make_server: MakeServer, engines_apart: Path
) -> None:
    """These tests start whichever engine there is, here and over ssh, in a folder of their own."""
    attach(wb, server := make_server())
    for name in ("local", server.name):
        shutil.rmtree(engines_apart / "graph", ignore_errors=True)
        said = {check["name"]: check for check in wb.json("compute", "doctor", name)}
        assert "podman" in said["containers"]["text"]
        assert (engines_apart / "graph" / "vfs-images").is_dir()


def test_a_quiet_shell_is_well(wb: Wb, make_server: MakeServer) -> None:
    quiet = make_server()
    attach(wb, quiet)
    said = [check for check in wb.json("compute", "doctor", quiet.name) if check["name"] == "shell"]
    # A machine that is busy may be slow for other reasons; that it prints nothing is certain.
    assert not [check for check in said if "print" in check["text"] and check["state"] != "ok"]
    here = [check for check in wb.json("compute", "doctor", "local") if check["name"] == "shell"]
    assert here


def test_each_line_that_is_not_well_has_a_command_to_copy(wb: Wb, make_server: MakeServer) -> None:
    narrow = make_server(rc="echo WELCOME", options=["MaxSessions 1"])
    # Its interpreter said at once: else the link is made anew, while its one session may still be closing.
    attach(wb, narrow, "--python", "/usr/bin/python3")
    found = wb.json("compute", "doctor", narrow.name)
    ailing = [check for check in found if check["state"] != "ok"]
    assert [check for check in ailing if not check.get("fix") or not check.get("hint")] == []
    said = {check["name"]: check for check in found}
    assert said["sessions"]["state"] == "warn"
    assert "opens 0 sessions beside ours" in said["sessions"]["text"]
    assert "agrees with this one" in said["clock"]["text"]
    assert said["python"]["text"].startswith("/")
    assert [check["state"] for check in found] == sorted(
        (check["state"] for check in found), key=["bad", "warn", "ok"].index
    )
    shown = wb("compute", "doctor", narrow.name, "-o", "table", code=None)
    assert f"$ {said['sessions']['fix']}\n" in shown, "in one line"
    assert narrow.connections() == 1


def test_as_many_sessions_as_are_tried_open_on_an_ordinary_machine(wb: Wb, make_server: MakeServer) -> None:
    wide = make_server()
    attach(wb, wide)
    said = {check["name"]: check for check in wb.json("compute", "doctor", wide.name)}
    assert said["sessions"]["text"].startswith("4 sessions beside ours")
