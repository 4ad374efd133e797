"""Tables in files: what is read the quick way is what the careful one reads, whatever the bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.test_tabular import table
from workbench.remote.tabular import reading
from workbench.remote.tabular.reading import BadTable
from workbench.remote.tabular.values import QUICK, READERS, BadValue

TEXTS = st.one_of(
    st.text(max_size=12),
    st.text("0123456789+-._eE ", max_size=22),
    st.text("0123456789-/T: .Zz", max_size=25),
    st.sampled_from(
        ["true", " TRUE", "False ", "2026-02-30", "2026-01-01T24:00:00", "2026-W01-1", "1_0", "\u0663", "-0",
         "007", "9223372036854775808", "-9223372036854775808", "99999999999999999999", "inf", "nan", "1e400",
         "2026-01-02T03:04:05", "2026-01-02 03:04:60", "+5", "1.", ".5", "1.5\n", "0000-01-01"]
    ),
)  # fmt: skip


@given(TEXTS, st.sampled_from(sorted(QUICK)))
@settings(max_examples=500)
def test_the_quick_way_reads_what_the_careful_one_does(text: str, kind: str) -> None:
    """What most values look like is read by a shorter way: with the same results, also for what is wrong."""

    def read(reader: Callable[[str], Any], given: str) -> Any:
        try:
            return repr(reader(given))
        except BadValue:
            return BadValue

    def careful(given: str) -> Any:
        if kind == "text":
            return given or None
        return READERS[kind](given.strip()) if given.strip() else None

    assert read(QUICK[kind], text) == read(careful, text)


ROWS = st.lists(st.lists(st.sampled_from(["1", "", "x", "a\nb", 'q"q', "a,b", "\0", "\u20ac"]), max_size=4))


@given(
    ROWS,
    st.booleans(),
    st.sampled_from(["utf8", "utf8bom", "utf16", "utf32"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_blocks_of_lines_are_read_as_one_line_at_a_time(
    rows: list[list[str]], multi: bool, encoding: str, end: str
) -> None:
    import csv

    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows([["a", "b"], *rows])
    data = out.getvalue().encode({"utf8bom": "utf-8-sig", "utf8": "utf-8"}.get(encoding, encoding))
    options = {"support_multi_line": multi, "encoding": encoding, "infer_column_types": False}
    found = list(table(data, **options).rows())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "LINES", 1)
        assert list(table(data, **options).rows()) == found
    if multi:
        kept = [[value.replace("\0", "") for value in row] for row in rows if row and row != ["\0"]]
        assert found == [([v or None for v in row] + [None, None])[:2] for row in kept]


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)


@given(st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=20))
def test_what_csv_writes_is_read_again(rows: list[list[str]]) -> None:
    import csv

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["a", "b"])
    writer.writerows(rows)
    found = table(out.getvalue(), infer_column_types=False, empty_as_string=True, support_multi_line=True)
    assert list(found.rows()) == [row for row in rows]


@given(st.binary(max_size=400), st.sampled_from(["delimited", "json_lines"]))
def test_any_bytes_are_read_or_refused(data: bytes, form: str) -> None:
    found = table({"a": data}, format=form)
    for on_error in ("null", "fail"):
        try:
            list(found.rows(on_error))
        except BadTable:
            pass
