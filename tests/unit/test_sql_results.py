"""Results of queries on this side: the last few stay, what a killed process left goes."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from workbench.data.sql.place import KEPT, LEFT, Spool
from workbench.errors import Refused


async def rows(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


async def test_old_results_go_also_while_another_tidies(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(6):
        (tmp_path / f"{number}.jsonl").write_bytes(b"old")
        os.utime(tmp_path / f"{number}.jsonl", (number + 1, number + 1))
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nowhere")  # as one that is removed right now
    (tmp_path / "killed.partial").write_bytes(b"half")
    before = time.time() - 2 * LEFT
    os.utime(tmp_path / "killed.partial", (before, before))
    (tmp_path / "going-on.partial").write_bytes(b"half")
    kept = await spool.keep(rows(b'{"a":1}\n{"a"', b":2}\n"))
    assert (kept.rows, kept.size, spool.find(kept.sha256)) == (2, 16, kept.path)
    found = sorted(path.name for path in tmp_path.iterdir())
    assert found == sorted([kept.path.name, *(f"{n}.jsonl" for n in range(7 - KEPT, 6)), "going-on.partial"])


async def test_a_result_that_is_larger_than_one_may_be_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    came = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            came.append(1)
            yield b"x" * 999 + b"\n"

    spool = Spool(tmp_path, 10_000)
    with pytest.raises(Refused, match=r"more than 9\.77 KiB") as problem:
        await spool.keep(endless())
    assert "data.query_bytes" in problem.value.hint
    assert len(came) == 11
    assert not list(tmp_path.iterdir())
    assert (await spool.keep(rows(b"x" * 9_999 + b"\n"))).size == 10_000
