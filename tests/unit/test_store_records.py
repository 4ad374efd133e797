"""Reading record files: every kind, and everything a broken or hostile file may hold."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store_making import header, lines, metric
from workbench.errors import Conflict
from workbench.remote.forms import protocol
from workbench.store.records.lines import LineAssembler
from workbench.store.records.record_batch import Header, parse_records


def parse(*records, head=None):
    return parse_records(lines(records), head or Header())


def test_the_first_line_says_who_wrote_and_when():
    found, batch, bad = parse_records(lines([header(2, 3, 1000.5), metric("loss", 0.5, 7, 1.25)]), None)
    assert (found.attempt, found.rank, found.wall, bad) == (2, 3, 1000.5, 0)
    column = batch.metrics["loss"]
    assert (column.steps, column.values, column.times) == ([7], [0.5], [1001.75])
    assert batch.header.rank == 3


def test_without_a_header_the_records_still_count():
    found, batch, bad = parse_records(lines([metric("loss", 1)]), None)
    assert (found, batch.points, bad) == (Header(), 1, 0)


@pytest.mark.parametrize(
    "head",
    [
        b'{"k":"header","attempt":-1}',
        b'{"k":"header","rank":99999999999}',
        b'{"k":"header","wall":"soon"}',
        b'{"k":"header","attempt":true}',
    ],
)
def test_a_header_of_nonsense_is_skipped_and_counted(head):
    found, batch, bad = parse_records(head + b"\n" + lines([metric("loss", 1)]), None)
    assert (found, batch.points, bad) == (Header(), 1, 1)


def test_scalars_of_every_kind():
    """AZ-98: int, float, bool, str, None; nan and the infinities travel as texts."""
    values = [1, 1.5, True, False, "nan", "inf", "-inf", "good", None]
    _, batch, bad = parse(*[metric("m", value) for value in values])
    assert bad == 0
    numbers = batch.metrics["m"].values
    assert numbers[:4] == [1.0, 1.5, 1.0, 0.0]
    assert math.isnan(numbers[4])
    assert numbers[5:] == [math.inf, -math.inf]
    assert [item.text for item in batch.texts] == ["good", None]


def test_the_other_kinds():
    _, batch, bad = parse(
        {"k": "param", "n": "lr", "v": "3e-4", "t": 1},
        {"k": "param", "n": "depth", "v": 3, "t": 1},
        {"k": "tag", "n": "note", "v": None},
        {"k": "tag", "n": "team", "v": "vision"},
        {"k": "property", "n": "owner", "v": "ann"},
        {"k": "row", "n": "confusion", "v": {"a": 1, "b": 2}, "s": 0, "t": 2},
        {"k": "table", "n": "preds", "v": {"col": [1, "x", None]}, "t": 3},
        {
            "k": "table",
            "n": "cm",
            "schema": "confusion_matrix",
            "schema_version": "v1",
            "v": {"n": 1},
            "t": 3,
        },
        {"k": "artifact", "n": "best", "path": "outputs/m.bin"},
        {"k": "warning", "v": "careful"},
        {"k": "status", "v": "Completed", "t": 4},
    )
    assert bad == 0
    assert batch.params == [("lr", "3e-4"), ("depth", "3")]
    assert batch.tags == [("note", None), ("team", "vision")]
    assert batch.properties == [("owner", "ann")]
    assert [(row.name, row.step, row.data, row.whole) for row in batch.rows] == [
        ("confusion", 0, {"a": 1, "b": 2}, False),
        ("preds", None, {"col": [1, "x", None]}, True),
    ]
    assert batch.evaluations == [("cm", 3.0, "confusion_matrix", "v1", {"n": 1})]
    assert batch.artifacts == [("best", "outputs/m.bin")]
    assert batch.warnings == ["careful"]
    assert batch.statuses == [("Completed", 4.0, None)]


@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b"{",
        b"[]",
        b"null",
        b'{"k":"metric"}',
        b'{"k":"metric","n":"m","v":[1]}',
        b'{"k":"metric","n":"m","v":NaN}',
        b'{"k":"metric","n":"m","v":1,"s":"three"}',
        b'{"k":"metric","n":"m","v":1,"s":' + b"9" * 30 + b"}",
        b'{"k":"metric","n":5,"v":1}',
        b'{"k":"invented later","n":"m"}',
        b'{"k":"table","n":"t","v":{"c":5}}',
        b'{"k":"status","v":"Sleeping"}',
        b'{"k":"metric","n":"\xff\xfe","v":1}',
        b'{"k":"row","n":"r","v":{"deep":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        b'{"k":"row","n":"r","v":{"deep":' + b"[" * 600 + b"]" * 600 + b"}}",
        b'{"k":"table","n":"t","schema":"x","v":{"deep":' + b"[" * 600 + b"]" * 600 + b"}}",
        b'{"k":"metric","n":"' + b"x" * protocol.MAX_RECORD + b'","v":1}',
        b'{"k":"header","attempt":5}',
    ],
)
def test_a_bad_line_costs_itself_only(line):
    good = lines([metric("loss", 1, 1)])
    _, batch, bad = parse_records(good + line + b"\n" + good, Header())
    assert bad == 1
    assert list(batch.metrics) == ["loss"]
    assert batch.metrics["loss"].values == [1.0, 1.0]


def test_a_torn_last_line_is_left_alone():
    whole = lines([metric("loss", 1)])
    _, batch, bad = parse_records(whole + whole[:-5], Header())
    assert (batch.points, bad) == (1, 0)


def test_unknown_fields_are_kept_out_of_the_way():
    _, batch, bad = parse(metric("loss", 1) | {"new": {"a": [1]}})
    assert (batch.points, bad) == (1, 0)


def test_hostile_names_and_values_are_cleaned_and_capped():
    _, batch, bad = parse(
        metric("\x1b]0;owned\x07loss\n", 1),
        metric("n" * 9999, 1),
        metric("\x1b[2J", 1),
        {"k": "param", "n": "p", "v": "\x1b[31mred" + "v" * 99_999},
        {"k": "row", "n": "r", "v": {"\x1b[1mc": "\x1b[2Jcell"}},
        {"k": "warning", "v": "\x9b2Jboo"},
    )
    assert bad == 0
    names = list(batch.metrics)
    assert names[0] == "loss"
    assert len(names[1]) == protocol.MAX_NAME
    assert names[2] == "?"
    assert batch.params[0][1].startswith("redv")
    assert len(batch.params[0][1]) == protocol.MAX_VALUE
    assert batch.rows[0].data == {"c": "cell"}
    assert batch.warnings == ["boo"]


def test_two_names_that_clean_to_one_share_a_column():
    _, batch, _ = parse(metric("loss", 1), metric("loss\x00", 2))
    assert batch.metrics["loss"].values == [1.0, 2.0]


@given(
    st.lists(
        st.one_of(st.binary(max_size=60), st.sampled_from([lines([metric("m", 1)])[:-1], b'{"k":"tag"}']))
    )
)
def test_no_bytes_whatever_break_the_reader(parts):
    data = b"\n".join(parts) + b"\n"
    _, batch, bad = parse_records(data, Header())
    asked = sum(1 for line in data.split(b"\n") if line.strip())
    assert bad <= asked
    assert batch.points <= asked


@given(st.binary(max_size=300).map(lambda data: data.replace(b"a", b"\n")), st.data())
def test_lines_come_whole_and_once_however_the_file_is_cut(content, data):
    """Chunks overlap, repeat and stop anywhere; what comes out is the file's whole lines in order."""
    follower = LineAssembler(0)
    out = b""
    while follower.position < len(content):
        start = data.draw(st.integers(0, follower.position))
        stop = data.draw(st.integers(start, len(content)))
        position = follower.position
        got = follower.feed(start, content[start:stop])
        assert follower.position == max(position, stop)
        if got is not None:
            assert content[got.start : got.stop] == got.data
            assert got.start == len(out)
            out += got.data
    assert out == content[: content.rfind(b"\n") + 1]


def test_a_hole_between_chunks_is_refused():
    follower = LineAssembler(10)
    follower.feed(10, b"abc")
    with pytest.raises(Conflict):
        follower.feed(14, b"x\n")


def test_an_over_long_line_is_dropped_without_being_held():
    follower = LineAssembler(0)
    piece = b"x" * 500_000
    for number in range(5):
        assert follower.feed(number * len(piece), piece) is None
    assert len(follower._waiting) <= protocol.MAX_RECORD
    got = follower.feed(5 * len(piece), b"end\nnext\n")
    assert got is not None
    assert (got.data, got.too_long, got.stop) == (b"next\n", 1, 5 * len(piece) + 9)
