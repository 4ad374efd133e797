"""Write docs/job.schema.json from the table that reads job files: python docs/make_job_schema.py"""

from __future__ import annotations

import json
from pathlib import Path

from workbench.runs.job_schema import job_schema

PAGE = Path(__file__).parent / "job.schema.json"


def schema_text() -> str:
    """What the file must hold now."""
    return json.dumps(job_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(schema_text(), encoding="utf-8")
