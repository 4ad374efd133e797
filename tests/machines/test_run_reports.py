"""A report of a run that really logged texts, tables, evaluations and images, from here and from its machine."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from tests.png_making import gradient

TRAIN = """\
import os
from workbench import Run
run = Run.get_context()
run.log("phase", "warm up"); run.log("phase", "cool <b>down</b>")
for epoch in range(60):
    run.log_row("samples", epoch=epoch, label="cat")
run.log_confusion_matrix("confusion", {"schema_type": "confusion_matrix", "schema_version": "v1",
    "data": {"class_labels": ["cat", "dog"], "matrix": [[30, 1], [0, 41]]}})
picture = open("picture.png", "rb").read()
for name, data in (("small", picture), ("large", picture + bytes(2 << 20)), ("gone", picture), ("page", b"<script>")):
    open(f"outputs/{name}.png", "wb").write(data)
    run.log_image(name, f"outputs/{name}.png")
os.unlink("outputs/gone.png")
"""


def pictures(html: str) -> list[int]:
    """How large the pictures in a document are."""
    found = [base64.b64decode(data) for data in re.findall(r"data:image/png;base64,([^\"]*)", html)]
    assert all(data.startswith(gradient(48, 27)) for data in found)
    return sorted(map(len, found))


def test_what_was_logged_is_in_the_report(wb: Wb, server: SshServer, tmp_path: Path) -> None:
    """Also where its machine cannot be reached: a report without a picture is one all the same."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text(TRAIN)
    (project / "picture.png").write_bytes(gradient(48, 27))
    attach(wb, server)
    run = wb("submit", "--wait", "--", "python", "train.py", cwd=project).split()[0]

    def collected() -> bool:
        files = {file["path"]: file["collected"] for file in wb.json("run", "files", run)}
        return bool(files.get("outputs/small.png")) and not files["outputs/large.png"]

    wb.until(collected, "small files to be collected")
    to = tmp_path / "report.html"
    wb("run", "report", run, "--to", str(to))
    html, small = to.read_text(), len(gradient(48, 27))
    assert pictures(html) == [small, small + (2 << 20)]
    assert html.count("left out: ") == 2
    assert "left out: it is no PNG, JPEG or GIF" in html
    assert "<script" not in html
    assert "cool &lt;b&gt;down&lt;/b&gt;" in html
    assert "the last 50 rows; 10 more before them" in html
    assert "right of all 98.61%" in html

    server.stop()
    wb("run", "report", run, "--to", str(to))
    html = to.read_text()
    assert pictures(html) == [small]
    assert html.count("left out: ") == 3
    assert f"wb run download {run} outputs/large.png" in html
    said = wb("run", "report", run, "--to", "-")
    assert "| cat | **30** | 1 | 97% |" in said
    assert f"- small: `wb run download {run} outputs/small.png`" in said
    assert "confusion" not in wb("run", "report", run, "--to", "-", "--no-values")
