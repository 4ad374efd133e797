"""JSON in pieces: the same bytes as in one go, none of them much work."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.entities import encoding
from workbench.entities.encoding import LIGHT, encode, light, pieces
from workbench.entities.metric import Points
from workbench.entities.run import Run
from workbench.entities.snapshot import Entry

RUN = Run(id="x", name="calm", experiment="e", target="t", created=datetime(2026, 1, 1, tzinfo=UTC))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(RUN),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=5),
    max_leaves=60,
)


@given(VALUES, st.integers(1, 20))
def test_pieces_are_the_bytes_of_the_whole(value: object, least: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "LIGHT", least)
        assert b"".join(pieces(value)) == encode(value)


def long_values() -> list[object]:
    count = 50_000
    points = Points(steps=list(range(count)), times=[10**15] * count, values=[0.5] * (count - 1) + [math.nan])
    entries = [Entry(path=f"src/{n}.py", sha256="0" * 64) for n in range(20_000)]
    return [
        points,
        entries,
        {"rows": {"t": {"a": list(range(count)), "b": ["text"] * count}}},
        {str(n): [n] * 3 for n in range(count)},
        [[n] * 1000 for n in range(100)],
        [RUN] * 3000,
        ["x" * 1_000_000, "y"],
    ]


@pytest.mark.parametrize("value", long_values(), ids=lambda value: type(value).__name__)
def test_long_values_take_many_pieces_of_little_work(value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []
    dumps = json.dumps

    def counting(part: object, **options: object) -> str:
        said = dumps(part, **options)  # type: ignore[arg-type]
        encoded.append(len(said))
        return said

    whole = encode(value)
    assert not light(value)
    monkeypatch.setattr(json, "dumps", counting)
    assert b"".join(pieces(value)) == whole
    longest_text = 1_000_002 if isinstance(value, list) and isinstance(value[0], str) else 0
    assert max(encoded) <= max(longest_text, 1 << 20)
    assert len(encoded) >= min(2, len(whole) // (1 << 20))


def test_what_is_light() -> None:
    assert all(light(value) for value in (None, "text", RUN, [1] * (LIGHT - 1), {"a": [RUN] * 10}))
    assert not any(light(value) for value in ([1] * (LIGHT + 1), "x" * (64 * LIGHT), {"a": [RUN] * 1000}))


@pytest.mark.parametrize("value", [object(), {"a": [object()] * 3}, [b"x"] * 3000 + [object()]])
def test_what_json_cannot_say_is_a_mistake(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        list(pieces(value))
