"""A metric's whole history, read back from the record files that it was written to."""

import json
from typing import Any, Dict, List, Optional, Sequence, Tuple

from workbench.remote.forms.record_text import quote
from workbench.remote.mlflow_api.wire import number_out

BLOCK = 1 << 20
_NUMBERS = {"nan": float("nan"), "inf": float("inf"), "-inf": -float("inf")}


def history(paths, name, start, most):
    # type: (Sequence[str], str, int, int) -> Tuple[List[Dict[str, Any]], Optional[int]]
    """At most `most` points of a metric, from byte `start` of the files (one after the other) on.

    The second value is where the next ones begin, None when there are none. Memory is what is answered.
    """
    wanted = ('{"k":"metric","n":%s,' % quote(name)).encode("ascii")
    found = []  # type: List[Dict[str, Any]]
    base = 0
    for path in paths:
        with open(path, "rb") as opened:
            size = opened.seek(0, 2)
            if start >= base + size:
                base += size
                continue
            opened.seek(0)
            wall = _wall(opened.readline())
            opened.seek(max(start - base, opened.tell()))
            for line in opened:
                if line.startswith(wanted) and line.endswith(b"\n"):
                    if len(found) == most:
                        return found, base + opened.tell() - len(line)
                    found.append(_point(name, line, wall))
            base += size
    return found, None


def _point(name, line, wall):
    # type: (str, bytes, float) -> Dict[str, Any]
    record = json.loads(line.decode("ascii"))
    value = record["v"]
    value = _NUMBERS[value] if isinstance(value, str) else value
    moment = int(round((wall + record["t"]) * 1000))
    return {"key": name, "value": number_out(value), "timestamp": moment, "step": record["s"]}


def _wall(header):
    # type: (bytes) -> float
    return float(json.loads(header.decode("ascii"))["wall"])
