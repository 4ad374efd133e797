"""Reports of runs as one document: Markdown, or HTML that needs no network and runs no script. Pure.

What is said comes as `workspace.reports.gather` gives it; texts in it are of machines and strangers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from workbench.text import html_writing, markdown_html, markdown_writing, plot_svg
from workbench.text.curves import from_bucket
from workbench.text.html_writing import words
from workbench.text.sanitize import clean, clean_name
from workbench.views import comparison, comparison_document, report_values
from workbench.views.comparison_document import TITLES

_STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2328; background: #fff; }
body { margin: 2em auto; max-width: 75em; padding: 0 1.5em; }
table { border-collapse: collapse; display: block; overflow-x: auto; margin: 1em 0; }
th, td { border: 1px solid #d1d9e0; padding: .25em .7em; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
thead th, thead th:first-child { background: #f6f8fa; }
td { vertical-align: top; }
.good, ins { color: #116329; } .good { font-weight: 600; }
.bad, del { color: #a40e26; } .warn { color: #7d4e00; }
ins, del { text-decoration: none; }
.quiet, footer { color: #59636e; }
pre { background: #f6f8fa; padding: .8em; overflow-x: auto; font-size: 13px; }
svg { max-width: 100%; height: auto; }
blockquote { border-left: 3px solid #d1d9e0; margin-left: 0; padding-left: 1em; }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_ROLES = ("good", "bad", "warn", "quiet")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def markdown(told: Mapping[str, Any]) -> str:
    """The report as Markdown; charts are SVG in it."""
    return "\n\n".join(_markdown(told)) + "\n"


def _markdown(told: Mapping[str, Any]) -> Iterator[str]:
    said = markdown_writing.escape
    yield f"# {said(told['title'])}"
    if told.get("note"):
        yield _note(told["note"])
    for run in told["runs"]:
        if run.get("description"):
            yield f"## {said(run['name'])}"
            yield _note(run["description"])
    if told.get("comparison"):
        yield comparison_document.document(told["comparison"]).strip()
    else:
        yield comparison_document.single(told["runs"][0]).strip()
    if told["charts"]:
        yield "## Charts"
    yield from (_svg(chart, told) for chart in told["charts"])
    yield from report_values.markdown(told["values"], told["runs"])
    if told["code"]:
        yield "## Code"
    for part in told["code"]:
        yield f"### {said(part['title'])}"
        text = clean(str(part.get("text") or ""), 1 << 20).rstrip("\n")
        yield markdown_writing.fenced(text, "diff") if text else said(part.get("problem") or "the same code")
    yield f"*Made {said(told['made'])}*"


def html(told: Mapping[str, Any]) -> str:
    """The report as one HTML document."""
    title = words(told["title"])
    head = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY, quote=True)}">'
        '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">'
        f"<title>{title}</title><style>{_STYLE}{report_values.STYLE}</style></head><body>"
    )
    return "\n".join([head, f"<h1>{title}</h1>", *_body(told), "</body></html>"]) + "\n"


def _body(told: Mapping[str, Any]) -> Iterator[str]:
    if told.get("note"):
        yield f"<section>{markdown_html.html(str(told['note']), 1)}</section>"
    for run in told["runs"]:
        if run.get("description"):
            yield f"<h2>{words(run['name'])}</h2>"
            yield f"<section>{markdown_html.html(str(run['description']), 2)}</section>"
    compared = told.get("comparison")
    if compared:
        yield from _tables(compared)
    else:
        facts = comparison_document.facts(told["runs"][0])
        yield html_writing.table([], [[(name, ""), (value, "text")] for name, value in facts])
    if told["charts"]:
        yield "<h2>Charts</h2>"
    yield from (_svg(chart, told) for chart in told["charts"])
    yield from report_values.html(told["values"], told["runs"])
    if told["code"]:
        yield "<h2>Code</h2>"
    for part in told["code"]:
        yield f"<h3>{words(part['title'])}</h3>"
        text = clean(str(part.get("text") or ""), 1 << 20)
        quiet = escape(clean(str(part.get("problem") or "the same code"), 1000))
        lines = "\n".join(_diff_line(line) for line in text.split("\n"))
        yield f"<pre>{lines}</pre>" if text else f'<p class="quiet">{quiet}</p>'
    yield f"<footer>Made {escape(str(told['made']))}</footer>"


def _tables(compared: Mapping[str, Any]) -> Iterator[str]:
    """A table for each kind of what differs, with the colours of the screen."""
    names = [("", ""), *((clean_name(run["name"]), "") for run in compared["runs"])]
    rows: dict[str, list[list[tuple[str, str]]]] = {"status": []}
    for row in comparison.rows(compared, False, None):
        kind = "metric" if row.kind == "peak" else row.kind
        if kind in TITLES or kind == "status":
            cells = [(" ".join(cell.text.split()), cell.role * (cell.role in _ROLES)) for cell in row.cells]
            rows.setdefault(kind, []).append(cells)
    yield html_writing.table(names, rows.pop("status"))
    for kind, title in TITLES.items():
        if kind in rows:
            yield f"<h2>{title}</h2>"
            yield html_writing.table(names, rows[kind])
    if guesses := comparison.guesses(compared):
        yield f'<p class="quiet">{escape(guesses)}</p>'


def _diff_line(line: str) -> str:
    tag = {"good": "ins", "bad": "del", "bold": "b"}.get(comparison.diff_role(line))
    return escape(line) if tag is None else f"<{tag}>{escape(line)}</{tag}>"


def _svg(chart: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    """A chart's picture, as it may stand in either document: an element, in lines of which none is empty."""
    metric = (told.get("comparison") or {}).get("metrics", {}).get(chart["metric"], {})
    words = comparison.goal_words(metric)
    title = ", ".join(part for part in (clean_name(chart["metric"], 100), words) if part)
    lines = [
        plot_svg.Line(clean_name(line["name"], 100), [from_bucket(bucket) for bucket in line["buckets"]])
        for line in chart["lines"]
    ]
    return plot_svg.inline(lines, plot_svg.Frame(title=title))


def _note(text: object) -> str:
    """A note as it may stand in a Markdown document: what looks like HTML in it is text there, too."""
    lines, fenced = [], False
    for line in clean(str(text), 1 << 20).strip().split("\n"):
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        lines.append(line if fenced else _TAG.sub("&lt;", line))
    return "\n".join(lines)
