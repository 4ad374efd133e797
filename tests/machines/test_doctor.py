"""wb compute doctor through the product: what attach says of a machine's shell, it says too."""

from __future__ import annotations

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


def test_a_quiet_shell_is_well(wb: Wb, make_server: MakeServer) -> None:
    quiet = make_server()
    attach(wb, quiet)
    said = [check for check in wb.json("compute", "doctor", quiet.name) if check["name"] == "shell"]
    # A machine that is busy may be slow for other reasons; that it prints nothing is certain.
    assert not [check for check in said if "print" in check["text"] and check["state"] != "ok"]
    here = [check for check in wb.json("compute", "doctor", "local") if check["name"] == "shell"]
    assert here
