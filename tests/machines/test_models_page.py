"""docs/models.md does what it says: every block is run, in order, on a real machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import MAIN, Wb

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
DEADLINE = 240


def test_every_block_of_the_page_of_models_runs(make_wb, make_server, tmp_path: Path):
    """AZ-89: a run's folder becomes a version, fetched over SSH. AZ-164 to AZ-172 as their user sees them."""
    server: SshServer = make_server("gpu1")
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "wb"
    command.write_text(f"#!{sys.executable}\n{MAIN[2]}\n")
    command.chmod(0o755)
    wb: Wb = make_wb(PATH=f"{command.parent}:{os.environ['PATH']}")
    attach(wb, server)
    wb("compute", "set", "gpu1", "default=true", code=None)
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) > 8
    place = tmp_path / "here"
    place.mkdir()
    done = subprocess.run(
        ["bash", "-c", "set -ex\n" + "\n".join(blocks)],
        cwd=place,
        env=wb.environ,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}\n{wb.log()}"
    said = done.stdout.splitlines()
    for expected in ("churn:1", "churn:2", "churn:3", "other:1", "kept out", "see the column"):
        assert expected in said
    for expected in ("it does not overwrite", "it is champion", "2"):
        assert expected in said
    assert wb.json("model", "show", "other:2")["runs_code"] == ["model.pkl"]
    assert '{"w": 0.95}' in done.stdout
    assert "acc 0.8 >= 0.948 (champion.acc 0.95 - 0.002): no" in done.stderr
    assert "column 6" in done.stderr
    model = wb.json("model", "show", "churn")
    assert model["aliases"] == {"champion": 2}
    assert [version["version"] for version in model["versions"]] == [2, 1]
    newest = model["versions"][0]
    assert newest["datasets"] == [{"relation": "training data", "name": "customers", "version": 3}]
    assert (newest["metrics"]["acc"], newest["experiment"], newest["run_name"]) == (0.95, "churn", "second")
    assert newest["properties"] == {"licence": "MIT"}
    moves = wb.json("model", "history", "churn", "--alias", "champion")
    assert [(move["action"], move["forced"]) for move in moves] == [
        ("rollback", False),
        ("promote", True),
        ("promote", False),
        ("promote", False),
    ]
    assert moves[1]["approver"] == "ann"
    for words, code in (
        (("model", "show", "nobody"), 3),
        (("model", "show", "../x"), 2),
        (("model", "promote", "churn:1", "--to", "latest"), 2),
        (("model", "rm", "churn:2", "--yes"), 5),
        (("model", "register", "churn", "--run", "first", "--path", "/etc/passwd"), 2),
        (("model", "register", "churn", "--run", "first", "--path", "outputs/../../x"), 2),
        (("model", "register", "churn", "--run", "first", "--path", "outputs/nothing"), 3),
        (("model", "register", "../churn", "--run", "first", "--path", "outputs/model"), 2),
    ):
        done = wb.run(*words)
        assert done.returncode == code, (words, done.stderr)
        assert len(done.stderr.splitlines()) <= 2
