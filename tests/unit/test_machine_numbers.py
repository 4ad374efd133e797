"""A number of any length that a machine tells costs that number alone, and is never shown as one."""

from __future__ import annotations

import json
from math import inf, nan

import pytest

from tests.store_making import run_id
from workbench.compute.holdings import read_figures, read_holdings, read_named
from workbench.compute.measurement import parse_disks
from workbench.environments.builds import read_build
from workbench.errors import RemoteError
from workbench.runs.collect import readable_files
from workbench.runs.data.after_outputs import read_fingerprint
from workbench.runs.queue_words import read_queue
from workbench.runs.status import read_status
from workbench.services.log_keeping import _stretches
from workbench.text.numbers import amount, whole_amount

SICK = [10**400, -(10**400), inf, -inf, nan, -1, True, "7", None, [1]]


@pytest.mark.parametrize("sick", SICK)
def test_what_cannot_be_an_amount_is_absent(sick):
    assert amount(sick) is None
    assert whole_amount(sick) is None


def test_amounts_are_kept_to_the_last_byte():
    assert (amount(0), amount(2.5), whole_amount(1 << 60), whole_amount(7.9)) == (0.0, 2.5, 1 << 60, 7)
    assert whole_amount((1 << 53) + 1) == (1 << 53) + 1
    assert whole_amount(10**30) is None


@pytest.mark.parametrize("sick", SICK)
def test_what_a_run_used_is_read_as_far_as_it_makes_sense(sick):
    used = read_status({"resources": {"cpu_seconds": sick, "peak_memory": sick, "stream_bytes": 5}}).resources
    assert used is not None
    assert (used.cpu_seconds, used.peak_memory, used.stream_bytes) == (None, None, 5)


@pytest.mark.parametrize("sick", [*SICK[:6], 10**30])
def test_a_listing_and_its_other_files(sick):
    listing = [
        {"path": "outputs/a", "size": sick, "modified": 1.0},
        {"path": "outputs/b", "size": 1, "modified": 1.0},
    ]
    assert [file.path for file in readable_files(listing)] == ["outputs/b"]
    listing[0] |= {"size": 1, "modified": 10**400}
    assert [file.path for file in readable_files(listing)] == ["outputs/b"]


@pytest.mark.parametrize("sick", SICK[:6])
def test_what_is_kept_built_and_free_there(sick):
    held = read_holdings(
        {"total": sick, "free": sick, "trees": [{"snapshot": "a", "bytes": sick, "age": sick}]}
    )
    assert (held.total, held.free, held.trees[0].bytes, held.trees[0].age) == (0, None, 0, 0.0)
    build = read_build(
        {"key": "k", "state": "ready", "bytes": sick, "age": sick, "version": sick, "started": sick}, "box"
    )
    assert build is not None
    assert (build.bytes, build.used, build.version, build.started) == (None, None, None, None)
    disks = parse_disks(json.dumps({"disks": [{"path": "/data", "free": sick}]}))
    assert [disk.free for disk in disks] == [0]
    assert _stretches([[0, inf]]) == []
    run = {"run": run_id(), "state": "waiting", "expected_wait": sick, "since": sick}
    waiting = read_queue("box", {"entries": [run]}).entries[0]
    assert (waiting.expected_wait, waiting.since) == (None, None)


@pytest.mark.parametrize("key", ["hash", "files", "bytes"])
def test_what_was_looked_at_is_whole_or_an_error_in_words(key):
    seen = {"hash": "ab" * 32, "files": 2, "bytes": 3}
    assert (read_fingerprint(seen, "box").files, read_fingerprint(seen, "box").bytes) == (2, 3)
    for sick in SICK:
        with pytest.raises(RemoteError):
            read_fingerprint({**seen, key: sick}, "box")
    del seen[key]
    with pytest.raises(RemoteError):
        read_fingerprint(seen, "box")


@pytest.mark.parametrize("sick", SICK)
def test_what_was_removed_is_told_as_far_as_it_makes_sense(sick):
    told = {"run": "a\x1b[2J", "bytes": sick, "why": "it\x07 lives", "door": 5}
    assert read_named(told, ("run", "tree")) == {"run": "a", "why": "it lives"}
    assert read_figures({"bytes": sick, "runs": 3, "door": 5}, ("bytes", "runs")) == {
        "bytes": None,
        "runs": 3,
    }
    assert read_figures(sick, ("bytes",)) == {"bytes": None}
