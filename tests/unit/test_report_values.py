"""What runs logged besides numbers, in a report: gathered within limits, shown or said to be left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.png_making import gradient
from workbench.errors import Unreachable
from workbench.views import report_values
from workbench.workspace import report_values as gathering
from workbench.workspace.report_values import MOST_IMAGE, MOST_IMAGES, MOST_NAMES, MOST_ROWS, gather

RUN = {"id": "01A", "name": "calm-otter-1", "target": "gpu1"}
OTHER = {"id": "01B", "name": "wary-mole-2", "target": "gpu1"}


class Kept:
    """Services of runs that logged this; a machine that does not answer but for what is here."""

    def __init__(self, logged: list[dict[str, Any]], **answers: Any) -> None:
        self.logged = logged
        self.answers = answers
        self.asked: list[str] = []

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        return self.logged if method == "logged" else self.answers[method]

    def read(self, noun: str, method: str, *, run: str, path: str) -> Iterator[bytes]:
        self.asked.append(path)
        found = self.answers["download"].get(path)
        if found is None:
            raise Unreachable("gpu1 does not answer")
        return iter(found)


def image(name: str) -> dict[str, Any]:
    return {"name": name, "kind": "image", "count": 1, "path": f"outputs/{name}.png"}


def pictures(client: Kept) -> dict[str, Any]:
    """What was gathered of each image: its bytes' length, or why not."""
    [section] = gather(client, [RUN], images=True)  # type: ignore[arg-type]
    assert section["kind"] == "images"
    of = {item["name"]: item["of"][0] for item in section["names"]}
    return {name: len(one["data"]) if "data" in one else one["problem"] for name, one in of.items()}


def test_a_machine_that_does_not_answer_is_asked_once_and_what_is_here_comes_all_the_same() -> None:
    files = [{"path": "outputs/here.png", "size": 3, "collected": True}, {"path": "outputs/b.png", "size": 3}]
    client = Kept(
        [image("a"), image("b"), image("here"), image("c")],
        files=files,
        download={"outputs/here.png": [b"abc"]},
    )
    silent = "gpu1 does not answer"
    assert pictures(client) == {"a": silent, "b": silent, "here": 3, "c": silent}
    assert client.asked == ["outputs/a.png", "outputs/here.png"]


def test_pictures_are_taken_as_far_as_there_is_room() -> None:
    size = MOST_IMAGE - 10
    whole = MOST_IMAGES // size
    names = [f"n{at}" for at in range(whole)]
    client = Kept(
        [image("listed"), image("grown"), *map(image, [*names, "last", "small"])],
        files=[{"path": "outputs/listed.png", "size": MOST_IMAGE + 1}],
        download={
            "outputs/grown.png": [bytes(MOST_IMAGE), b"1"],
            "outputs/small.png": [b"1"],
            **{f"outputs/{name}.png": [bytes(size)] for name in [*names, "last"]},
        },
    )
    found = pictures(client)
    assert found["listed"] == found["grown"] == "it is over 4.00 MiB"
    assert "outputs/listed.png" not in client.asked
    assert [found[name] for name in names] == [size] * whole
    assert found["last"] == "the report has 24.0 MiB of images already"
    assert found["small"] == 1


def test_markdown_fetches_nothing() -> None:
    client = Kept([image("a")])
    [section] = gather(client, [RUN], images=False)  # type: ignore[arg-type]
    assert section["names"][0]["of"] == [{"place": 0, "count": 1, "id": "01A", "path": "outputs/a.png"}]
    said = "\n".join(report_values.markdown([section], [RUN]))
    assert "- a: `wb run download 01A outputs/a.png`" in said
    section["names"][0]["of"][0]["path"] = "outputs/a; rm -rf `x`.png"
    said = "\n".join(report_values.markdown([section], [RUN, OTHER]))
    assert "- a of calm-otter-1: ``wb run download 01A 'outputs/a; rm -rf `x`.png'``" in said


@pytest.mark.parametrize(
    ("height", "count", "more"),
    [
        (MOST_ROWS, 120, 70),  # row by row
        (3, 3, 0),
        (1000, 1, 950),  # in one part
        (1000, 120, None),  # in parts of which some were not read
    ],
)
def test_of_a_table_the_last_rows_are_shown_and_how_many_there_are_more(
    height: int, count: int, more: int | None
) -> None:
    logged = [{"name": "t", "kind": "table", "count": count}]
    client = Kept(logged, rows={"t": {"n": list(range(height)), "x": ["é"] * height}})
    sections = gather(client, [RUN], images=True)  # type: ignore[arg-type]
    value = sections[0]["names"][0]["of"][0]
    assert value.get("more") == more
    assert value["columns"]["n"] == list(range(height))[-MOST_ROWS:]
    for document in (report_values.html, report_values.markdown):
        said = "\n".join(document(sections, [RUN]))
        assert str(height - 1) in said
        assert (f"the last 50 rows; {more} more before them" in said) is bool(more)
        assert ("the last 50 rows" in said) is (more != 0)


def test_names_are_counted_where_they_are_many() -> None:
    logged = [{"name": f"n{at}", "kind": "text", "count": 1} for at in range(MOST_NAMES + 3)]
    client = Kept(logged, texts={item["name"]: [[1, "x"]] for item in logged})
    [section] = gather(client, [RUN, OTHER], images=True)  # type: ignore[arg-type]
    assert len(section["names"]) == MOST_NAMES
    assert [value["place"] for value in section["names"][0]["of"]] == [0, 1]
    assert "and 3 more texts; wb run metrics RUN lists them" in "\n".join(
        report_values.html([section], [RUN, OTHER])
    )


def of(kind: str, **value: Any) -> list[dict[str, Any]]:
    """One section with one value of one run."""
    return [{"kind": kind, "names": [{"name": "it", "of": [{"place": 0, "count": 1, **value}]}], "more": 0}]


def both(sections: list[dict[str, Any]]) -> tuple[str, str]:
    return "\n".join(report_values.html(sections, [RUN])), "\n".join(report_values.markdown(sections, [RUN]))


def test_a_matrix_marks_what_is_right_and_is_cut_where_it_is_large() -> None:
    data: Mapping[str, Any] = {"class_labels": ["cat", "dog"], "matrix": [[3, 1], [0, 4]]}
    html, markdown = both(of("evaluations", schema="confusion_matrix", data=data))
    assert [re.sub("<.*?>", "", cell) for cell in re.findall(r"<td[^>]*hit.*?</td>", html)] == ["3", "4"]
    assert "| cat | **3** | 1 | 75% |" in markdown
    assert "right of all 87.50%" in html
    many = {"class_labels": list(range(100)), "matrix": [[1] * 100] * 100}
    html, markdown = both(of("evaluations", schema="confusion_matrix", data=many))
    assert html.count("<tr>") == 41
    assert "right of all 1.00%; the first 40 of 100 classes" in html
    assert "the first 40 of 100 classes" in markdown
    odd = {"class_labels": ["a", "b"], "matrix": [["x", 1], [0, "y"]]}
    html, markdown = both(of("evaluations", schema="confusion_matrix", data=odd))
    assert html.count("good") == 2
    assert "| a | **x** | 1 |" in markdown


def test_curves_are_drawn_and_what_is_none_stands_in_rows() -> None:
    bins = {"bin_edges": [0, 1, 2], "bin_counts": [1, 5]}
    for said in both(of("evaluations", schema="residuals", data=bins)):
        assert said.count("<svg") == 1
    tables = {"class_labels": list(range(1000)), "probability_tables": [[[4, 1, 3, 0], [2, 0, 4, 2]]] * 1000}
    html, _ = both(of("evaluations", schema="accuracy_table", data=tables))
    assert "(ROC), the first 12 of 1000" in html
    assert "11 area" in html
    assert "12 area" not in html
    html, markdown = both(of("evaluations", schema="residuals", data={"bin_edges": 7, "why": "x\ny"}))
    assert "<svg" not in html
    assert "| bin\\_edges | 7 |" in markdown


def test_a_wide_table_says_what_it_leaves_out() -> None:
    for said in both(of("tables", columns={f"c{at}": [at] for at in range(1000)}, more=0)):
        assert "970 more columns" in said
        assert "c29" in said
        assert "c30" not in said


BOMB = gradient(4, 3).replace(b"\x00\x00\x00\x04\x00\x00\x00\x03", b"\x00\x00\xff\xff\x00\x00\xff\xff", 1)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            {"data": b"<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>"},
            "it is no PNG, JPEG or GIF",
        ),
        ({"data": b"<!doctype html><script>x</script>"}, "it is no PNG, JPEG or GIF"),
        ({"data": BOMB}, "65535 x 65535 dots are too many"),
        ({"data": b""}, "it is no PNG, JPEG or GIF"),
        ({"problem": "gpu1 does not answer"}, "gpu1 does not answer"),
    ],
)
def test_what_is_no_picture_is_left_out_in_words(found: dict[str, Any], words: str) -> None:
    html, _ = both(of("images", id="01A", path="outputs/it.png", **found))
    assert f"left out: {words}" in html
    assert "wb run download 01A outputs/it.png" in html
    assert "<img" not in html
    assert "script>" not in html


def test_a_picture_is_in_the_document_and_a_small_one_enlarged() -> None:
    html, _ = both(of("images", id="01A", path="outputs/it.svg", data=gradient(28, 20)))
    assert re.search(
        r'<img class="dots" width="140" height="100" alt="it" src="data:image/png;base64,iVBOR', html
    )
    html, _ = both(of("images", id="01A", path="outputs/it.svg", data=gradient(200, 20)))
    assert '<img width="200" height="20" alt="it" src="data:image/png;' in html


def test_a_document_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_values, "MOST_MARKUP", 2000)
    table = of("tables", columns={"a": ["x" * 400] * 10}, more=0)
    table[0]["names"].append(
        {"name": "small", "of": [{"place": 0, "count": 1, "columns": {"a": [7]}, "more": 0}]}
    )
    for said in both(table):
        assert "left out: the report is large enough" in said
        assert "xxx" not in said
        assert "small" in said
        assert "7" in said


def test_the_limits_of_gathering_fit_those_of_the_document() -> None:
    assert gathering.MOST_IMAGES * 4 // 3 < report_values.MOST_MARKUP
