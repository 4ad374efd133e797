"""Record the session of the README: docs/images/session.svg. Needs tmux.

    python docs/make_readme_session.py

A machine is made up on the spot (the demo's embedded SSH server); what is shown is what happened, but for the
names of the computer that recorded it.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from make_session import IMAGES, ROOT, record, without_last_prompt

from tests.terminal.picture import screen_to_svg
from workbench.demo.machines import EmbeddedMachine, MachineRoom

COLUMNS, ROWS = 92, 40
MAIN = "import sys; from workbench.cli.main import main; sys.exit(main())"
GAP = r"(?:\x1b\[[\d;]*m| )"
COMMANDS = [
    "wb compute attach gpu1\ny",
    "wb submit -e digits --follow -- python train.py --epochs 8",
    "wb submit -e digits --wait -- python train.py --epochs 8 --lr 0.2",
    "wb ps",
    "wb run metrics @1 loss --plot",
    "wb run compare @2 @1",
]


@contextmanager
def place() -> Iterator[tuple[Path, EmbeddedMachine]]:
    """A folder that goes when done, and in it a machine that `gpu1` of its home's ssh_config leads to."""
    os.environ["PATH"] = os.pathsep.join(["/usr/local/bin", "/usr/bin", "/bin"])  # what a machine has
    with tempfile.TemporaryDirectory(prefix="session-") as name:
        folder = Path(name)
        with MachineRoom(folder / "machines", ["gpu1"]) as room:
            machine = room.machines[0]
            (folder / "home" / ".ssh").mkdir(parents=True)
            (folder / "home" / ".ssh" / "config").write_text(
                f"Host gpu1\n  HostName 127.0.0.1\n  Port {machine.port}\n  User ann\n"
                f"  IdentityFile {room.identity}\n  IdentitiesOnly yes\n"
            )
            yield folder, machine


def environment(folder: Path) -> dict[str, str]:
    """What the shell is given: `wb` is this checkout, everything it keeps lies in folder."""
    command = folder / "bin" / "wb"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\n{MAIN}\n")
    command.chmod(0o755)
    return {
        "HOME": str(folder / "home"),
        "LOGNAME": "ann",
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "WORKBENCH_HOME": str(folder / "wb"),
    }


def without_names(capture: str, machine: EmbeddedMachine) -> str:
    """The capture with the recording computer's paths, host and user replaced by a machine's usual ones."""
    text = capture.replace(str(machine.home), "/home/ann")
    for fact, name, shown in (("host", socket.gethostname(), "gpu1"), ("user", r"\w+", "ann")):
        text = re.sub(rf"^({GAP}*{fact}{GAP}+){name}\b", rf"\g<1>{shown}", text, flags=re.MULTILINE)
    return text


def main() -> None:
    """Record, write the picture, print its path."""
    with place() as (folder, machine):
        project = folder / "home" / "digits"
        shutil.copytree(ROOT / "docs" / "examples" / "digits", project)
        variables = environment(folder)
        os.environ.update(variables)
        try:
            capture = without_names(record(COMMANDS, COLUMNS, ROWS, project), machine)
        finally:
            subprocess.run([folder / "bin" / "wb", "server", "stop"], check=True)
    capture = without_last_prompt(capture)
    IMAGES.mkdir(exist_ok=True)
    path = IMAGES / "session.svg"
    path.write_text(screen_to_svg(capture, COLUMNS, capture.count("\n") + 1, "workbench"), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
