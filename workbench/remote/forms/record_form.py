"""The form of a run's records and what a run finds in its environment: all that tracking needs to know.

Apart from `protocol` (which hands on every name here) because it must cost nothing to import inside a
training script: no imports at all.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VERSION = 1

# records/<pid>-<random>.jsonl, first line the header:
#   {"k":"header","v":1,"run":ID,"attempt":1,"rank":0,"pid":123,"wall":1700000000.1,"mono":55.5}
# A file whose header has "child":{"id":ULID,"name":"fold 3","parent":ULID} holds the records of a child run
# that was made inside the run, with an id of its own; without "parent" it is a child of the run itself.
# Its "status" records are how it ended.
# then one record a line; "t" is seconds since the header's "mono":
#   {"k":"metric","n":"loss","v":0.5,"s":3,"t":1.25}          "s" absent: the next step of this name and file
#   {"k":"metric","n":"phase","text":"warm up","t":..}        a text or (null) None: "text" in place of "v"
#   {"k":"param","n":"lr","v":"3e-4","t":..}                  values are text
#   {"k":"tag","n":"note","v":"good","t":..}                  "v" may be null: a bare tag
#   {"k":"property","n":"owner","v":"ann","t":..}             add-only
#   {"k":"row","n":"confusion","v":{"a":1,"b":2},"s":0,"t":..}
#   {"k":"table","n":"preds","v":{"col":[..]},"t":..}
#   {"k":"table","n":"cm","schema":"confusion_matrix","schema_version":"v1","v":{..},"t":..}
#   {"k":"artifact","n":"best model","path":"outputs/m.bin","t":..}  path relative to the run's folder
#   {"k":"warning","v":"text","t":..}
#   {"k":"environment","s":0,"python":"/usr/bin/python3","version":"3.11.7","platform":"linux-x86_64",
#    "distributions":{"numpy":"2.0"},"more":0,"t":..}         of the interpreter that was started as the s-th
#   {"k":"status","v":"Completed","t":..}                     how an interactive run or a child says it
#                                                             ended; Failed has "message"
# A metric's "v" is a number, true or false (a bool), or the text nan, inf, -inf (`encode_number`): such a
# text under "v" is always that number, any other text stands under "text". In rows and tables, whose
# cells have one place only, the texts nan, inf, -inf are read as numbers. A whole number may have up to
# 309 digits, a step is below 2**62. Lone surrogates of a text are spelt out as escapes.
# "d" in a metric, row or table: its description; a metric's stands in the record that brings a new one.
# "schema" in a table: "v" is that schema's data (schemas.py), and need not be columns.
# Environments are written by supervisors; "distributions" is absent where the interpreter could not be
# asked, "more" counts those left out.
# "gone" with true in a tag: there is no such tag any more.
# "model" in an artifact: the name under which the script asks that it is registered once the run is over,
# "about": what it says of it: tags, properties, framework, framework_version, description.
RECORD_HEADER = "header"
RECORD_METRIC = "metric"
RECORD_PARAM = "param"
RECORD_TAG = "tag"
RECORD_PROPERTY = "property"
RECORD_ROW = "row"
RECORD_TABLE = "table"
RECORD_ARTIFACT = "artifact"
RECORD_WARNING = "warning"
RECORD_STATUS = "status"
RECORD_ENVIRONMENT = "environment"
RECORD_KINDS = frozenset(
    (
        RECORD_METRIC,
        RECORD_PARAM,
        RECORD_TAG,
        RECORD_PROPERTY,
        RECORD_ROW,
        RECORD_TABLE,
        RECORD_ARTIFACT,
        RECORD_WARNING,
        RECORD_STATUS,
        RECORD_ENVIRONMENT,
    )
)

ENV_RUN_ID = "WORKBENCH_RUN_ID"
ENV_RUN_DIR = "WORKBENCH_RUN_DIR"  # the run's folder on the machine (records/, outputs/ live in it)
ENV_ATTEMPT = "WORKBENCH_ATTEMPT"
ENV_EXPERIMENT = "WORKBENCH_EXPERIMENT"
ENV_WORKSPACE = "WORKBENCH_WORKSPACE_NAME"
ENV_INPUT = "WORKBENCH_INPUT_"  # + name: where that input lies on the machine
ENV_OUTPUT = "WORKBENCH_OUTPUT_"  # + name: where that output is to be written
RANK_VARIABLES = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK")

MAX_NAME = 250  # characters of a metric, param, tag name
MAX_VALUE = 8000  # characters of a param or tag value
MAX_RECORD = 1 << 20  # bytes of one record line; a longer one is skipped and counted


def encode_number(value: float) -> "Any":
    """A float as JSON can carry it: itself, or the text nan, inf, -inf (law 4)."""
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    return value
