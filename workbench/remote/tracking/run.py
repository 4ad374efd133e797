"""`from workbench import Run`: what a training script calls. It appends to a file and never raises.

Outside a run the same calls print what they were given (`offline.py`).
"""

import os
from os import getpid

from workbench.remote.forms import record_form as form
from workbench.remote.forms.record_text import (
    SMALL_INT,
    cell,
    flat_text,
    is_list,
    listed,
    metric_field,
    name_text,
    pairs,
    plain,
    quote,
)
from workbench.remote.runs.records import RecordWriter
from workbench.remote.tracking.complaints import Complaints, TrackingWarning, guarded, nothing, say
from workbench.remote.tracking.run_children import RunChildren

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Callable, Dict, Optional, Tuple, Type

__all__ = ["MISSING", "Run", "TrackingWarning", "current"]

MISSING: "Any" = object()
MOST_VALUES = 100000
"""Values that one log_list, or one column of log_table, records."""
MOST_SERIES = 100000
"""Metric names whose steps are watched."""

UNKNOWN, COUNTED, STEPPED = 0, 1, 2  # how the steps of a metric come


class Series(object):
    """What is known of one metric name: its records' start, and whether steps are given or counted."""

    __slots__ = ("description", "head", "last", "steps", "value_head")

    def __init__(self, name: str) -> None:
        self.head = '{"k":"metric","n":%s,' % quote(name)
        self.value_head = self.head + '"v":'
        self.steps = UNKNOWN
        self.last = 0
        self.description = ""


class Run(RunChildren):
    """The run this script is a process of. Get it with `Run.get_context()`.

    Recording calls take microseconds, wait for no network and raise nothing: a wrong call warns once
    (TrackingWarning, and a warning record) and is recorded as well as it can be.
    """

    def __init__(self, run_id: str, directory: str, attempt: int = 1, experiment: str = "") -> None:
        RunChildren.__init__(self, run_id, directory, attempt, experiment)
        self._records = RecordWriter(directory, run_id, attempt)
        self._complaints = Complaints()
        self._series: "Dict[str, Series]" = {}
        self._ended = False

    @classmethod
    def get_context(cls, allow_offline: bool = True, **unknown: "Any") -> "Run":
        """The run this process belongs to, always the same object.

        Outside a run: an object that takes the same calls and prints them; with allow_offline=False
        RuntimeError is raised.
        """
        return current(allow_offline)

    def log(
        self,
        name: "Any" = MISSING,
        value: "Any" = MISSING,
        description: "Any" = "",
        step: "Any" = None,
        *extra: "Any",
        **unknown: "Any",
    ) -> None:
        """Record one value of a metric: a number, bool, text or None. The same name again appends (AZ-93).

        step: a whole number, given always or never for one name; without it values are counted.
        """
        # The common case without detours: a known name, a plain finite number, steps as before.
        series = self._series.get(name) if type(name) is str else None
        if series is not None and not description and not extra and not unknown:
            kind = type(value)
            if kind is not float and isinstance(value, float):
                value, kind = float(value), float  # numpy's float64 is one
            if (kind is float and value - value == 0.0) or (kind is int and -SMALL_INT < value < SMALL_INT):
                if step is None:
                    as_before = series.steps == COUNTED
                elif series.steps == STEPPED and type(step) is int and -SMALL_INT < step < SMALL_INT:
                    as_before = True
                    series.last = step
                else:
                    as_before = False
                if as_before:
                    file = self._records.latest
                    if file.pid != getpid():
                        file = self._records.file
                    if not file.write_value(series.value_head, value, step):
                        self._not_written()
                    return
        self._log_any(name, value, description, step, extra or unknown)

    @guarded(nothing)
    def log_list(self, name: "Any", value: "Any", description: "Any" = "") -> None:
        """Record every value of a list, range or array (at most 100,000) under one metric name (AZ-95)."""
        name = self._name(name, "log_list")
        self._show("list metric", name, value)
        self._append_values(name, value, description)

    @guarded(nothing)
    def log_row(self, *name: "Any", **cols: "Any") -> None:
        """log_row(name, description="", **columns): append one row to a table (AZ-95)."""
        called = self._name(name[0] if name else cols.pop("name", None), "log_row")
        description = name[1] if len(name) > 1 else cols.pop("description", "")
        self._show("row metric", called, cols)
        cells = ["%s:%s" % (quote(self._name(c, "log_row")), self._cell(called, v)) for c, v in cols.items()]
        self._tabular(form.RECORD_ROW, called, cells, description)

    @guarded(nothing)
    def log_table(self, name: "Any", value: "Any", description: "Any" = "") -> None:
        """Record a whole table: {column: [values]} (AZ-95)."""
        name = self._name(name, "log_table")
        self._show("table metric", name, value)
        columns = []
        for column, values in pairs(value):
            found = self._listed(name, values)
            cells = ",".join([self._cell(name, one) for one in found])
            columns.append("%s:[%s]" % (quote(self._name(column, "log_table")), cells))
        self._tabular(form.RECORD_TABLE, name, columns, description)

    @guarded(nothing)
    def log_param(self, name: "Any", value: "Any") -> None:
        """Record one parameter, kept as text."""
        name = self._name(name, "log_param")
        text = flat_text(value)
        self._show("param", name, text)
        self._record('{"k":"param","n":%s,"v":%s' % (quote(name), cell(str(text))), name)

    @guarded(nothing)
    def log_params(self, params: "Any") -> None:
        """Record parameters from a mapping, or an argparse result, as text."""
        for name, value in pairs(params):
            self.log_param(name, value)

    @guarded(nothing)
    def tag(self, key: "Any", value: "Any" = None) -> None:
        """Set a tag; without a value a bare one. The same key again replaces the value (AZ-78)."""
        key = self._name(key, "tag")
        text = flat_text(value)
        self._tags[key] = text
        self._show("tag", key, text)
        self._record('{"k":"tag","n":%s,"v":%s' % (quote(key), cell(text)), key)

    @guarded(nothing)
    def add_properties(self, properties: "Any") -> None:
        """Add properties, which never change: a second value for a key is warned of and not kept (AZ-78)."""
        for key, value in pairs(properties):
            key = self._name(key, "add_properties")
            text = str(flat_text(value))
            first = self.get_properties().get(key)
            if first is None:
                self._properties[key] = text
                self._show("property", key, text)
                self._record('{"k":"property","n":%s,"v":%s' % (quote(key), cell(text)), key)
            elif first != text:
                self.complain("property %s has a value already, which stays" % key, "property", key)

    @guarded(dict)
    def get_metrics(self, name: "Optional[str]" = None, **more: "Any") -> "Dict[str, Any]":
        """What this process logged: a scalar for one value, a list for many, columns for rows (AZ-99)."""
        from workbench.remote.tracking.logged_metrics import collect

        return collect(self._records.lines(), name)

    @guarded(nothing)
    def flush(self, timeout_seconds: float = 300) -> None:
        """Nothing is ever buffered: what was logged is with the operating system already (AZ-101)."""

    @guarded(nothing)
    def complete(self) -> None:
        """Say that this interactive run is Completed (AZ-77)."""
        self._ended = True
        self._record('{"k":"status","v":"Completed"', "status")

    @guarded(nothing)
    def fail(self, message: "Any" = "", error_code: "Any" = None, error_details: "Any" = None) -> None:
        """Say that this interactive run Failed, and why (AZ-77)."""
        self._ended = True
        text = flat_text(error_details or message) or ""
        self._record('{"k":"status","v":"Failed","message":%s' % cell(text), "status")

    def __enter__(self) -> "Run":
        return self

    def __exit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: "Optional[BaseException]",
        trace: "Optional[TracebackType]",
    ) -> None:
        if self._ended:
            return
        if kind is None or (isinstance(error, SystemExit) and error.code in (0, None)):
            self.complete()
        else:
            self.fail("%s: %s" % (kind.__name__, flat_text(error)))

    def complain(self, text: str, about: str, name: str = "") -> None:
        """Say once, about this kind of mistake and name, what was wrong with a call; a warning record too."""
        if self._complaints.first(about, name):
            self._records.write('{"k":"warning","v":%s' % cell(text))
            say(text)

    def _log_any(self, name: "Any", value: "Any", description: "Any", step: "Any", more: "Any") -> None:
        """log() of what is not plain: a first value, a text, a wrong call."""
        try:
            if more:
                self.complain("log: takes name, value, description and step; the rest is not recorded", "log")
            name = self._name(None if name is MISSING else name, "log")
            if value is MISSING:
                self.complain("log: %s was given no value" % name, "value", name)
                value = None
            if is_list(value):
                self.complain("log: %s is a list, log_list is the call for that" % name, "list", name)
                self._append_values(name, value, description)
                return
            series = self._series_of(name)
            field = self._field(name, value)
            about = self._description(series, description)
            self._record(series.head + field + self._step(name, series, step) + about, name)
        except Exception as error:  # law 1; see guarded
            self.complain("log: %s: %s" % (type(error).__name__, error), "log failed")

    def _append_values(self, name: str, values: "Any", description: "Any") -> None:
        series = self._series_of(name)
        about = self._description(series, description)
        lines = []
        for value in self._listed(name, values):
            lines.append(series.head + self._field(name, value) + self._step(name, series, None) + about)
            about = ""
        if not self._records.write_many(lines):
            self._not_written()

    def _listed(self, name: str, values: "Any") -> "Any":
        found, more = listed(values, MOST_VALUES)
        if more:
            self.complain("only the first %d values of %s are recorded" % (MOST_VALUES, name), "many", name)
        return found

    def _series_of(self, name: str) -> Series:
        series = self._series.get(name)
        if series is None:
            series = Series(name)
            if len(self._series) < MOST_SERIES:
                series = self._series.setdefault(name, series)
        return series

    def _step(self, name: str, series: Series, step: "Any") -> str:
        """The step's part of a record; once given, it is given always (AZ-93)."""
        if step is not None:
            whole, _ = plain(step)
            if not isinstance(whole, (int, float)) or whole != whole or not -SMALL_INT < whole < SMALL_INT:
                self.complain("log: a step of %s is no whole number, values are counted" % name, "step", name)
                step = None
            else:
                step = int(whole)
        if series.steps == UNKNOWN:
            series.steps = COUNTED if step is None else STEPPED
        elif (series.steps == STEPPED) != (step is not None):
            self.complain("log: give a step for each value of %s, or for none" % name, "steps", name)
        if step is None:
            if series.steps == COUNTED:
                return ""
            step = series.last + 1
        series.last = step
        return ',"s":%d' % step

    def _description(self, series: Series, description: "Any") -> str:
        if not description or description == series.description:
            return ""
        series.description = description
        return ',"d":%s' % cell(flat_text(description))

    def _field(self, name: str, value: "Any") -> str:
        simple = self._plain(name, value)
        if isinstance(simple, str) and len(simple) > form.MAX_VALUE:
            self.complain("a text of %s is cut to %d characters" % (name, form.MAX_VALUE), "long", name)
        return metric_field(simple)

    def _cell(self, name: str, value: "Any") -> str:
        return cell(self._plain(name, value))

    def _plain(self, name: str, value: "Any") -> "Any":
        simple, complaint = plain(value)
        if complaint is not None:
            self.complain("%s: %s" % (name, complaint), complaint, name)
        return simple

    def _name(self, name: "Any", call: str) -> str:
        text, complaint = name_text(name)
        if complaint is not None:
            self.complain("%s: %s" % (call, complaint), "name", text)
        return text

    def _tabular(self, kind: str, name: str, columns: "Any", description: "Any") -> None:
        about = ',"d":%s' % cell(flat_text(description)) if description else ""
        self._record('{"k":"%s","n":%s,"v":{%s}%s' % (kind, quote(name), ",".join(columns), about), name)

    def _record(self, line: str, name: str) -> None:
        if len(line) > form.MAX_RECORD - 64:
            text = "a record of %s is over %d bytes and is left out" % (name, form.MAX_RECORD)
            self.complain(text, "size", name)
        elif not self._records.write(line):
            self._not_written()

    def _not_written(self) -> None:
        if self._complaints.first("disk"):
            trouble = self._records.file.trouble or "unknown reason"
            say("records of this run cannot be written (%s), the script goes on" % trouble)

    def __reduce__(self) -> "Tuple[Callable[[], Run], Tuple[()]]":
        return current, ()

    def __repr__(self) -> str:
        return "%s(%s)" % (type(self).__name__, self.id)


_current: "Optional[Run]" = None


def current(allow_offline: bool = True) -> Run:
    """The one Run object of this process; see Run.get_context."""
    global _current
    run_id = os.environ.get(form.ENV_RUN_ID, "")
    directory = os.environ.get(form.ENV_RUN_DIR, "")
    if not run_id or not directory:
        if not allow_offline:
            raise RuntimeError(
                "this script is not inside a run: submit it, or allow Run.get_context() to be offline"
            )
        from workbench.remote.tracking.offline import offline_run

        return offline_run()
    run = _current
    if run is None or run.id != run_id or run.directory != directory:
        attempt = os.environ.get(form.ENV_ATTEMPT, "")
        experiment = os.environ.get(form.ENV_EXPERIMENT, "")
        run = _current = Run(run_id, directory, int(attempt) if attempt.isdigit() else 1, experiment)
    return run
