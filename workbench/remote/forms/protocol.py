"""Constants and plain-dict checks that both sides share: states, records, status, frames, limits.

Everything here is fixed by the machines already out there: readers accept every older version and keep
unknown fields, writers write the newest version both sides know (hello frames say which).
"""

import json
import re
import struct
from typing import Any, Dict

# Records and a run's environment are described in record_form.py: tracking must not pay for this module.
from workbench.remote.forms.record_form import *  # noqa: F403

# The far end writes MAGIC + one JSON object + "\n" first; whatever stands before it (a noisy shell's
# greeting) is dropped. After it, both directions are frames: HEADER(length, type, stream) + body.
MAGIC = b"\x1eWORKBENCH-LINK "
HEADER = struct.Struct(">IBI")
MAX_BODY = 65536
MAX_MESSAGE = 64 << 20  # bytes of one JSON message, sent as PART frames where it does not fit one body
INITIAL_CREDIT = 1 << 20  # bytes of DATA and EVENT a stream may send before it waits for CREDIT
TERMINAL_WINDOW = 1 << 17  # of that, what a terminal uses: Ctrl-C is not seen before all that came ahead is
CONNECTION_WINDOW = 1 << 19  # and a connection: there may be hundreds

REQUEST = 1  # JSON {"method", "params"}; opens the stream it carries (ids chosen by the near end)
RESPONSE = 2  # JSON {"ok": value} or {"error": {"code", "message", "hint"}}; closes the stream
DATA = 3  # raw bytes of a stream, either direction, counted against its credit
EVENT = 4  # JSON message on an open stream, far end to near end; counted like DATA (not on stream 0)
END = 5  # the near end has no more DATA for this stream
CREDIT = 6  # 4 bytes big endian: so many more bytes may be sent on the stream
CANCEL = 7  # the near end gives the stream up; the far end still answers with a RESPONSE
PART = 8  # the beginning of a JSON message too long for one body; the stream's next 1, 2 or 4 ends it

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
    NOT_STARTED,
    STARTING,
    PROVISIONING,
    PREPARING,
    QUEUED,
    RUNNING,
    FINALIZING,
    CANCEL_REQUESTED,
    COMPLETED,
    FAILED,
    CANCELED,
    NOT_RESPONDING,
    PAUSED,
    PAUSING,
    UNAPPROVED,
)
TERMINAL = frozenset((COMPLETED, FAILED, CANCELED))

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
CAUSE_DATA = "data"  # what it reads is not there, or not what was asked for
CAUSE_ENVIRONMENT = "environment"  # its environment could not be built
CAUSE_WITHDRAWN = "withdrawn"  # taken back before it started: it goes to another machine

MAX_SPEC = 4 << 20
MAX_STATUS = 1 << 20
RESERVE_BYTES = 16384
HEARTBEAT_SECONDS = 24.0  # 4/5 of 30 s (AZ-73)
STALE_SECONDS = 120.0  # a heartbeat older than this, judged by the machine itself: NotResponding
DEFAULT_GRACE = 10.0  # seconds between TERM and KILL
DEFAULT_STREAM_CAP = 1 << 30  # bytes of stream.log kept a run: half head, half rolling tail

RUN_ID = re.compile(r"^[0-9A-HJKMNP-TV-Z]{26}\Z")  # ULID, Crockford base 32
SHA256 = re.compile(r"^[0-9a-f]{64}\Z")


def dumps(value):
    # type: (Any) -> bytes
    """Compact JSON in UTF-8; lone surrogates (from undecodable file names) survive as escapes."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def loads(body):
    # type: (bytes) -> Dict[str, Any]
    """One JSON object; raises ValueError for anything else."""
    try:
        value = json.loads(body.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply")
    if not isinstance(value, dict):
        raise ValueError("expected a JSON object")
    return value


def valid_run_id(text):
    # type: (Any) -> bool
    """Whether it is a run id: the only text from a peer that becomes part of a path."""
    return isinstance(text, str) and RUN_ID.match(text) is not None
