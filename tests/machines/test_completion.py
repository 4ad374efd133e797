"""Tab in a real bash, answered by the product: what bash takes for a word is not always one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.machines.settled import settled
from tests.machines.wb import MAIN, Wb

SCRIPT = """\
source "$1"
shift
for line in "$@"; do
    COMP_LINE="$line" COMP_POINT=${#line}
    COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
    _wb_completion wb
    printf '%s\\n' "${COMPREPLY[*]}"
done
"""
OFFERED = {
    "wb experi": "experiment",
    "wb run show @": "1 best best:mnist",  # what follows bash's own cut at "@"
    "wb run show @b": "best best:mnist",
    "wb run show @best:mn": "mnist",
    "wb run compare @1 @best:": "mnist",
    "wb ps -e ": "mnist",
    "wb ps -e 'mn": "mnist",
    "wb compute show lo": "local",
}


def test_bash_completes_whole_words(wb: Wb, tmp_path: Path) -> None:
    wb("compute", "set", "local", f"root={settled(tmp_path / 'root')}", f"lease_dir={tmp_path / 'lease'}")
    wb("submit", "--no-code", "-e", "mnist", "--name", "otter", "--wait", "--", "true")
    program = tmp_path / "bin" / "wb"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec {MAIN[0]} -c '{MAIN[2]}' \"$@\"\n")
    program.chmod(0o755)
    (tmp_path / "completion").write_text(wb("completion", "show", "bash"))
    (tmp_path / "tab").write_text(SCRIPT)
    done = subprocess.run(
        ["bash", "--norc", str(tmp_path / "tab"), str(tmp_path / "completion"), *OFFERED],
        env={**wb.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert dict(zip(OFFERED, done.stdout.splitlines(), strict=True)) == OFFERED, done.stderr
