"""Tables, texts and evaluations of a real run, read back through `wb run metrics`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from tests.unit.test_evaluations import DATA, value

SCRIPT = """
import json
from workbench import Run

run = Run.get_context()
for kind, given in json.load(open("given.json")).items():
    getattr(run, "log_" + kind)("my " + kind, given)
run.log_row("seen", step=1, what="cat")
run.log_row("seen", step=2, what="dog")
run.log("phase", "warm up", step=3)
run.log("loss", 0.5)
"""


def test_what_is_no_number_can_be_read_too(wb: Wb, server: SshServer, tmp_path: Path) -> None:
    """AZ-97, AZ-99: evaluations, tables and texts by their names, as text and as JSON."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text(SCRIPT)
    (project / "given.json").write_text(json.dumps({kind: value(kind) for kind in DATA}))
    attach(wb, server)
    run = wb("submit", "--wait", "--", "python", "train.py", cwd=project).split()[0]

    for kind in DATA:
        assert wb.json("run", "metrics", run, f"my {kind}") == [value(kind)]
    assert wb("run", "metrics", run, "my confusion_matrix").splitlines() == ["cat\t3\t1", "dog\t0\t4"]
    csv = wb("run", "metrics", run, "my predictions", "-o", "csv").splitlines()
    assert csv == ["from,to,average,error,count", "0.0,0.5,0.25,0.013,56", "0.5,1.0,0.75,0.042,34"]
    table = wb("run", "metrics", run, "my confusion_matrix", "-o", "table").splitlines()
    assert [line.split() for line in table] == [["true", "cat", "dog"], ["cat", "3", "1"], ["dog", "0", "4"]]
    assert wb.json("run", "metrics", run, "seen") == {"step": [1, 2], "what": ["cat", "dog"]}
    assert wb("run", "metrics", run, "seen", "-n", "1") == "2\tdog\n"
    assert wb("run", "metrics", run, "phase") == "3\twarm up\n"
    listed = wb("run", "metrics", run, "-o", "table")
    for name in ("loss", "phase", "seen", "my residuals"):
        assert name in listed
    assert wb.run("run", "metrics", run, "nothing").returncode == 3
