"""`python -m workbench.remote.tabular.profiling`: profiles the run's input `data`, where it lies (AZ-61).

What it finds is the run's table "profile", and outputs/profile.json.
"""

import json
import os
import sys
from typing import Any, Dict, List

from workbench.remote.tabular.definition import checked
from workbench.remote.tabular.profile import profile_rows
from workbench.remote.tabular.reading import BadTable
from workbench.remote.tabular.table import Table, files_at
from workbench.remote.tracking.run import current

DEFINITION = "WORKBENCH_TABLE"
INPUT = "AZUREML_DATAREFERENCE_data"
TABLE = "profile"
MOST_LOGGED = 2000


def main(words: List[str]) -> int:
    """Profile the data at the one path that is named, or that the run was given."""
    path = words[0] if words else os.environ.get(INPUT, "")
    try:
        table = Table(checked(json.loads(os.environ.get(DEFINITION, "{}"))), files_at(path))
        shape = table.shape
        found = profile_rows(shape.columns, shape.types, table.rows())
    except (BadTable, ValueError, OSError) as problem:
        sys.stderr.write("no profile: %s\n" % problem)
        return 1
    os.makedirs("outputs", exist_ok=True)
    with open(os.path.join("outputs", "profile.json"), "w") as file:
        json.dump({"columns": found}, file, indent=1)
    run = current()
    logged: Dict[str, List[Any]] = {}
    for row in found[:MOST_LOGGED]:
        for name, value in row.items():
            logged.setdefault(name, []).append(value)
    run.log_table(TABLE, logged)
    rows = found[0]["count"] if found else 0
    sys.stdout.write("%d rows, %d columns, %d files\n" % (rows, len(found), len(table.files)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
