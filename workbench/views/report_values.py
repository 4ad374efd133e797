"""What runs logged besides numbers, as sections of a report in HTML or Markdown. Pure.

Runs stand beside each other under each name. Pictures are in the HTML itself; Markdown says how to get them.
"""

from __future__ import annotations

import shlex
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from workbench.text import html_writing, markdown_writing, plot_svg
from workbench.text.evaluation_plots import EvaluationPlot
from workbench.text.evaluations import shown
from workbench.text.html_writing import words
from workbench.text.numbers import counted, number
from workbench.text.sanitize import clean, clean_name
from workbench.views import logged_values
from workbench.views.logged_values import TITLES, Matrix, Table

MOST_MARKUP: Final = 48 << 20
"""Characters of all of it in one document."""
MOST_TEXT, MOST_CELL = 4000, 500
"""Characters of one text, of one cell of a table."""
SHADES: Final = 9
"""How many steps of colour a matrix has, beside none."""
_SMALL, _LARGER = 160, 8
"""Pictures of fewer dots are enlarged, so many times at most: digits, patches."""
_PLOT = plot_svg.Frame(width=520, height=360, kind="number", lasts=False)
_FULL = "left out: the report is large enough"
STYLE = """\
.side { display: flex; flex-wrap: wrap; gap: 0 1.5em; align-items: flex-start; }
figure { margin: .5em 0 1.5em; min-width: 0; max-width: 100%; }
figure table { margin: .3em 0; max-height: 40em; overflow-y: auto; }
figure thead th { position: sticky; top: 0; } figure thead th:first-child { z-index: 1; }
@media print { figure table { max-height: none; } }
figcaption { font-weight: 600; } figcaption .quiet, p.quiet { font-weight: 400; margin: .2em 0; }
.text { text-align: left; white-space: pre-wrap; overflow-wrap: anywhere; min-width: 4em; max-width: 40em; }
.number:first-child { text-align: right; }
.matrix th + th, .matrix td + td { text-align: center; min-width: 2.2em; } .matrix .none { color: #59636e; }
.matrix .hit { font-weight: 600; outline: 2px solid #116329; outline-offset: -2px; }
td[class*=shade] { print-color-adjust: exact; }
img { display: block; max-width: 100%; height: auto; border: 1px solid #d1d9e0; }
.dots { image-rendering: pixelated; }
""" + "".join(
    f".shade{step} {{ background: rgb(0 114 178 / {step * 70 // SHADES}%); }}\n"
    for step in range(1, SHADES + 1)
)

Section = Mapping[str, Any]


def html(sections: Sequence[Section], runs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The sections as HTML."""
    room = MOST_MARKUP
    for section in sections:
        yield f"<h2>{TITLES[section['kind']]}</h2>"
        for title, body in _html_parts(section, runs):
            part = title + body
            if len(part) > room:
                part = f'{title}<p class="quiet">{_FULL}</p>'
            room -= len(part)
            yield part
        if section["more"]:
            yield f'<p class="quiet">{_more(section)}</p>'


def _html_parts(section: Section, runs: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """A title and what stands below it, for each name; all texts are one table."""
    kind, heads = section["kind"], [clean_name(run["name"]) for run in runs]
    if kind == "texts":
        yield "", _html_texts(section["names"], heads)
        return
    show = {"evaluations": _html_evaluation, "images": _html_image, "tables": _html_table}[kind]
    for item in section["names"]:
        figures = []
        for value in item["of"]:
            body, said = show(value, item["name"])
            caption = "" if len(heads) == 1 else words(heads[value["place"]])
            if said:
                caption += f'{" " if caption else ""}<span class="quiet">{words(said, 1000)}</span>'
            caption = f"<figcaption>{caption}</figcaption>" if caption else ""
            figures.append(f"<figure>{caption}{body}</figure>")
        yield f"<h3>{words(item['name'])}</h3>", f'<div class="side">{"".join(figures)}</div>'


def _html_texts(names: Sequence[Mapping[str, Any]], heads: Sequence[str]) -> str:
    rows = []
    for item in names:
        said = {value["place"]: clean(value["text"], MOST_TEXT).strip() for value in item["of"]}
        rows.append(
            [(clean_name(item["name"]), ""), *((said.get(at, "-"), "text") for at in range(len(heads)))]
        )
    head = [("", ""), *((name, "text") for name in heads)] if len(heads) > 1 else []
    return html_writing.table(head, rows)


def _html_evaluation(value: Mapping[str, Any], name: str) -> tuple[str, str]:
    found = logged_values.evaluation(value)
    if isinstance(found, Matrix):
        body = _html_matrix(found)
    elif isinstance(found, Table):
        body = _html_grid(found)
    else:
        body = "\n".join(_plot(plot) for plot in found)
    return body, _times(value)


def _html_matrix(found: Matrix) -> str:
    heat = found.heat
    head = [("true ╲ predicted", ""), *((label, "") for label in heat.labels), ("found", "quiet")]
    rows = []
    for at, label in enumerate(heat.labels):
        cells = [
            (text, _shade(heat.shares[at][column], at == column))
            for column, text in enumerate(heat.texts[at])
        ]
        rows.append([(label, ""), *cells, (heat.right[at], "quiet")])
    return html_writing.table(head, rows, "matrix") + _html_notes(found.notes)


def _shade(share: float, right: bool) -> str:
    step = max(1, round(share * SHADES)) if share > 0 else 0
    return " ".join([f"shade{step}" if step else "none", *(["hit"] if right else [])])


def _html_table(value: Mapping[str, Any], name: str) -> tuple[str, str]:
    return _html_grid(logged_values.table(value)), ""


def _html_grid(found: Table) -> str:
    titles, rows, diagonal = found.grid
    looks = [_look(rows, column) for column in range(len(titles))]
    head = [(clean_name(str(title), 80), look) for title, look in zip(titles, looks, strict=True)]
    cells = [
        [
            (_cell(cell), look + " good" * (diagonal and column == at + 1))
            for column, (cell, look) in enumerate(zip(row, looks, strict=False))
        ]
        for at, row in enumerate(rows)
    ]
    return html_writing.table(head, cells) + _html_notes(found.notes)


def _cell(value: Any) -> str:
    """Texts keep their lines."""
    return clean(value, MOST_CELL).strip() or "-" if isinstance(value, str) else shown(value, MOST_CELL)


def _look(rows: Sequence[Sequence[Any]], column: int) -> str:
    """Numbers stand to the right."""
    cells = [row[column] for row in rows if column < len(row)]
    return "number" if all(cell is None or number(cell) is not None for cell in cells) else "text"


def _html_image(value: Mapping[str, Any], name: str) -> tuple[str, str]:
    found = logged_values.picture(value)
    if isinstance(found, str):
        fetch = f"<code>{words(_command(value), 1200)}</code>"
        return (
            f'<p><span class="warn">left out: {words(found, 1000)}</span><br>{fetch} brings it here</p>',
            "",
        )
    scale = max(1, min(_LARGER, _SMALL // max(found.width, found.height)))
    size = f'width="{found.width * scale}" height="{found.height * scale}"'
    source = f"data:{found.media};base64,{b64encode(value['data']).decode()}"
    dots = ' class="dots"' if scale > 1 else ""
    return f'<img{dots} {size} alt="{words(name)}" src="{source}">', logged_values.about(value, found)


def _html_notes(notes: Sequence[str]) -> str:
    return f'<p class="quiet">{words("; ".join(notes), 1000)}</p>' if notes else ""


def markdown(sections: Sequence[Section], runs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The sections as Markdown; plots are SVG in it."""
    room = MOST_MARKUP
    for section in sections:
        yield f"## {TITLES[section['kind']]}"
        for title, body in _markdown_parts(section, runs):
            kept = body if len(body) <= room else _FULL
            room -= len(kept)
            yield f"{title}\n\n{kept}" if title else kept
        if section["more"]:
            yield _more(section)


def _markdown_parts(section: Section, runs: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    kind, heads = section["kind"], [markdown_writing.escape(run["name"]) for run in runs]
    if kind == "texts":
        yield "", _markdown_texts(section["names"], heads)
        return
    if kind == "images":
        yield "", _markdown_images(section["names"], heads)
        return
    for item in section["names"]:
        parts = []
        for value in item["of"]:
            said = "" if len(heads) == 1 else f"**{heads[value['place']]}**"
            found = logged_values.table(value) if kind == "tables" else logged_values.evaluation(value)
            if kind == "evaluations":
                said = " ".join(part for part in (said, _times(value)) if part)
            parts += [*([said] if said else []), *_markdown_value(found)]
        yield f"### {markdown_writing.escape(item['name'])}", "\n\n".join(parts)


def _markdown_value(found: Matrix | list[EvaluationPlot] | Table) -> Iterator[str]:
    if isinstance(found, list):
        yield from (_plot(plot) for plot in found)
        return
    if isinstance(found, Matrix):
        heat = found.heat
        head = ["true ╲ predicted", *heat.labels, "found"]
        rows = [
            [label, *texts, right]
            for label, texts, right in zip(heat.labels, heat.texts, heat.right, strict=False)
        ]
        diagonal = True
    else:
        head = [clean_name(str(title), 80) for title in found.grid.titles]
        rows = [[shown(cell, MOST_CELL) for cell in row] for row in found.grid.rows]
        diagonal = found.grid.diagonal
    escaped = [[markdown_writing.escape(cell) for cell in row] for row in rows]
    if diagonal:
        for at, row in enumerate(escaped):
            row[at + 1 : at + 2] = [f"**{cell}**" for cell in row[at + 1 : at + 2]]
    yield markdown_writing.raw_table([markdown_writing.escape(title) for title in head], escaped).rstrip("\n")
    if found.notes:
        yield markdown_writing.escape("; ".join(found.notes))


def _markdown_texts(names: Sequence[Mapping[str, Any]], heads: Sequence[str]) -> str:
    rows = []
    for item in names:
        said = {value["place"]: markdown_writing.lines(value["text"], MOST_TEXT) for value in item["of"]}
        rows.append([markdown_writing.escape(item["name"]), *(said.get(at, "-") for at in range(len(heads)))])
    return markdown_writing.raw_table(["", *heads], rows).rstrip("\n")


def _markdown_images(names: Sequence[Mapping[str, Any]], heads: Sequence[str]) -> str:
    """How each is brought: pictures inside Markdown are shown by hardly any reader."""
    said = ["They are in the report as HTML; these commands bring them here."]
    for item in names:
        name = markdown_writing.escape(item["name"])
        for value in item["of"]:
            whose = "" if len(heads) == 1 else f" of {heads[value['place']]}"
            said.append(f"- {name}{whose}: {markdown_writing.code(_command(value))}")
    return "\n".join([said[0], "", *said[1:]])


def _plot(plot: EvaluationPlot) -> str:
    return plot_svg.inline(plot.lines, _PLOT._replace(title=plot.title, x_label=plot.x_label))


def _times(value: Mapping[str, Any]) -> str:
    return f"the latest of {value['count']}" if value["count"] > 1 else ""


def _command(value: Mapping[str, Any]) -> str:
    return f"wb run download {shlex.quote(str(value['id']))} {shlex.quote(clean_name(value['path'], 1000))}"


def _more(section: Section) -> str:
    kind = str(section["kind"]).removesuffix("s")
    return f"and {counted(section['more'], f'more {kind}')}; wb run metrics RUN lists them"
