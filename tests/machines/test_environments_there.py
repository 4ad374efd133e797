"""Environments through the product's own commands, on real sshd machines (AZ-135, AZ-137, AZ-140, AZ-141)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.links import interpreter
from tests.machines.netns import Net
from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from tests.private_index import Index, package_index
from tests.small_wheels import lock_of, make_wheel

SAY = "import sys, demo, workbench\nprint(demo.VERSION, sys.prefix, flush=True)\nworkbench.log('acc', 0.5)\n"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    make_wheel(folder, "demo", "1.5", needs=("other>=1",))
    make_wheel(folder, "other", "2.0")
    return folder


@pytest.fixture
def index(wheels: Path) -> Iterator[Index]:
    with package_index(wheels) as found:
        yield found


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    """Code, and what it needs, from an index of this test's own."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(SAY)
    (folder / "requirements.txt").write_text(f"--index-url {index.url}\ndemo\n")
    return folder


def own_uv(server: SshServer) -> None:
    """Give the machine a uv of its own."""
    found = shutil.which("uv", path=os.path.dirname(sys.executable))
    assert found is not None
    place = server.home / ".local/bin/uv"
    place.parent.mkdir(parents=True)
    place.symlink_to(found)


def submit(wb: Wb, project: Path, target: str, *words: str, env: str = "requirements.txt") -> str:
    return wb("submit", "-t", target, "--env", env, *words, "--", "python", "train.py", cwd=project).split()[
        0
    ]


def environments(server: SshServer) -> list[Path]:
    return [path for path in (server.home / "wb/environments").iterdir() if path.is_dir()]


def activities(wb: Wb, kind: str) -> list[dict[str, Any]]:
    return [one for one in wb.json("activity", "ls") if one["kind"] == kind]


def test_a_file_named_at_submit_is_registered_built_there_once_and_run_in(
    wb: Wb, server: SshServer, project: Path
) -> None:
    """AZ-137, AZ-135, AZ-141, AZ-90: two runs at once, one build, an activity for it; the record has the freeze."""
    own_uv(server)
    attach(wb, server)
    runs = [submit(wb, project, server.name) for _ in range(2)]
    for run in runs:
        shown = wb.wait(run)
        assert shown["status"] == "Completed", shown
        assert shown["environment"] == "project:1"
    (there,) = environments(server)
    assert wb("logs", runs[0]).split() == ["1.5", str(there)]
    log = (server.home / "wb/environments" / f"{there.name}.log").read_text()
    assert log.count("[installing what is locked]") == 1
    (activity,) = activities(wb, "environment")
    assert activity["state"] == "done"
    assert activity["subject"] == "environments/project:1"
    (seen,) = wb.show(runs[0])["interpreters"]
    assert seen["path"] == f"{there}/bin/python"
    assert seen["distributions"] == 2
    (built,) = wb.json("env", "builds", "-t", server.name)
    assert (built["name"], built["version"], built["state"]) == ("project", 1, "ready")
    assert built["packages"] == {"demo": "1.5", "other": "2.0"}
    assert "demo==1.5" in wb("env", "log", "project", "-t", server.name)


def test_a_changed_definition_is_another_environment_and_the_same_one_is_not(
    wb: Wb, server: SshServer, project: Path, wheels: Path
) -> None:
    """AZ-132, AZ-135: unpinned packages keep the versions of the first time, whatever is new on the index."""
    own_uv(server)
    attach(wb, server)
    wb.wait(submit(wb, project, server.name))
    make_wheel(wheels, "demo", "9.0")
    again = submit(wb, project, server.name)
    wb.wait(again)
    assert wb("logs", again).startswith("1.5 ")
    assert len(environments(server)) == 1
    (project / "requirements.txt").write_text(
        (project / "requirements.txt").read_text().replace("demo", "demo>=2")
    )
    changed = submit(wb, project, server.name)
    wb.wait(changed)
    assert wb("logs", changed).startswith("9.0 ")
    assert wb.show(changed)["environment"] == "project:2"
    assert len(environments(server)) == 2


def test_what_fails_to_build_is_said_in_one_sentence_and_its_log_is_kept(
    wb: Wb, server: SshServer, project: Path, wheels: Path
) -> None:
    own_uv(server)
    attach(wb, server)
    wb("env", "register", str(project / "requirements.txt"), "--name", "one")
    make_wheel(wheels, "other", "2.0", body="changed since it was locked")
    run = submit(wb, project, server.name, env="one")
    shown = wb.wait(run)
    assert shown["status"] == "Failed"
    assert "the environment" in shown["message"]
    assert "other" in shown["message"]
    assert "\n" not in shown["message"]
    done = wb.run("env", "build", "one", "-t", server.name)
    assert done.returncode == 1
    assert "other" in done.stderr
    assert activities(wb, "environment")[0]["state"] == "failed"


def test_a_python_that_is_not_there_is_said_with_those_that_are(
    wb: Wb, server: SshServer, project: Path
) -> None:
    own_uv(server)
    attach(wb, server)
    wb("env", "register", str(project / "requirements.txt"), "--name", "one", "--python", "3.99", code=None)
    done = wb.run("env", "register", str(project / "requirements.txt"), "--name", "two", "--python", "3.8")
    assert done.returncode == 0, done.stderr
    run = submit(wb, project, server.name, env="two")
    shown = wb.wait(run)
    assert shown["status"] == "Failed"
    assert f"{server.name} has no Python 3.8; it has 3." in shown["message"]


def test_uv_is_sent_where_there_is_none_once(wb: Wb, server: SshServer, project: Path) -> None:
    """The static program out of uv's own wheel, fetched here through pip."""
    attach(wb, server)
    done = wb.run("env", "register", str(project / "requirements.txt"), "--name", "one")
    assert done.returncode == 0, done.stderr
    out = wb("env", "build", "one", "-t", server.name, "-o", "json")
    assert json.loads(out)["packages"] == {"demo": "1.5", "other": "2.0"}
    (copy,) = (server.home / "wb/uv").glob("*/uv")
    assert b"statically linked" in subprocess.run(
        ["ldd", str(copy)], capture_output=True, check=False
    ).stderr + (subprocess.run(["ldd", str(copy)], capture_output=True, check=False).stdout)
    before = copy.stat().st_ino
    assert not list((server.home / "wb/uv/wheels").rglob("*.whl")), "the wheel has served"
    (project / "requirements.txt").write_text((project / "requirements.txt").read_text() + "other\n")
    shown = wb.wait(submit(wb, project, server.name))
    assert shown["status"] == "Completed"
    assert copy.stat().st_ino == before


def test_a_private_index_is_asked_with_secrets_that_are_written_nowhere(
    wb: Wb, server: SshServer, tmp_path: Path, wheels: Path
) -> None:
    """Credentials of indexes come from the workspace's secrets alone, here and there."""
    own_uv(server)
    attach(wb, server)
    folder = tmp_path / "private"
    folder.mkdir()
    # Nor does the run's own code find them: it did not ask for them.
    shown_around = "import os\nopen('outputs/around.txt', 'w').write(repr(dict(os.environ)))\n"
    (folder / "train.py").write_text(SAY + shown_around)
    with package_index(wheels, "ann", "sesame-sesame") as private:
        (folder / "environment.yml").write_text(
            f"name: hidden\nindexes: ['ours={private.url}']\nrequirements: |\n  demo\n"
        )
        (folder / "requirements.txt").write_text(f"--extra-index-url ours={private.url}\ndemo\n")
        for name, value in (("USERNAME", "ann"), ("PASSWORD", "sesame-sesame")):
            put = [*wb.through, sys.executable, "-c", "import sys; from workbench.cli.main import main; sys.exit(main())",
                   "secret", "set", f"UV_INDEX_OURS_{name}"]  # fmt: skip
            subprocess.run(put, input=value, text=True, env=wb.environ, check=True, capture_output=True)
        run = submit(wb, folder, server.name)
        shown = wb.wait(run)
    assert shown["status"] == "Completed", shown
    assert ("/simple/demo/", "ann") in private.asked
    for path in [*(server.home / "wb").rglob("*"), *wb.folder.rglob("*")]:
        if path.is_file() and path.stat().st_size < 8 << 20 and "secrets" not in path.name:
            assert b"sesame-sesame" not in path.read_bytes(), path


def test_environments_nobody_used_lately_go_and_are_built_again_when_wanted(
    wb: Wb, server: SshServer, project: Path
) -> None:
    own_uv(server)
    attach(wb, server)
    wb.wait(submit(wb, project, server.name))
    (there,) = environments(server)
    assert wb("env", "prune", "-t", server.name) == ""
    assert there.name in wb("env", "prune", "-t", server.name, "--older", "0s")
    assert environments(server) == [there]
    (project / "train.py").write_text(SAY + "import time; time.sleep(600)\n")
    lives = submit(wb, project, server.name)
    wb.until(lambda: wb("logs", lives), "it to run")
    assert wb("env", "prune", "-t", server.name, "--older", "0s", "--yes") == ""
    assert (there / ".ready").exists()
    wb("cancel", lives)
    wb.wait(lives)
    assert there.name in wb("env", "prune", "-t", server.name, "--older", "0s", "--yes")
    assert environments(server) == []
    assert not list((server.home / "wb/uv/cache").rglob("demo.py")), "the cache forgets what nobody has"
    (project / "train.py").write_text(SAY)
    assert wb.wait(submit(wb, project, server.name))["status"] == "Completed"


def test_a_machine_without_a_network_gets_what_is_locked_from_here(
    wb: Wb, net: Net, wheels: Path, tmp_path: Path
) -> None:
    """No route to anywhere: uv and the wheels are sent, by hash, once; the machine builds all the same."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "--platform",
         f"musllinux_1_1_{os.uname().machine}", "--dest", str(wheels), f"uv=={installed_uv()}"],
        check=True, capture_output=True,
    )  # fmt: skip
    there = [make_wheel(wheels, "demo", "1.5"), make_wheel(wheels, "other", "2.0")]
    # This side has files only, as behind a mirror: the user's own end is in the namespaces too.
    wb.through = net.through
    wb.environ.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheels))
    wb.environ.pop("PIP_CONSTRAINT", None)
    machine = net.machine()
    root = machine.home / "wb"
    wb("compute", "attach", machine.name, "--root", str(root), "--set", f"ssh_config={machine.ssh_config}")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(SAY)
    (folder / "requirements.txt").write_text(lock_of(*there))
    run = submit(wb, folder, machine.name)
    shown = wb.wait(run)
    assert shown["status"] == "Completed", shown
    (there,) = [path for path in (root / "environments").iterdir() if path.is_dir()]
    assert wb("logs", run).split() == ["1.5", str(there)]
    sent = sorted(path.name for path in (root / "uv/wheels").rglob("*.whl"))
    assert sent == ["demo-1.5-py3-none-any.whl", "other-2.0-py3-none-any.whl"]


def installed_uv() -> str:
    from importlib.metadata import version

    return version("uv")


FETCHING = """#!/bin/sh
if [ "$1 $2" = "python install" ]; then
  echo "$@" > {said}
  mkdir -p "$UV_PYTHON_INSTALL_DIR/cpython/bin"
  exec ln -s {python} "$UV_PYTHON_INSTALL_DIR/cpython/bin/python3"
fi
exec {uv} "$@"
"""


def test_a_python_is_fetched_by_uv_only_where_the_user_agreed(
    wb: Wb, server: SshServer, project: Path, tmp_path: Path
) -> None:
    """What uv would download is put in its place by a stand-in: the download's own place is out of reach here."""
    own_uv(server)
    real = (server.home / ".local/bin/uv").resolve()
    (server.home / ".local/bin/uv").unlink()
    script = FETCHING.format(said=tmp_path / "said", python=interpreter("3.12"), uv=real)
    (server.home / ".local/bin/uv").write_text(script)
    (server.home / ".local/bin/uv").chmod(0o755)
    attach(wb, server)
    wb("env", "register", str(project / "requirements.txt"), "--name", "new", "--python", "3.12")
    (project / "train.py").write_text("import sys; print(sys.version_info[:2])")
    refused = wb.wait(submit(wb, project, server.name, env="new"))
    assert "has no Python 3.12" in refused["message"]
    assert not (tmp_path / "said").exists()
    wb("compute", "set", server.name, "install_python=true")
    run = submit(wb, project, server.name, env="new")
    assert wb.wait(run)["status"] == "Completed"
    assert wb("logs", run).strip() == "(3, 12)"
    assert "3.12" in (tmp_path / "said").read_text()
