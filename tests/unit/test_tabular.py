"""Tables in files: what is read, how types are found, what steps make of it, what becomes of bad values."""

from __future__ import annotations

import gzip
import io
import json
import math
import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas
import polars
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import UsageError
from workbench.remote.tabular.definition import DEFAULTS, checked
from workbench.remote.tabular.partitions import Partitions
from workbench.remote.tabular.profile import profile_rows
from workbench.remote.tabular.reading import BadTable
from workbench.remote.tabular.table import File, Table, files_at
from workbench.text.row_filter import read_condition

PLAIN = {"format": "delimited"}
CSV = """id,name,when,score,ok,zip
1,ann,2026-01-02,0.5,true,02134
2,"b, ob",2026-01-03T04:05:06Z,,FALSE,10001
3,,2026/1/4,1e3,true,00501
"""


def opener(data: bytes) -> Callable[[], Any]:
    return lambda: io.BytesIO(data)


def table(text: str | bytes | dict[str, str], **options: Any) -> Table:
    files = text if isinstance(text, dict) else {"a.csv": text}
    made = [File(p, opener(d.encode() if isinstance(d, str) else d)) for p, d in files.items()]
    return Table({**PLAIN, **options}, made)


def test_the_defaults() -> None:
    """AZ-49."""
    found = checked(PLAIN)
    assert {key: found[key] for key in DEFAULTS if key not in ("steps", "types", "set_column_types")} == {
        "separator": ",",
        "header": True,
        "infer_column_types": True,
        "validate": True,
        "encoding": "utf8",
        "empty_as_string": False,
        "support_multi_line": False,
        "include_path": False,
        "partition_format": None,
    }


@pytest.mark.parametrize(
    "options",
    [
        {"validate": False},
        {"format": "xlsx"},
        {"separator": ""},
        {"separator": "\n"},
        {"encoding": "klingon"},
        {"header": "yes"},
        {"unknown": 1},
        {"steps": [{"op": "drop_table"}]},
        {"steps": [{"op": "take", "n": -1}]},
        {"steps": [{"op": "filter", "where": ["=", "a"]}]},
        {"steps": [{"op": "filter", "where": ["system", "a", "b"]}]},
        {"set_column_types": {"a": "object"}},
        {"partition_format": "{a"},
        {"partition_format": "plain"},
        {"partition_format": "{d:MM}"},
    ],
)
def test_what_defines_no_table(options: dict[str, Any]) -> None:
    """AZ-50: validate=False needs infer_column_types=False."""
    with pytest.raises(ValueError):
        checked({**PLAIN, **options})
    assert checked({**PLAIN, "validate": False, "infer_column_types": False})


def test_types_are_found_and_values_read() -> None:
    """AZ-49, AZ-52: what is empty, or bad, is null; codes with zeros in front stay texts."""
    found = table(CSV)
    assert found.shape.types == {
        "id": "integer",
        "name": "text",
        "when": "datetime",
        "score": "float",
        "ok": "boolean",
        "zip": "text",
    }
    assert list(found.rows()) == [
        [1, "ann", datetime(2026, 1, 2), 0.5, True, "02134"],
        [2, "b, ob", datetime(2026, 1, 3, 4, 5, 6), None, False, "10001"],
        [3, None, datetime(2026, 1, 4), 1000.0, True, "00501"],
    ]
    assert [row[1] for row in table(CSV, empty_as_string=True).rows()] == ["ann", "b, ob", ""]
    texts = table(CSV, infer_column_types=False)
    assert next(texts.rows()) == ["1", "ann", "2026-01-02", "0.5", "true", "02134"]
    said = table(CSV, set_column_types={"zip": "integer", "id": "text"})
    assert [(row[0], row[5]) for row in said.rows()] == [("1", 2134), ("2", 10001), ("3", 501)]


def test_a_value_that_does_not_fit_its_column() -> None:
    """AZ-52: on_error null, or fail."""
    text = "n\n" + "".join(f"{i}\n" for i in range(300)) + "oops\n" + "7\n"
    found = table(text)
    assert [row[0] for row in found.rows()][-2:] == [None, 7]
    with pytest.raises(BadTable, match="row 301: 'oops' is no integer, which the column 'n' holds"):
        list(found.rows("fail"))
    with pytest.raises(ValueError, match="null, fail"):
        list(found.rows("explode"))


@pytest.mark.parametrize("text", ["a,b\n1\n", "a,b\n1,2,3\n", 'a\n"x"y\n'])
def test_rows_that_are_none(text: str) -> None:
    found = table(text)
    assert len(list(found.rows())) == 1
    with pytest.raises(BadTable):
        list(table(text).rows("fail"))


def test_quotes_and_lines() -> None:
    """AZ-49: support_multi_line is off: a quote that is not closed ends with its line."""
    text = 'a,b\n1,"x\ny"\n2,z\n'
    assert list(table(text, support_multi_line=True).rows()) == [[1, "x\ny"], [2, "z"]]
    found = list(table(text, infer_column_types=False).rows())
    assert found == [["1", "x"], ['y"', None], ["2", "z"]]
    odd = 'a,b\n1,"x ""y\n2,"a""b""c\nend"\n'
    assert list(table(odd).rows()) == [["1", 'x "y'], ["2", 'a"b"c'], ['end"', None]]
    assert list(table('a\tb\n1\t"x\t""q"""\n', separator="\t").rows()) == [[1, 'x\t"q"']]


def test_headers() -> None:
    assert table("1,2\n3,4\n", header=False).shape.columns == ["Column1", "Column2"]
    assert list(table("1,2\n3,4\n", header=False).rows()) == [[1, 2], [3, 4]]
    assert table("a,,a,a_2\n1,2,3,4\n").shape.columns == ["a", "Column2", "a_3", "a_2"]


def test_files_make_one_table() -> None:
    """AZ-51: concatenated; a file whose columns stand otherwise is put in order."""
    found = table(
        {"1.csv": "a,b\n1,x\n", "2.csv": "b,a,c\ny,2,9\n", "3.csv": "", "4.csv": "a,b\n"}, include_path=True
    )
    assert found.shape.columns == ["Path", "a", "b"]
    assert list(found.rows()) == [["1.csv", 1, "x"], ["2.csv", 2, "y"]]


def test_columns_in_paths() -> None:
    """AZ-51: partition_format makes virtual columns."""
    form = "/{state}/{date:yyyy/MM/dd}/x.csv"
    files = {"raw/CA/2026/11/26/x.csv": "a\n1\n", "raw/NY/2025/01/02/x.csv": "a\n2\n"}
    found = table(files, partition_format=form)
    assert found.shape.types == {"a": "integer", "state": "text", "date": "datetime"}
    assert list(found.rows()) == [
        [1, "CA", datetime(2026, 11, 26)],
        [2, "NY", datetime(2025, 1, 2)],
    ]
    assert Partitions("{d:yyyy-MM-dd_HHmm}.csv").values("deep/2026-11-26_1735.csv") == {
        "d": datetime(2026, 11, 26, 17, 35)
    }
    for path in ("CA/2026/13/01/x.csv", "x.csv", "CA/2026/11/26/y.csv"):
        with pytest.raises(ValueError, match=r"fit|none"):
            Partitions(form).values(path)


def test_json_lines() -> None:
    text = '{"a": 1, "b": "x"}\n\n{"b": null, "a": 2.5, "c": {"d": [1]}}\nnot json\n[1]\n{"a": "no number"}\n'
    found = table({"a.jsonl": text}, format="json_lines")
    assert found.shape.types == {"a": "text", "b": "text", "c": "text"}
    assert [row[0] for row in found.rows()] == ["1", "2.5", None, None, "no number"]
    numbers = table(
        {"a.jsonl": '{"a": 1}\n{"a": 2.5}\n' + '{"a": 3}\n' * 300 + '{"a": "x"}\n'}, format="json_lines"
    )
    assert numbers.shape.types == {"a": "float"}
    assert [row[0] for row in numbers.rows()][-1] is None
    with pytest.raises(BadTable, match="row 303: 'x' is no float"):
        list(numbers.rows("fail"))
    with pytest.raises(BadTable, match="line 4"):
        list(found.rows("fail"))


def test_parquet_and_gzip(tmp_path: Path) -> None:
    frame = pyarrow.table({"i": [1, None, 3], "t": [datetime(2026, 1, 2), None, None], "s": ["a", "b", None]})
    pyarrow.parquet.write_table(frame, tmp_path / "a.parquet")
    (tmp_path / ".hidden").write_text("x")
    found = Table({"format": "parquet"}, files_at(str(tmp_path)))
    assert found.shape.types == {"i": "integer", "t": "datetime", "s": "text"}
    assert next(iter(found.rows())) == [1, datetime(2026, 1, 2), "a"]
    assert found.to_arrow().equals(frame.cast(found.to_arrow().schema))
    with pytest.raises(BadTable, match="no parquet"):
        list(table({"a.parquet": "PAR1 nothing"}, format="parquet").rows())
    assert list(table({"a.csv.gz": gzip.compress(b"a\n1\n")}).rows()) == [[1]]
    with pytest.raises(BadTable, match="gzip"):
        list(table({"a.csv.gz": b"a\n1\n"}).rows())
    with pytest.raises(BadTable):
        list(table({"a.csv.gz": gzip.compress(b"a\n1\n" * 9999)[:-20]}).rows())


def test_encodings() -> None:
    assert list(table("a\n\u00fc\n".encode("latin-1"), encoding="iso88591").rows()) == [["\u00fc"]]
    assert list(table(b"\xef\xbb\xbfa\n1\n").rows()) == [[1]]
    assert table(b"\xef\xbb\xbfa\n1\n").shape.columns == ["a"]
    assert list(table(b"a\n\xff\x00x\n").rows()) == [["\ufffdx"]]
    with pytest.raises(BadTable):
        list(table(b"a\n\xff\n").rows("fail"))


def stepped(*steps: dict[str, Any], rows: int = 1000) -> Table:
    text = "n,kind,t\n" + "".join(f"{i},{'ab'[i % 2]},2026-01-{i % 28 + 1:02}\n" for i in range(rows))
    return table(text, steps=list(steps))


def test_taking_and_leaving() -> None:
    """AZ-53."""
    assert [row[0] for row in stepped({"op": "take", "n": 3}).rows()] == [0, 1, 2]
    assert [r[0] for r in stepped({"op": "skip", "n": 2}, {"op": "take", "n": 2}).rows()] == [2, 3]
    assert stepped({"op": "keep", "columns": ["t", "n"]}).shape.columns == ["t", "n"]
    assert stepped({"op": "drop", "columns": ["t"]}).shape.columns == ["n", "kind"]
    with pytest.raises(ValueError, match="no column 'x'"):
        list(stepped({"op": "keep", "columns": ["x"]}).rows())


def test_samples_and_splits() -> None:
    """AZ-53: take_sample and random_split by a seed: the same each time, and nothing in both parts."""
    part = {"op": "share", "low": 0.0, "high": 0.3, "seed": 7}
    one = [row[0] for row in stepped(part).rows()]
    other = [row[0] for row in stepped({**part, "low": 0.3, "high": 1.0}).rows()]
    assert one == [row[0] for row in stepped(part).rows()]
    assert sorted(one + other) == list(range(1000))
    assert 200 < len(one) < 400
    assert one != [row[0] for row in stepped({**part, "seed": 8}).rows()]


CONDITIONS = [
    ("n < 3", lambda n: n < 3),
    ("n >= 990 and kind = 'a'", lambda n: n >= 990 and n % 2 == 0),
    ("not (n > 2) or n == 500", lambda n: n <= 2 or n == 500),
    ("t > '2026-01-27'", lambda n: n % 28 + 1 > 27),
    ("kind is null", lambda n: False),
    ("kind is not null and n != 0", lambda n: n != 0),
    ('"n" <> 1 AND n<=2', lambda n: n in (0, 2)),
]


@pytest.mark.parametrize(("text", "fits"), CONDITIONS)
def test_filters(text: str, fits: Callable[[int], bool]) -> None:
    """AZ-53, AZ-54 in part: filter, also by times, with their boundaries."""
    found = [row[0] for row in stepped({"op": "filter", "where": read_condition(text)}).rows()]
    assert found == [n for n in range(1000) if fits(n)]


def test_what_is_missing_fits_nothing() -> None:
    text = "a,b\n1,x\n,y\n"
    for where, names in (
        ("a = 1", ["x"]),
        ("a != 1", []),
        ("not a = 1", []),
        ("a = 1 or b = 'y'", ["x", "y"]),
    ):
        found = table(text, steps=[{"op": "filter", "where": read_condition(where)}])
        assert [row[1] for row in found.rows()] == names


@pytest.mark.parametrize(
    "text", ["", "n", "n >", "n > x", "> 3", "n > 3 and", "(n > 3", "n > 3)", "n ~ 3", "n is 3", "(" * 9999]
)
def test_conditions_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        read_condition(text)


def test_frames_of_other_packages() -> None:
    """AZ-52: out of range times become null, or an error."""
    text = CSV + "4,x,0001-01-01,nan,true,1\n"
    found = table(text)
    frame = found.to_pandas()
    assert list(frame.columns) == found.shape.columns
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "id": "int64",
        "name": "object",
        "when": "datetime64[ns]",
        "score": "float64",
        "ok": "bool",
        "zip": "object",
    }
    assert frame["when"].isna().tolist() == [False, False, False, True]
    with pytest.raises(BadTable, match="out of the range"):
        found.to_pandas(out_of_range_datetime="error")
    arrow, pole = found.to_arrow(), found.to_polars()
    assert isinstance(arrow, pyarrow.Table)
    assert isinstance(pole, polars.DataFrame)
    assert arrow["id"].to_pylist() == pole["id"].to_list() == [1, 2, 3, 4]
    assert pole["when"].to_list()[3] == datetime(1, 1, 1)
    reference = pandas.read_csv(io.StringIO(CSV), dtype={"zip": str})
    assert table(CSV).to_pandas()["score"].equals(reference["score"])
    assert table(CSV).to_pandas()["id"].equals(reference["id"])


@given(st.lists(st.one_of(st.none(), st.integers(-1000, 1000)), max_size=300))
def test_a_profile_is_what_one_would_count(values: list[int | None]) -> None:
    """AZ-61."""
    found = profile_rows(["n"], {"n": "integer"}, [[value] for value in values])[0]
    there = [value for value in values if value is not None]
    assert (found["count"], found["missing"]) == (len(values), len(values) - len(there))
    assert (found["min"], found["max"]) == ((min(there), max(there)) if there else (None, None))
    assert found["distinct"] == len(set(there))
    if there:
        series = pandas.Series(there)
        assert math.isclose(found["mean"], series.mean(), rel_tol=1e-9, abs_tol=1e-9)
        for name, share in (("q05", 0.05), ("median", 0.5), ("q95", 0.95)):
            assert math.isclose(found[name], series.quantile(share), rel_tol=1e-9, abs_tol=1e-9)
        if len(there) > 1:
            assert math.isclose(found["std"], series.std(), rel_tol=1e-6, abs_tol=1e-9)


def test_a_long_profile_says_what_it_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.remote.tabular.profile.MOST_VALUES", 2000)
    chance = random.Random(1)
    rows = [[chance.random(), "same", datetime(2026, 1, 1 + n % 28)] for n in range(40_000)]
    types = {"x": "float", "s": "text", "t": "datetime"}
    x, s, t = profile_rows(["x", "s", "t"], types, rows)
    assert x["estimated"]
    assert abs(x["distinct"] - 40_000) < 4000
    assert abs(x["median"] - 0.5) < 0.05
    assert (s["distinct"], s["mean"], s["min"]) == (1, None, "same")
    assert (t["min"], t["distinct"]) == ("2026-01-01T00:00:00", 28)
    json.dumps([x, s, t], allow_nan=False)


def test_a_table_without_rows_has_the_columns_that_its_file_names() -> None:
    empty = Table(PLAIN, [File("a.csv", opener(b"")), File("b.csv", opener(b"id,id\n"))])
    assert empty.shape.columns == ["id", "id_2"]
    assert empty.to_pandas().shape == (0, 2)
    assert empty.inferred == {}, "the first rows that come say what they are"
    assert Table(PLAIN, [File("a.csv", opener(b""))]).shape.columns == []
    data = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"a": pyarrow.array([], pyarrow.int64())}), data)
    assert Table({"format": "parquet"}, [File("a", opener(data.getvalue()))]).shape.columns == ["a"]


def test_who_asks_for_a_column_that_is_not_there_is_told_which_are() -> None:
    many = ",".join(f"c{number}" for number in range(20)).encode() + b"\n"
    for step in ({"op": "keep", "columns": ["x"]}, {"op": "filter", "where": ["=", "x", 1]}):
        for data, words in (
            (b"id,age\n", "there are id, age"),
            (many, "c11, and 8 more"),
            (b"", "there is none"),
        ):
            with pytest.raises(ValueError, match=words):
                list(Table({**PLAIN, "steps": [step]}, [File("a.csv", opener(data))]).rows())
