"""The record files of an imported run: one for each content of each of its logs."""

from __future__ import annotations

import re
import zlib
from typing import Any

_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
_ATTEMPTS = "records/import-"
"""How files were called while another content of a log was another attempt; such a run stays with it."""


def begin_file(path: str, kept: dict[str, Any]) -> None:
    """Choose "file", "attempt" and "offset" of what is kept of a log that is new, or another one than before.

    Files are called as those of a log that is followed on a machine, so that its newest content counts.
    """
    where = _UNFIT.sub("-", path.rpartition("/")[2])[:100]
    if str(kept.get("file") or "").startswith(_ATTEMPTS):
        attempt = int(kept.get("attempt", 0)) + 1
        kept.update(attempt=attempt, file=f"{_ATTEMPTS}{attempt}-{where}.jsonl", offset=0)
        return
    content = int(kept.get("content", 0)) + 1
    log = zlib.crc32(path.encode("utf-8", "surrogatepass"))
    file = f"records/ingest-{log}-{content}-1-{where}.jsonl"
    kept.update(attempt=1, content=content, file=file, offset=0)
