"""Write docs/job.schema.json and the table of docs/jobs.md from the table that reads job files.

python docs/make_job_schema.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from workbench.runs.job_fields import JOB, Field
from workbench.runs.job_schema import job_schema

DOCS = Path(__file__).parent
_BETWEEN = re.compile(
    r"(?<=<!-- fields: written by docs/make_job_schema\.py -->\n).*?(?=<!-- end of fields -->)", re.S
)


def schema_text() -> str:
    """What docs/job.schema.json must hold now."""
    return json.dumps(job_schema(), indent=2, ensure_ascii=False) + "\n"


def page_text(page: str) -> str:
    """docs/jobs.md with its table of fields as it must be now."""
    rows = ["| field | value | what it does |", "|---|---|---|", *_rows(JOB, "")]
    refused = [f"- `{name}`: {reason}" for name, reason in _refused(JOB, "")]
    table = "\n".join([*rows, "", "Known and refused, with the reason:", "", *refused, ""])
    return _BETWEEN.sub(lambda _: table, page)


def _rows(about: Field, path: str) -> Iterator[str]:
    for name, field in about.fields.items():
        if field.fields:
            yield from _rows(field, f"{path}{name}.")
        else:
            yield f"| `{path}{name}` | {field.kind.value} | {field.description} |"


def _refused(about: Field, path: str) -> Iterator[tuple[str, str]]:
    by_reason: dict[str, list[str]] = {}
    for name, reason in about.not_yet.items():
        by_reason.setdefault(reason, []).append(path + name)
    for reason, names in by_reason.items():
        yield "`, `".join(names), reason
    for name, field in about.fields.items():
        yield from _refused(field, f"{path}{name}.")


if __name__ == "__main__":
    (DOCS / "job.schema.json").write_text(schema_text(), encoding="utf-8")
    page = DOCS / "jobs.md"
    page.write_text(page_text(page.read_text(encoding="utf-8")), encoding="utf-8")
