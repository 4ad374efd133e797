"""Run ids are unique and sort by time; display names can be said."""

from __future__ import annotations

import os
import re

from workbench.entities.identity import display_name, make_run_id, run_id_milliseconds
from workbench.remote.forms import protocol


def test_ids_are_unique_valid_and_sorted_by_time() -> None:
    """AZ-92: 10,000 made within one millisecond are as many ids."""
    made = [make_run_id(1_790_000_000_000, os.urandom(10)) for _ in range(10_000)]
    assert len(set(made)) == len(made)
    assert all(protocol.valid_run_id(one) for one in made)
    assert {run_id_milliseconds(one) for one in made} == {1_790_000_000_000}
    later = make_run_id(1_790_000_000_001, bytes(10))
    assert later > max(made)


def test_a_name_can_be_said_and_ends_in_its_number() -> None:
    """AZ-92: two words and a number, always the same for the same run."""
    run = make_run_id(1_790_000_000_000, bytes(range(10)))
    name = display_name(run, 42)
    assert re.fullmatch(r"[a-z]+-[a-z]+-42", name)
    assert display_name(run, 42) == name
    names = {display_name(make_run_id(n, os.urandom(10)), 1) for n in range(500)}
    assert len(names) > 300
