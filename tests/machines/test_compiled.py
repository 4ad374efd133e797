"""The compiled payload: made by every interpreter for itself, used by guards, never needed."""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.machines.ground import Ground, ground
from tests.machines.links import MakeLink, interpreter, make_link
from tests.machines.links import until as eventually
from tests.machines.settled import settled
from workbench.compute.payload import build_payload, payload_files
from workbench.remote import compiled

__all__ = ["ground", "make_link"]

WHO = "import sys; sys.path.insert(0, sys.argv[1]); from workbench.remote.machine import own_location; "
WHO += "import workbench.remote.supervision.guard, workbench.remote.snapshots.layout; print(own_location()); "
WHO += "print(workbench.remote.supervision.guard.__file__)"


def build(python: str, payload: str) -> None:
    """Have an interpreter compile a payload, as a link does."""
    subprocess.run([python, "-I", "-S", payload, "compile", payload], check=True)


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_every_python_compiles_for_itself_and_knows_the_source_again(version: str, tmp_path: Path) -> None:
    payload = tmp_path / "abc.pyz"
    payload.write_bytes(build_payload().data)
    python = str(interpreter(version))
    build(python, str(payload))
    (made,) = [path for path in tmp_path.iterdir() if path != payload]
    assert compiled.source_of(str(made)) == str(payload)
    words = [python, "-I", "-S", "-c", WHO, str(made)]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
    assert said[0] == str(payload)
    assert said[1].startswith(str(made))


def test_guards_start_from_it_and_runs_see_the_payload_itself(ground: Ground) -> None:
    build(sys.executable, ground.machine.payload)
    made = compiled.usable(ground.machine.payload)
    assert made is not None
    run = ground.submit("sleep 60")
    guard = ground.identity(run, "guard")[0]
    assert os.fsencode(repr(made)) in Path(f"/proc/{guard}/cmdline").read_bytes()
    ground.wait(run, "Running")
    shim = ground.path(run, "site/sitecustomize.py").read_text()
    assert ascii(ground.machine.payload) in shim, "any python of the run must be able to read it"
    assert made not in shim


def test_without_one_guards_start_from_the_payload_itself(ground: Ground) -> None:
    Path(compiled.compiled_path(ground.machine.payload)).unlink()
    run = ground.submit("sleep 60")
    guard = ground.identity(run, "guard")[0]
    assert os.fsencode(repr(ground.machine.payload)) in Path(f"/proc/{guard}/cmdline").read_bytes()
    ground.wait(run, "Running")
    assert compiled.usable(ground.machine.payload) is None, "only a link has it made"


@pytest.mark.parametrize("damage", [b"", b"PK\x05\x06" + b"\0" * 18, b"no zip at all"], ids=len)
def test_a_damaged_one_is_passed_over(ground: Ground, damage: bytes) -> None:
    Path(compiled.compiled_path(ground.machine.payload)).write_bytes(damage)
    status, output = ground.finish("echo fine")
    assert (status["transitions"][-1]["state"], output) == ("Completed", b"fine\n")


def test_one_that_stops_half_way_through_a_module_is_passed_over(ground: Ground) -> None:
    build(sys.executable, ground.machine.payload)
    made = Path(compiled.compiled_path(ground.machine.payload))
    whole = made.read_bytes()
    at = whole.index(b"workbench/remote/supervision/guard.pyc") + 60
    made.write_bytes(whole[:at] + b"\0" * 400 + whole[at + 400 :])
    status, output = ground.finish("echo fine")
    assert (status["transitions"][-1]["state"], output) == ("Completed", b"fine\n")


def remade(made: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change the bytes of one module of a compiled form."""
    with zipfile.ZipFile(made) as before:
        members = {member: before.read(member) for member in before.namelist()}
    members[name] = change(members[name])
    with zipfile.ZipFile(made, "w") as after:
        for member, content in members.items():
            after.writestr(member, content)


async def test_a_link_starts_from_it(make_link: MakeLink, tmp_path: Path) -> None:
    payload = settled(tmp_path / "root") / "payload" / f"{build_payload().sha}.pyz"
    source = (
        payload_files()["workbench/remote/link.py"] + f"\nopen({str(tmp_path / 'used')!r}, 'x')\n".encode()
    )
    code = marshal.dumps(compile(source, "link.py", "exec", dont_inherit=True))
    remade(
        Path(compiled.compiled_path(str(payload))), "workbench/remote/link.pyc", lambda old: old[:16] + code
    )
    link = await make_link(python=sys.executable)
    assert await link.call("list") == {"runs": []}
    assert (tmp_path / "used").exists()


@pytest.mark.parametrize("module", ["__init__", "remote/link", "remote/machine", "remote/methods/table"])
async def test_a_link_passes_a_damaged_one_over(make_link: MakeLink, tmp_path: Path, module: str) -> None:
    payload = settled(tmp_path / "root") / "payload" / f"{build_payload().sha}.pyz"
    made = Path(compiled.compiled_path(str(payload)))
    remade(made, f"workbench/{module}.pyc", lambda old: old[:40] + b"\0" * (len(old) - 40))
    link = await make_link(python=sys.executable)
    assert await link.call("list") == {"runs": []}


@pytest.mark.parametrize("content", [b"", b"no zip at all", None], ids=str)
async def test_a_link_passes_over_what_is_none(
    make_link: MakeLink, tmp_path: Path, content: bytes | None
) -> None:
    payload = settled(tmp_path / "root") / "payload" / f"{build_payload().sha}.pyz"
    made = Path(compiled.compiled_path(str(payload)))
    made.write_bytes(made.read_bytes()[:-2000] if content is None else content)
    link = await make_link(python=sys.executable)
    assert await link.call("list") == {"runs": []}


async def test_a_link_has_it_made_and_leaves_nothing_half_done(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link(python=sys.executable)
    folder = tmp_path / "root" / "payload"
    payload = folder / f"{build_payload().sha}.pyz"
    await eventually(lambda: compiled.usable(str(payload)), "the compiled payload")
    assert await link.call("list") == {"runs": []}
    assert {path.name for path in folder.iterdir()} == {
        payload.name,
        Path(compiled.compiled_path(str(payload))).name,
    }
