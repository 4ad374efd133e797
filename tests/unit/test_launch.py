"""Commands as they will be started, and what a run finds around it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from workbench.remote.processes.launch import check_command, find_program, launch_script, plan_launch
from workbench.remote.runs import environ


def plan(**spec: Any) -> Any:
    return plan_launch(spec, "/r/launch.sh", "/bin/bash", "/r/bin", "/r/site")


def test_an_argv_stays_an_argv_and_a_text_a_line_of_the_shell() -> None:
    assert plan(command=["a", "b c"]) == (["a", "b c"], None, False)
    assert plan(command="a | b") == (["/bin/bash", "-c", "a | b"], None, False)


def test_setup_and_login_shells_take_a_script() -> None:
    argv, script, shakes = plan(command=["a", "b c"], setup=["module load x"], login_shell=True)
    assert (argv, shakes) == (["/bin/bash", "-l", "/r/launch.sh"], True)
    assert "eval 'module load x' || exit\n" in script
    assert script.endswith("set -- a 'b c'\nexec \"$@\"\n")
    assert plan(command="a", setup=["b"]).argv == ["/bin/bash", "/r/launch.sh"]


def test_a_setup_line_cannot_break_out_of_its_quotes() -> None:
    line = "echo 'it'\"s\"; exit 3 # $(x)"
    script = launch_script(["a"], [line], "/b", "/s", False)
    assert shlex.split(script.splitlines()[1]) == ["eval", line, "||", "exit"]


@pytest.mark.parametrize("command", [[], "", "  ", None, [""], ["a", 5], 7, "a\0b", ["a", "\0"]])
def test_what_is_no_command_is_refused(command: Any) -> None:
    with pytest.raises(ValueError):
        check_command(command)


def test_programs_are_found_as_the_shell_finds_them(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    for name, mode in (("run.sh", 0o755), ("plain", 0o644)):
        (code / name).write_text("#!/bin/sh\n")
        (code / name).chmod(mode)
    assert find_program("./run.sh", "", str(code)) == f"{code}/./run.sh"
    assert find_program("run.sh", "/nowhere:.", str(code)) == f"{code}/./run.sh"
    assert find_program("./plain", "", str(code)) is None
    assert find_program("run.sh", "/nowhere", str(code)) is None


def test_what_wins_in_the_environment() -> None:
    base = {"PATH": "/usr/bin", "HOME": "/h", "A": "base", "SSH_CONNECTION": "x", "WORKBENCH_GUARD": "other"}
    spec = {
        "run": "R",
        "experiment": "e",
        "workspace": "w",
        "environment_variables": {"A": "spec", "B": "spec", "X=Y": "1", "PATH": "/mine"},
    }
    found = environ.run_environment(base, spec, "/r", "/r/bin", "/r/site", {"B": "secret"})
    assert (found["A"], found["B"], found["HOME"]) == ("spec", "secret", "/h")
    assert found["PATH"] == "/r/bin:/mine"
    assert found["PYTHONPATH"] == "/r/site"
    assert found["AZUREML_RUN_ID"] == found["WORKBENCH_RUN_ID"] == "R"
    assert not {"SSH_CONNECTION", "WORKBENCH_GUARD", "X=Y", "CUDA_VISIBLE_DEVICES"} & set(found)


@pytest.mark.parametrize(
    ("gpus", "devices", "visible"), [(None, [], None), (0, [], ""), (2, ["GPU-b", "GPU-a"], "GPU-b,GPU-a")]
)
def test_visible_devices(gpus: int | None, devices: list[str], visible: str | None) -> None:
    assert environ.visible_devices(gpus, devices) == visible


def collected(tmp_path: Path) -> tuple[Path, Path]:
    run = tmp_path / "run"
    run.mkdir(exist_ok=True)
    environ.prepare_folders(str(run), str(run / "code"), str(run / "outputs"), str(run / "logs"))
    return run / "code" / "outputs", run / "outputs"


def test_collected_folders_are_links(tmp_path: Path) -> None:
    """AZ-86."""
    place, target = collected(tmp_path)
    assert os.readlink(place) == "../outputs"
    (place / "m.bin").write_text("m")
    assert (target / "m.bin").read_text() == "m"
    assert collected(tmp_path)[0].is_symlink()


def test_what_the_snapshot_brought_there_moves_over(tmp_path: Path) -> None:
    code = tmp_path / "run" / "code"
    (code / "outputs" / "deep").mkdir(parents=True)
    (code / "outputs" / "deep" / "new").write_text("new")
    (code / "outputs" / "old").write_text("from the snapshot")
    (tmp_path / "run" / "outputs" / "deep").mkdir(parents=True)
    (tmp_path / "run" / "outputs" / "old").write_text("from the attempt before")
    (code / "logs").write_text("a file")
    place, target = collected(tmp_path)
    assert place.is_symlink()
    assert (target / "deep" / "new").read_text() == "new"
    assert (target / "old").read_text() == "from the attempt before"
    assert (tmp_path / "run" / "logs" / "logs").read_text() == "a file"


def test_a_link_that_leads_elsewhere_is_replaced_not_followed(tmp_path: Path) -> None:
    code = tmp_path / "run" / "code"
    code.mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    (code / "outputs").symlink_to(outside)
    place, target = collected(tmp_path)
    assert os.readlink(place) == "../outputs"
    assert list(target.iterdir()) == []
    assert (outside / "mine").read_text() == "mine"
