"""Data and environments in the dashboard over a real local server and a real sshd: what `wb` made is seen there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tests.machines.at_terminal import Open, submit
from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb

READ = "import sys; print(len(open(sys.argv[1]).read().splitlines()), 'lines')"


def test_a_dataset_of_the_command_line_is_seen_followed_and_brought(
    user: Wb, open_wb: Open, make_server: Callable[..., SshServer], tmp_path: Path
) -> None:
    """AZ-46, AZ-56, AZ-60, AZ-61, AZ-63: registered by wb, read by a run, profiled and verified from the screen."""
    server = make_server("gpu1")
    attach(user, server)
    table = tmp_path / "weather.csv"
    table.write_text("day,temp,rain\n2026-11-01,3.5,0\n2026-11-02,,4\n2026-11-03,5.5,9\n")
    user("data", "register", "weather", str(table), "--table", "csv", "--tag", "source=station")
    user("env", "register", sys.executable, "--name", "lab")
    run = submit(
        user, "-t", "local", "--name", "reader", "--input", "data=data:weather", "--",
        sys.executable, "-c", READ, "${{inputs.data}}",
    )  # fmt: skip
    user.wait(run)

    screen = open_wb(":data")
    screen.wait_for("weather +1 +tabular .*reader")
    screen.wait_for("read last by reader")
    screen.keys("Enter")
    screen.wait_for("1 version")
    screen.keys("Enter")
    screen.wait_for("source=station")
    screen.keys("v")
    screen.wait_for("Verify weather:1 by")
    screen.type("sha256")
    screen.keys("Enter")
    screen.wait_for("of contents")
    screen.keys("Tab")
    screen.wait_for("weather.csv +6[0-9] B")
    screen.keys("Tab")
    screen.wait_for("2026-11-03.* 5.5 +9")
    screen.keys("Tab")
    screen.wait_for("No profile yet")
    screen.keys("P")
    screen.wait_for("--anew")
    screen.keys("Enter")
    screen.wait_for("temp +float +3 +1 +2 +3.5")
    screen.keys("Tab")
    screen.wait_for("read by +run +reader")
    screen.keys("b")
    screen.wait_for("to which machine")
    screen.type("gpu1")
    screen.keys("Enter")
    screen.wait_for("weather:1 is on gpu1: 1 file")
    screen.keys("Enter")
    screen.wait_for("profile-weather-1|reader")
    screen.keys("4")
    screen.wait_for("1 dataset")
    screen.keys("Tab")
    screen.wait_for("workspaceblobstore .*◆ answers")
    screen.keys("Tab")
    screen.wait_for("lab +1 +python")
    screen.keys("C-q")
    found = user.json("data", "show", "weather")
    assert found["fingerprint"]["content"] is True
    assert "all there before" in user("data", "bring", "weather", "-t", "gpu1", "-o", "table")
