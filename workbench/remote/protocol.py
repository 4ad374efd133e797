"""Constants and plain-dict checks that both sides share: states, records, status, frames, limits.

Everything here is fixed by the machines already out there: readers accept every older version and keep
unknown fields, writers write the newest version both sides know (hello frames say which).
"""

import json
import re
import struct
from typing import Any, Dict, Optional

VERSION = 1

# --- the link -------------------------------------------------------------------------------------
# The far end writes MAGIC + one JSON object + "\n" first; whatever stands before it (a noisy shell's
# greeting) is dropped. After it, both directions are frames: HEADER(length, type, stream) + body.
MAGIC = b"\x1eWORKBENCH-LINK "
HEADER = struct.Struct(">IBI")
MAX_BODY = 65536
INITIAL_CREDIT = 1 << 20  # bytes of DATA a stream may send before it waits for CREDIT

REQUEST = 1  # JSON {"method", "params"}; opens the stream it carries (ids chosen by the near end)
RESPONSE = 2  # JSON {"ok": value} or {"error": {"code", "message", "hint"}}; closes the stream
DATA = 3  # raw bytes of a stream, either direction, counted against its credit
EVENT = 4  # JSON message on an open stream, far end to near end; not counted
END = 5  # the near end has no more DATA for this stream
CREDIT = 6  # 4 bytes big endian: so many more bytes may be sent on the stream
CANCEL = 7  # the near end gives the stream up; the far end still answers with a RESPONSE

# --- states of a run ------------------------------------------------------------------------------
NOT_STARTED = "NotStarted"
STARTING = "Starting"
PROVISIONING = "Provisioning"
PREPARING = "Preparing"
QUEUED = "Queued"
RUNNING = "Running"
FINALIZING = "Finalizing"
CANCEL_REQUESTED = "CancelRequested"
COMPLETED = "Completed"
FAILED = "Failed"
CANCELED = "Canceled"
NOT_RESPONDING = "NotResponding"
PAUSED = "Paused"
PAUSING = "Pausing"
UNAPPROVED = "Unapproved"

STATES = (
    NOT_STARTED, STARTING, PROVISIONING, PREPARING, QUEUED, RUNNING, FINALIZING, CANCEL_REQUESTED,
    COMPLETED, FAILED, CANCELED, NOT_RESPONDING, PAUSED, PAUSING, UNAPPROVED,
)
TERMINAL = frozenset((COMPLETED, FAILED, CANCELED))

# --- why a run ended; the sentence beside it in a transition says it in words -----------------------
CAUSE_EXIT = "exit"  # the command ended with a non-zero code
CAUSE_SIGNAL = "signal"  # the command was killed by a signal nobody here sent
CAUSE_OUT_OF_MEMORY = "out_of_memory"
CAUSE_TIMEOUT = "timeout"
CAUSE_CANCELED = "canceled"
CAUSE_SETUP = "setup"  # a setup line failed
CAUSE_COMMAND = "command"  # the command could not be started at all
CAUSE_DISK_FULL = "disk_full"
CAUSE_REBOOT = "reboot"
CAUSE_SUPERVISOR_LOST = "supervisor_lost"
CAUSE_GUARD_LOST = "guard_lost"
CAUSE_LOST = "lost"  # guard and supervisor both gone, found by a later visitor
CAUSE_SNAPSHOT = "snapshot"  # the code could not be laid out

# --- records --------------------------------------------------------------------------------------
# records/<pid>-<random>.jsonl, first line the header:
#   {"k":"header","v":1,"run":ID,"attempt":1,"rank":0,"pid":123,"wall":1700000000.1,"mono":55.5}
# then one record a line; "t" is seconds since the header's "mono":
#   {"k":"metric","n":"loss","v":0.5,"s":3,"t":1.25}          "s" absent: the next step of this name and file
#   {"k":"param","n":"lr","v":"3e-4","t":..}                  values are text
#   {"k":"tag","n":"note","v":"good","t":..}                  "v" may be null: a bare tag
#   {"k":"property","n":"owner","v":"ann","t":..}             add-only
#   {"k":"row","n":"confusion","v":{"a":1,"b":2},"s":0,"t":..}
#   {"k":"table","n":"preds","v":{"col":[..]},"t":..}
#   {"k":"artifact","n":"best model","path":"outputs/m.bin","t":..}  path relative to the run's folder
#   {"k":"warning","v":"text","t":..}   {"k":"status","v":"Completed","t":..}   status: an interactive run's own
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
RECORD_KINDS = frozenset((
    RECORD_METRIC, RECORD_PARAM, RECORD_TAG, RECORD_PROPERTY, RECORD_ROW, RECORD_TABLE, RECORD_ARTIFACT,
    RECORD_WARNING, RECORD_STATUS,
))

# --- what a run finds in its environment -----------------------------------------------------------
ENV_RUN_ID = "WORKBENCH_RUN_ID"
ENV_RUN_DIR = "WORKBENCH_RUN_DIR"  # the run's folder on the machine (records/, outputs/ live in it)
ENV_ATTEMPT = "WORKBENCH_ATTEMPT"
ENV_EXPERIMENT = "WORKBENCH_EXPERIMENT"
ENV_WORKSPACE = "WORKBENCH_WORKSPACE_NAME"
RANK_VARIABLES = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK")

# --- limits ---------------------------------------------------------------------------------------
MAX_NAME = 250  # characters of a metric, param, tag name
MAX_VALUE = 8000  # characters of a param or tag value
MAX_RECORD = 1 << 20  # bytes of one record line; a longer one is skipped and counted
MAX_SPEC = 4 << 20
MAX_STATUS = 1 << 20
RESERVE_BYTES = 16384
HEARTBEAT_SECONDS = 24.0  # 4/5 of 30 s (AZ-73)
STALE_SECONDS = 120.0  # a heartbeat older than this, judged by the machine itself: NotResponding
DEFAULT_GRACE = 10.0  # seconds between TERM and KILL
DEFAULT_STREAM_CAP = 1 << 30  # bytes of stream.log kept a run: half head, half rolling tail

RUN_ID = re.compile(r"^[0-9A-HJKMNP-TV-Z]{26}$")  # ULID, Crockford base 32
SHA256 = re.compile(r"^[0-9a-f]{64}$")


def encode_number(value):
    # type: (float) -> Any
    """A float as JSON can carry it: itself, or the text nan, inf, -inf (law 4)."""
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    return value


def decode_number(value):
    # type: (Any) -> Optional[float]
    """The float that `encode_number` wrote; None when it is no number at all."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            return None
    if value in ("nan", "inf", "-inf"):
        return float(value)
    return None


def dumps(value):
    # type: (Any) -> bytes
    """Compact JSON in UTF-8; lone surrogates (from undecodable file names) survive as escapes."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def loads(body):
    # type: (bytes) -> Dict[str, Any]
    """One JSON object; raises ValueError for anything else."""
    value = json.loads(body.decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError("expected a JSON object")
    return value


def valid_run_id(text):
    # type: (Any) -> bool
    """Whether it is a run id: the only text from a peer that becomes part of a path."""
    return isinstance(text, str) and RUN_ID.match(text) is not None
