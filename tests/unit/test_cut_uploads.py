"""What an upload has brought when its link breaks stays, whoever notices the break first."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from workbench.remote.files.file_bytes import arrived, put
from workbench.remote.forms import protocol
from workbench.remote.wire import frames
from workbench.remote.wire.exchange import GRANT, Exchange
from workbench.remote.wire.outlet import Outlet
from workbench.remote.wire.problems import Cancelled

TOKEN = "0123456789abcdef"


def test_a_break_that_is_noticed_while_bytes_are_taken_loses_none_that_came(tmp_path: Path) -> None:
    """Who says that they were taken finds the link broken before it is seen that nothing more will come."""
    there = os.fsencode(tmp_path / "there")
    block = os.urandom(GRANT // 2)
    reading, writing = os.pipe()
    params = {"token": TOKEN, "offset": 0, "size": 9 * len(block), "mode": 0o600, "overwrite": False}
    exchange = Exchange(Outlet(writing, lambda: None), 1, "put", params, lambda _: None)
    try:
        with ThreadPoolExecutor() as threads:
            work = threads.submit(put, exchange, there)
            assert os.read(reading, 1000), "it says how much it takes"
            os.close(reading)
            for _ in range(3):
                exchange.deliver(frames.Frame(protocol.DATA, 1, block))
            with pytest.raises(Cancelled):
                work.result(60)
    finally:
        os.close(writing)
    assert arrived(there, TOKEN) == len(block)
    partial = next(tmp_path.glob(".*.partial"))
    assert partial.read_bytes() == block
