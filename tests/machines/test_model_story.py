"""The whole way of a model with a real package: scikit-learn's digits, trained, judged, promoted, taken back.

A real sshd machine, and an environment that uv builds there of the real wheels; this test's own index serves what
pip brings, so that no other index is asked.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import MAIN, Wb
from tests.private_index import package_index

SCRIPTS = Path(__file__).parents[1] / "data" / "digits"
DEADLINE = 240


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """scikit-learn and all it needs, for this Python, by pip's own configuration."""
    folder = tmp_path_factory.mktemp("wheels")
    words = [
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
        "--dest",
        str(folder),
    ]
    pip = [sys.executable, "-m", "pip", *words, "scikit-learn"]
    done = subprocess.run(pip, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def project(tmp_path: Path, wheels: Path) -> Iterator[Path]:
    """The scripts, and what they need."""
    folder = tmp_path / "digits"
    shutil.copytree(SCRIPTS, folder)
    with package_index(wheels) as index:
        (folder / "requirements.txt").write_text(f"--index-url {index.url}\nscikit-learn\n")
        yield folder


@pytest.fixture
def user(make_wb: Callable[..., Wb], server: SshServer, tmp_path: Path) -> Wb:
    wb = make_wb(UV_CACHE_DIR=str(tmp_path / "uv"), UV_NO_CONFIG="1")
    attach(wb, server, "--set", f"python={sys.executable}")
    return wb


def train(wb: Wb, project: Path, name: str, rows: int) -> float:
    """Train on so many rows and register what came out; the accuracy on the rows kept apart."""
    words = ("--env", "requirements.txt", "--input", "digits=data:digits", "--name", name, "-e", "digits")
    line = f"python train.py --data ${{{{inputs.digits}}}} --rows {rows}"
    run = wb("submit", *words, "--wait", "--", line, cwd=project).strip()
    shown = wb.show(run)
    assert (shown["status"], shown["environment"]) == ("Completed", "digits:1"), wb("logs", run)
    wb("model", "register", "digits", "--run", name, "--framework", "scikit-learn")
    accuracy = float(wb("logs", run).split()[-1])
    assert [point["value"] for point in wb.json("run", "metrics", run, "acc")] == [pytest.approx(accuracy)]
    return accuracy


def promote(wb: Wb, version: int, why: str) -> tuple[int, str]:
    done = wb.run("model", "promote", f"digits:{version}", "--to", "champion", "--why", why)
    return done.returncode, done.stderr


def champion(wb: Wb, *words: str) -> dict[str, Any]:
    found = wb.json("model", "history", "digits", "--alias", "champion", *words)
    return dict(found[0])


@pytest.mark.timeout(900)  # the longest of all
def test_digits_are_trained_promoted_over_a_weaker_champion_and_rolled_back(
    user: Wb, server: SshServer, project: Path, tmp_path: Path
) -> None:
    """AZ-27, AZ-57, AZ-89, AZ-132, AZ-135, AZ-137, AZ-164, AZ-165, AZ-169, AZ-170, AZ-171: one long story."""
    user(
        "submit", "--env", "requirements.txt", "--output", "digits=data:digits", "--name", "prepare",
        "-e", "digits", "--wait", "--", "python prepare.py ${{outputs.digits}}", cwd=project,
    )  # fmt: skip
    weak, strong = train(user, project, "weak", 60), train(user, project, "strong", 900)
    assert 0.5 < weak < strong - 0.002
    (built,) = user.json("env", "builds", "-t", server.name)
    assert built["state"] == "ready"
    assert {"scikit-learn", "numpy", "scipy"} <= set(built["packages"])
    assert user.json("model", "show", "digits:2")["runs_code"] == ["svc.joblib"], (
        "told apart, never loaded here"
    )

    gate = ("--gate", "acc >= champion.acc - 0.002", "--gate", "tag:reviewed")
    user("model", "set", "digits", *gate, "--protect", "champion")
    code, said = promote(user, 1, "the first")
    assert (code, "tag:reviewed" in said) == (5, True), said
    user("model", "tag", "digits:1", "reviewed")
    user("model", "tag", "digits:2", "reviewed")
    assert promote(user, 1, "the first")[0] == 0
    assert promote(user, 2, "more rows")[0] == 0
    then = champion(user)["time"]
    code, said = promote(user, 1, "no reason")
    assert (code, f"{strong - 0.002:.3g}" in said) == (5, True), said
    assert user.json("model", "show", "digits")["aliases"] == {"champion": 2}

    check_there(user, server, built["key"], project, tmp_path, strong)

    user("model", "rollback", "digits", "--why", "only a try")
    assert champion(user)["version"] == 1
    assert champion(user, "--at", "today")["version"] == 1
    assert champion(user, "--at", then)["version"] == 2, "who was champion then"
    assert [move["action"] for move in user.json("model", "history", "digits")] == [
        "rollback",
        "promote",
        "promote",
    ]

    version = user.json("model", "show", "digits:2")
    assert (version["run_name"], version["metrics"]["acc"]) == ("strong", pytest.approx(strong))
    assert [(one["name"], one["version"]) for one in version["datasets"]] == [("digits", 1)]
    way = user.json("data", "lineage", "digits")
    assert {run["name"] for run in way["read_by"]} == {"weak", "strong"}
    assert {model["version"] for model in way["models"]} == {1, 2}
    assert way["made_by"]["name"] == "prepare"

    by_script(user, project, tmp_path)
    as_the_readme_says(user, project, tmp_path)
    assert len(user.json("env", "builds", "-t", server.name)) == 1, "one environment for all of it"


def check_there(wb: Wb, server: SshServer, key: str, project: Path, tmp_path: Path, expected: float) -> None:
    """The champion's files, fetched, brought to the machine, and loaded there: as good as its run said."""
    wb("model", "download", "digits@champion", "--to", str(tmp_path / "served"))
    refused = wb.run("model", "download", "digits@champion", "--to", str(tmp_path / "served"))
    assert refused.returncode == 5, refused.stderr
    wb("data", "download", "digits", str(tmp_path / "rows"))
    for folder in (tmp_path / "served", tmp_path / "rows", project):
        wb("compute", "upload", server.name, str(folder), "checked/")
    python = server.home / "wb" / "environments" / key / "bin" / "python"
    words = (str(python), "checked/digits/check.py", "checked/served", "checked/rows")
    assert float(wb("compute", "exec", server.name, "--", *words)) == pytest.approx(expected)


def as_the_readme_says(wb: Wb, project: Path, tmp_path: Path) -> None:
    """README's own lines for this loop, word for word, in the folder of the scripts."""
    page = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```sh\n(wb data register .*?)```", page, re.DOTALL)
    shutil.copytree(tmp_path / "rows", tmp_path / "scans")
    command = tmp_path / "bin" / "wb"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\n{MAIN[2]}\n")
    command.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", f"set -ex\n{block}"],
        cwd=project,
        env={**wb.environ, "PATH": f"{command.parent}:{wb.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{wb.log()}"
    assert "mnist:2 may be champion; mnist:1 has it now" in done.stderr
    assert (project / "served" / "svc.joblib").is_file()
    assert [move["action"] for move in wb.json("model", "history", "mnist")] == [
        "rollback",
        "promote",
        "promote",
    ]


def by_script(wb: Wb, project: Path, tmp_path: Path) -> None:
    """The same by a script over the SDK, in the same workspace."""
    done = subprocess.run(
        [sys.executable, str(project / "user.py"), str(project), str(tmp_path / "by-script")],
        env=wb.environ,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{wb.log()}"
    said = done.stdout.splitlines()
    assert said[0].startswith("before 1 0.8")
    assert said[1:5] == ["refused digits:3", "champion 4", "then 1", "made of digits:1"]
    accuracy = float(said[5].removeprefix("acc "))
    assert accuracy > 0.97
    assert said[6:] == ["files svc.joblib", "after 1"]
