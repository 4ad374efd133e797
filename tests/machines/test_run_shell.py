"""A shell in a run's folder: what the run has around it, first on PATH whatever start-up files do, and not the run."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.machines.far_shell import OpenShell, as_it_was, attach, machine, open_shell
from tests.machines.ground import Ground, ground, untagged
from tests.machines.links import MakeLink, make_link
from tests.machines.rig import SshServer, need
from tests.machines.test_terminals import Typing, whole
from tests.machines.wb import Wb
from workbench.compute.link import Link
from workbench.errors import Conflict, NotFound, UsageError

__all__ = ["ground", "machine", "make_link", "open_shell", "untagged"]


async def linked(ground: Ground, make_link: MakeLink) -> Link:
    """A link to the ground's machine."""
    return await make_link(root=ground.machine.root, lease_dir=ground.machine.lease_dir)


def lines(seen: bytes) -> dict[str, str]:
    """name=value lines of an output."""
    return dict(line.split("=", 1) for line in seen.decode().replace("\r", "").splitlines() if "=" in line)


async def test_what_the_run_has_is_there_but_it_is_not_the_run(ground: Ground, make_link: MakeLink) -> None:
    link = await linked(ground, make_link)
    run = ground.submit(
        "sleep 1000",
        gpus=1,
        devices=["a0", "b1"],
        environment_variables={"COLOUR": "blue"},
        experiment="mnist",
    )
    ground.wait(run, "Running")
    script = "import json,os; from workbench import Run; r = Run.get_context(); r.log('loss', 1); print('id=' + r.id)"
    seen, answer = await whole(link, run=run, shell=f'env; pwd; python -c "{script}"; exit 5')
    assert answer == {"exit_code": 5}
    found = lines(seen)
    folder = Path(ground.machine.root, "runs", run)
    assert found["COLOUR"] == "blue"
    assert found["WORKBENCH_EXPERIMENT"] == "mnist"
    assert found["WORKBENCH_SHELL_OF"] == run
    assert found["CUDA_VISIBLE_DEVICES"] in ("a0", "b1")
    assert found["PATH"].startswith(f"{folder}/bin:")
    assert found["id"] == "offline"
    assert not {"WORKBENCH_RUN_ID", "WORKBENCH_RUN_DIR", "AZUREML_RUN_ID"} & found.keys()
    assert f"{folder}/code".encode() in seen
    assert list((folder / "records").glob("*")) == [], "nothing of a shell is recorded"


async def test_ending_the_run_leaves_the_shell(ground: Ground, make_link: MakeLink) -> None:
    from workbench.remote.supervision.cancel import cancel

    link = await linked(ground, make_link)
    run = ground.submit("sleep 1000", gpus=1, devices=["a0"])
    ground.wait(run, "Running")
    typing = Typing(link, run=run, shell="echo pid=$$; read x; echo read $x")
    async with typing.stream:
        await typing.wait_for(b"pid=")
        cancel(ground.machine, run)
        ground.wait(run, "Canceled")
        typing.type(b"on\r")
        assert await typing.end() == {"exit_code": 0}
    assert typing.events[0]["lacks_gpus"] is False
    typing = Typing(link, run=run, shell="echo gpus=[$CUDA_VISIBLE_DEVICES]")
    async with typing.stream:
        await typing.end()
    assert typing.events[0]["lacks_gpus"] is True
    assert b"gpus=[]" in typing.seen, "its GPUs may be another's by now"


async def test_what_has_no_folder_is_said(ground: Ground, make_link: MakeLink) -> None:
    link = await linked(ground, make_link)
    with pytest.raises(NotFound):
        await whole(link, run="01HZZZZZZZZZZZZZZZZZZZZZZZ")
    with pytest.raises(UsageError):
        await whole(link, run="../../etc")
    (Path(ground.machine.root) / "runs" / "01HZZZZZZZZZZZZZZZZZZZZZZY").mkdir()
    (Path(ground.machine.root) / "runs" / "01HZZZZZZZZZZZZZZZZZZZZZZY" / "spec.json").write_text(
        '{"run": "x"}'
    )
    with pytest.raises(Conflict, match="not laid out"):
        await whole(link, run="01HZZZZZZZZZZZZZZZZZZZZZZY")


SH = "export PATH=/usr/local/bin:/usr/bin:/bin OWN=read; cd /\n"
FISH = "set -gx PATH /usr/local/bin /usr/bin /bin; set -gx OWN read; cd /\n"


@pytest.mark.parametrize(("shell", "file", "text"), [
    ("bash", ".bashrc", SH), ("zsh", ".zshrc", SH), ("fish", ".config/fish/config.fish", FISH), ("dash", ".profile", SH),
])  # fmt: skip
async def test_its_interpreter_is_first_whatever_start_up_files_do(
    ground: Ground, make_link: MakeLink, tmp_path: Path, shell: str, file: str, text: str
) -> None:
    need(shell)
    link = await linked(ground, make_link)
    run = ground.submit("true", python=sys.executable)
    ground.wait(run, "Completed")
    home = tmp_path / "user"
    (home / file).parent.mkdir(parents=True, exist_ok=True)
    (home / file).write_text(text)
    env = {"HOME": str(home), "SHELL": str(shutil.which(shell)), "ZDOTDIR": str(home)}
    typing = Typing(link, run=run, env=env, rows=24, cols=200)
    async with typing.stream:
        typing.type(b"echo own:$OWN; command -v python; pwd\r")
        await typing.wait_for(f"\n{ground.machine.root}/runs/{run}/bin/python".encode())
        if shell != "dash":
            await typing.wait_for(b"own:read")
            await typing.wait_for(f"\n{ground.machine.root}/runs/{run}/code".encode())
        typing.type(b"exit\r")
        await typing.end()


def test_from_the_command_line(wb: Wb, machine: SshServer, open_shell: OpenShell) -> None:
    """AZ-42: a shell, and with it an editor, where a run is."""
    attach(wb, machine)
    run = wb(
        "submit", "-t", "gpu1", "--no-code", "--name", "calm", "--wait", "--", "echo kept > outputs/word"
    ).strip()
    screen = open_shell("run", "shell", run)
    screen.wait_for(r"^\(calm\) far>")
    screen.type("cat outputs/word; exit 3")
    screen.keys("Enter")
    screen.wait_for("^kept$")
    screen.wait_for("^code 3$")
    as_it_was(wb, screen)
    board = open_shell(f"runs/default/{run}")
    board.wait_for("calm")
    board.keys("!")
    board.wait_for(r"^\[calm: exit comes back\]")
    board.wait_for(r"^\(calm\) far>")
    board.type("exit")
    board.keys("Enter")
    board.wait_for("all keys")
    board.keys("C-q")
    board.wait_for("^code 0$")


HANGS = """
import sys, threading, time
def waits_for_ever():
    open("outputs/word", "w").close()
    threading.Event().wait()
waits_for_ever()
"""


def test_what_a_hung_run_is_doing(wb: Wb, machine: SshServer, open_shell: OpenShell, tmp_path: Path) -> None:
    attach(wb, machine)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.py").write_text(HANGS)
    run = wb(
        "submit", "-t", "gpu1", "--name", "stuck", "--", "python", "train.py", cwd=tmp_path / "code"
    ).strip()
    word = machine.folder / "root" / "runs" / run / "outputs" / "word"
    wb.until(word.exists, "the script to hang")
    said = wb("run", "stack", run, "-o", "table")
    assert "pid " in said.splitlines()[0]
    assert "in waits_for_ever" in said
    (process,) = [row for row in wb.json("run", "stack", run) if row.get("by")]
    assert process["by"] == "faulthandler"
    board = open_shell(f"runs/default/{run}")
    board.wait_for("stuck")
    board.wait_for("running")
    board.keys("W")
    board.wait_for("what stuck is doing")
    board.wait_for("in waits_for_ever")
    board.keys("r")
    board.wait_for("in waits_for_ever")
    board.keys("Escape")
    board.wait_until_gone("what stuck is doing")
    wb("cancel", run)
    wb.wait(run)
    board.wait_for("canceled")
    board.keys("W")
    board.wait_for("ended already")
    board.keys("C-q")
    board.wait_for("^code 0$")
    assert wb.run("run", "stack", run).returncode == 5
