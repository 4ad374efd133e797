"""A stream of machines put together: what changed, what is gone, and what a new beginning no longer has."""

from __future__ import annotations

from workbench.workspace.machine_views import MachineViews


def test_views_follow_the_stream() -> None:
    known = MachineViews()
    assert known.take({"machines": {"a": {"state": "unknown"}, "b": {}}}) == {"a", "b"}
    before = known.views["a"]
    assert known.take({"patch": {"a": {"state": None, "age": 1}, "c": {"age": 2}}}) == {"a", "c"}
    assert known.views == {"a": {"age": 1}, "b": {}, "c": {"age": 2}}
    assert before == {"state": "unknown"}, "a view that was given away stays as it was"
    assert known.take({"gone": ["b"]}) == {"b"}
    assert known.take({"machines": {"c": {}}}) == {"a", "c"}, "the server is another one"
    assert known.views == {"c": {}}
