"""Reports of runs: one document that says it all, needs no network, and carries nobody's markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.png_making import gradient
from workbench.errors import NotFound, Unreachable
from workbench.text.markdown_html import html
from workbench.views import report
from workbench.workspace.reports import gather

EVIL = '<script>alert(1)</script>\x1b[2J"><img src=x onerror=y>'
TAGS = (
    "html head meta title style body h1 h2 h3 h4 h5 h6 section p table thead tr th td pre ins del b footer ul li hr"
    " blockquote strong em code a div figure figcaption span br img svg g path line polyline polygon rect circle"
    " text tspan defs clippath desc"
)
LABELS = [EVIL, "b"]


class Reader(HTMLParser):
    """What a browser would find."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def values() -> list[dict[str, Any]]:
    """What the runs logged besides numbers, hostile as well."""
    matrix = {"class_labels": LABELS, "matrix": [[3, 1], [0, 4]]}
    curves = {"class_labels": LABELS, "probability_tables": [[[4, 1, 3, 0], [2, 0, 4, 2]]] * 2}
    evaluations = [
        {"place": 0, "count": 3, "schema": "confusion_matrix", "data": matrix},
        {"place": 1, "count": 1, "schema": "accuracy_table", "data": curves},
        {"place": 1, "count": 1, "schema": EVIL, "data": {EVIL: [EVIL], "n": 1}},
    ]
    images = [
        {"place": 0, "count": 1, "id": "01A", "path": f"outputs/{EVIL}.png", "data": gradient(4, 3)},
        {
            "place": 0,
            "count": 1,
            "id": "01A",
            "path": f"outputs/{EVIL}.png",
            "data": b"<svg onload='x'></svg>",
        },
        {"place": 1, "count": 1, "id": EVIL, "path": f"outputs/`{EVIL}`.png", "problem": EVIL},
    ]
    table = {"place": 1, "count": 2, "columns": {EVIL: [EVIL, 1], "``": [None, {EVIL: EVIL}]}, "more": 7}
    text = {"place": 0, "count": 2, "step": 1, "text": f"{EVIL}\n\n| {EVIL}\n```\n{EVIL}"}
    found = {"evaluations": evaluations, "images": images, "tables": [table], "texts": [text]}
    return [{"kind": kind, "names": [{"name": EVIL, "of": of}], "more": 2} for kind, of in found.items()]


def told() -> dict[str, Any]:
    """A report of two runs of which everything is hostile."""
    runs = [{"id": f"01{n:024}", "name": f"{EVIL}{n}", "experiment": "e", "status": "Completed", "params": {}, "metrics": {},
             "description": f"# {EVIL}\n[x](javascript:alert(1)) `{EVIL}`\n```\n{EVIL}\n```"} for n in (1, 2)]  # fmt: skip
    bucket = {"first_step": 0, "last_step": 9, "min": 0.1, "max": 0.9, "last": 0.2, "count": 10}
    return {
        "title": EVIL,
        "made": "2026-11-26T12:00:00+00:00",
        "note": f"{EVIL}\n\n- **a** {EVIL}\n> {EVIL}",
        "runs": runs,
        "comparison": {
            "runs": runs,
            "params": {EVIL: ["1", EVIL]},
            "metrics": {
                "loss": {
                    "values": [1.0, 0.5],
                    "deltas": [0.0, -0.5],
                    "best": 1,
                    "goal": "minimize",
                    "guessed": True,
                }
            },
            "facts": {"command": [EVIL, None]},
            "tags": {},
            "packages": {},
            "code": [{"path": EVIL, "changes": [None, "modified"]}],
        },
        "charts": [{"metric": "loss", "lines": [{"name": EVIL, "buckets": [bucket]}]}],
        "values": values(),
        "code": [
            {"title": EVIL, "text": f"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-{EVIL}\n+``````\n"},
            {"title": "t", "problem": EVIL},
        ],
    }


def test_a_document_of_hostile_texts_is_texts() -> None:
    said = report.html(told())
    found = Reader()
    found.feed(said)
    assert found.tags <= set(TAGS.split())
    assert "svg" in found.tags
    for name, value in found.attributes:
        assert not name.startswith("on")
        assert name != "srcset"
        assert name != "src" or re.fullmatch(r"data:image/png;base64,[A-Za-z0-9+/=]+", value)
        assert name != "href" or value.startswith("https://")
    assert "\x1b" not in said
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert ("content", policy) in found.attributes
    assert sum(name == "src" for name, _ in found.attributes) == 1
    assert "lower is better (guessed)" in said
    assert "★ 0.5 -0.5" in said
    assert said.count("alert(1)") > 20


def test_the_same_in_markdown() -> None:
    said = report.markdown(told())
    assert "\x1b" not in said
    fence = ""
    for line in said.split("\n"):
        mark = re.match(r"`{3,}", line)
        if mark and (not fence or mark[0] == fence):
            fence = "" if fence else mark[0]
        elif not fence:
            text = re.sub(r"(?<![\\`])(`+)(?!`).*?(?<!`)\1(?!`)", "", line)
            assert not re.search(r"(?<!\\)<(script|img)", text)
    assert "\n```````diff\n" in said
    svg = said[said.index("<svg") : said.index("</svg>")]
    assert "\n\n" not in svg


@pytest.mark.parametrize(("text", "found"), [
    ("# a *b*", "<h2>a <em>b</em></h2>"),
    ("- x\n- y\n\nz", '<ul>\n<li class="deep0">x</li>\n<li class="deep0">y</li>\n</ul>\n<p>z</p>'),
    ("[x](https://e.org/?a=1&b=2)", '<p><a href="https://e.org/?a=1&amp;b=2" rel="noreferrer">x</a></p>'),
    ("[x](data:text/html,y)", "<p>x</p>"),
    ("---", "<hr>"),
])  # fmt: skip
def test_notes_as_html(text: str, found: str) -> None:
    assert html(text, 1) == found


class Told:
    """Services of two runs, one whose code cannot be had."""

    def call(self, noun: str, method: str, **asked: Any) -> Any:
        if noun == "comparisons":
            raise NotFound("no such comparison")
        runs = [
            {
                "id": name,
                "name": name,
                "experiment": "e",
                "metrics": {"acc": {"count": 9}, "one": {"count": 1}, "loss": {"count": 9}},
            }
            for name in ("a", "b")
        ]
        if method == "diff":
            raise Unreachable("gpu1 does not answer")
        return {
            "get": runs[0] if noun == "runs" else {"primary_metric": "loss"},
            "compare": {"runs": runs, "metrics": {"acc": {"best": 1}}, "primary": None},
            "envelope": [],
            "git_diff": {},
            "logged": [{"name": "phase", "kind": "text", "count": 2}],
            "texts": {"phase": [[4, "cool down"]]},
        }[method]


def test_what_is_gathered_says_what_could_not_be_had() -> None:
    two = gather(Told(), ["a", "b"])  # type: ignore[arg-type]
    assert [chart["metric"] for chart in two["charts"]] == ["acc", "loss"]
    assert two["code"] == [{"title": "a → b", "problem": "gpu1 does not answer"}]
    assert [section["kind"] for section in two["values"]] == ["texts"]
    assert two["title"] == "2 runs of e"
    one = gather(Told(), ["a"], metrics=["one"], code=False, values=False)  # type: ignore[arg-type]
    assert ([chart["metric"] for chart in one["charts"]], one["code"], one["title"]) == (["one"], [], "a")
    assert one["values"] == []
    assert next(chart["metric"] for chart in gather(Told(), ["a"])["charts"]) == "loss"  # type: ignore[arg-type]
