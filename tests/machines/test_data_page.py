"""docs/data.md does what it says: every block is run, in order, on a real machine and a real S3 endpoint."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.machines.rig import MakeServer
from tests.machines.test_main_job import attach
from tests.machines.wb import MAIN, Wb
from tests.s3_server import s3_server

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


def test_every_block_of_the_page_runs(wb: Wb, make_server: MakeServer, tmp_path: Path) -> None:
    """Datastores, datasets, tables, profiles and secrets as a reader of the page would try them."""
    attach(wb, make_server("gpu1"))
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "wb"
    command.write_text(f"#!{sys.executable}\n{MAIN[2]}\n")
    command.chmod(0o755)
    (tmp_path / "work").mkdir()
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 5
    with s3_server() as s3:
        client: Any = s3.client()
        client.create_bucket(Bucket="bucket")
        environ = {
            **wb.environ,
            "PATH": f"{command.parent}:{os.environ['PATH']}",
            "S3_ENDPOINT": s3.url,
            "S3_KEY": f"{s3.access}:{s3.secret}",
            "WORKBENCH_SECRETS__STORE": "file",
        }
        done = subprocess.run(
            ["bash", "-c", "set -e\n" + "\n".join(blocks)],
            cwd=tmp_path / "work",
            env=environ,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}\n{wb.log()}"
    assert (tmp_path / "work" / "back" / "weather" / "weather.csv").is_file()
    assert (tmp_path / "work" / "copy" / "weather.csv").is_file()
    assert {run["status"] for run in wb.json("run", "ls")} == {"Completed"}
    assert wb("run", "logs", "@1") == "***\n"
    kept = wb.json("data", "preview", "sales-november", "-n", "100")
    assert len(kept) == 90
    assert len(wb.json("data", "preview", "dear")) == 20
    assert wb.json("data", "preview", "sold")[0] == {"day": "2026-11-01", "total": 652.5}
    wet = wb.json("data", "preview", "wet")
    assert wet == [{"day": "2026-11-03T00:00:00", "rain": 9}]
