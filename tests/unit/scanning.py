"""What a scan found, and how often it read."""

from __future__ import annotations

import os

import pytest

from workbench.snapshots import scan as scan_module


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    read: list[str] = []
    real = scan_module._hash

    def counted(place: bytes, item, found):  # type: ignore[no-untyped-def]
        read.append(os.fsdecode(item.path))
        return real(place, item, found)

    monkeypatch.setattr(scan_module, "_hash", counted)
    return read
