"""A script asks for a model: it is registered when its run is Completed, also after the server was away."""

from __future__ import annotations

from pathlib import Path

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb

SCRIPT = """
import os, sys
from workbench import Run

run = Run.get_context()
run.log("acc", float(sys.argv[1]))
os.makedirs("outputs/net", exist_ok=True)
open("outputs/net/w.bin", "wb").write(sys.argv[1].encode())
asked = run.register_model("net", "outputs/net", tags={"from": "script"}, properties={"p": 1},
                           model_framework="ours", model_framework_version="2", description="**it**")
print("asked", asked.name, asked.version)
with run.child_run("fold") as child:
    child.log("acc", 0.1)
    open("inner.bin", "wb").write(b"inner")
    if sys.argv[2] == "0":  # a child that is Completed has its model whatever becomes of its parent (AZ-83)
        child.register_model("inner", "inner.bin")
run.register_model("gone", "outputs/nothing.bin")
sys.exit(int(sys.argv[2]))
"""


def test_a_script_registers_its_model(wb: Wb, server: SshServer, tmp_path: Path) -> None:
    """AZ-89, AZ-166, AZ-168; of a run that failed nothing is registered, and what cannot be is a warning."""
    attach(wb, server)
    code = tmp_path / "code"
    code.mkdir()
    (code / "train.py").write_text(SCRIPT)
    failed = wb.run("submit", "--wait", "--", "python", "train.py", "0.5", "3", cwd=code)
    assert failed.returncode == 1
    run = wb("submit", "--wait", "--", "python", "train.py", "0.75", "0", cwd=code).strip()
    assert "asked net None" in wb("logs", run)
    wb.until(lambda: len(wb.json("model", "ls")) == 2, "the models to be registered")
    net = wb.json("model", "show", "net:1")
    assert (net["run"], net["tags"], net["properties"]) == (run, {"from": "script"}, {"p": "1"})
    assert (net["framework"], net["framework_version"], net["description"]) == ("ours", "2", "**it**")
    assert net["metrics"] == {"acc": 0.75}
    wb("model", "download", "net:1", "--to", str(tmp_path / "net"))
    assert (tmp_path / "net" / "w.bin").read_bytes() == b"0.75"
    inner = wb.json("model", "show", "inner:1")
    assert inner["run"] == wb.json("run", "children", run)[0]["id"]
    wb.until(lambda: wb.json("run", "show", run)["warnings"] == 1, "the warning")
    assert [item["versions"] for item in wb.json("model", "ls") if item["name"] == "net"] == [1]


def test_one_that_was_asked_for_while_nobody_listened_comes_later(
    wb: Wb, server: SshServer, tmp_path: Path
) -> None:
    attach(wb, server)
    code = tmp_path / "code"
    code.mkdir()
    go = tmp_path / "go"
    (code / "train.py").write_text(
        f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(.05)\n{SCRIPT}"
    )
    run = wb("submit", "--", "python", "train.py", "0.5", "0", cwd=code).strip()
    wb.until(lambda: wb.json("run", "show", run)["status"] == "Running", "the run")
    wb("server", "stop")
    go.touch()
    wb.until(lambda: wb.json("run", "show", run)["status"] == "Completed", "its end")
    wb.until(lambda: {item["name"] for item in wb.json("model", "ls")} == {"net", "inner"}, "its models")
