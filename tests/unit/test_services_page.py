"""The architecture page names every operation the services have, and none that they have not."""

from __future__ import annotations

import re
from pathlib import Path

from tests.services import services

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
ROW = re.compile(r"^\| `(\w+)\.(\w+)`(?: / `\.(\w+)`)? \|", re.MULTILINE)


async def test_the_table_of_services_is_whole(tmp_path: Path) -> None:
    section = PAGE.read_text("utf-8").partition("## Services: every operation once")[2].partition("\n## ")[0]
    named = {
        f"{noun}.{method}"
        for noun, first, second in ROW.findall(section)
        for method in (first, second)
        if method
    }
    async with services(tmp_path) as live:
        assert named == set(live.workspace.operations)
