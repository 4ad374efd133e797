"""The runs that an MLflow endpoint knows: its own, and the children that were made inside it.

What is logged goes to record files at once; of it stay in memory params, tags and each metric's last value.
"""

import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from workbench.remote.forms.record_text import cell, metric_field, quote
from workbench.remote.forms.run_ids import new_run_id
from workbench.remote.mlflow_api.journal import RUN, Journal
from workbench.remote.mlflow_api.wire import BAD, DENIED, NOT_FOUND, Refused, entries_out, number_out
from workbench.remote.runs.records import RecordFile

MOST_CHILDREN = 10000
MOST_NAMES = 100000
"""Names of params, tags and metrics, over all runs, that are read back; more are only recorded."""
PARENT = "mlflow.parentRunId"
RUN_NAME = "mlflow.runName"
SOURCE = "mlflow.source.name"
ANY = "-"  # in place of a script's name: whichever comes
ENDS = {"FINISHED": "Completed", "FAILED": "Failed", "KILLED": "Canceled"}
GOING_ON = ("RUNNING", "SCHEDULED")
SILENT = frozenset((PARENT, RUN_NAME, "mlflow.user", "mlflow.loggedArtifacts"))
"""Tags that MLflow's client sets for itself, as mlflow.source.*: kept for it, not shown as the run's."""
KEPT = ("name", "parent", "user", "start", "end", "status", "deleted", "inputs", "model_inputs", "outputs")
EXPERIMENT = "0"
"""The id of the one experiment that an endpoint has."""

# value, milliseconds since 1970, step
Point = Tuple[float, int, int]
Metric = NamedTuple("Metric", [("name", str), ("value", float), ("time", int), ("step", int)])


def is_silent(name):
    # type: (str) -> bool
    """Whether a tag is MLflow's own."""
    return name in SILENT or name.startswith("mlflow.source.")


class TrackedRun(object):
    """One run: what is known of it, and the record file that it is written to."""

    def __init__(self, run_id, name, user, start, file):
        # type: (str, str, str, int, RecordFile) -> None
        self.id = run_id
        self.name = name
        self.user = user
        self.start = start
        self.end = None  # type: Optional[int]
        self.status = "RUNNING"
        self.deleted = False
        self.parent = ""  # of a child: the child above it, where there is one
        self.file = file
        self.params = {}  # type: Dict[str, str]
        self.tags = {}  # type: Dict[str, str]
        self.metrics = {}  # type: Dict[str, Point]
        self.inputs = []  # type: List[Dict[str, Any]]
        self.model_inputs = []  # type: List[Dict[str, Any]]
        self.outputs = []  # type: List[Dict[str, Any]]

    @property
    def artifacts(self):
        # type: () -> str
        """The address of its files, as MLflow's server lays them out."""
        return "mlflow-artifacts:/%s/%s/artifacts" % (EXPERIMENT, self.id)

    def info(self):
        # type: () -> Dict[str, Any]
        """MLflow's RunInfo."""
        found = {
            "run_uuid": self.id,
            "run_id": self.id,
            "experiment_id": EXPERIMENT,
            "run_name": self.name,
            "user_id": self.user,
            "status": self.status,
            "start_time": self.start,
            "artifact_uri": self.artifacts,
            "lifecycle_stage": "deleted" if self.deleted else "active",
        }  # type: Dict[str, Any]
        if self.end is not None:
            found["end_time"] = self.end
        return found

    def known(self):
        # type: () -> Dict[str, Any]
        """What no record says of it, for the journal."""
        found = {name: getattr(self, name) for name in KEPT}
        return dict(found, silent={name: value for name, value in self.tags.items() if is_silent(name)})

    def out(self):
        # type: () -> Dict[str, Any]
        """MLflow's Run."""
        metrics = []
        for name, (value, moment, step) in self.metrics.items():
            metrics.append({"key": name, "value": number_out(value), "timestamp": moment, "step": step})
        data = {"metrics": metrics, "params": entries_out(self.params), "tags": entries_out(self.tags)}
        inputs = {"dataset_inputs": self.inputs, "model_inputs": self.model_inputs}
        outputs = {"model_outputs": self.outputs}
        return {"info": self.info(), "data": data, "inputs": inputs, "outputs": outputs}


class Runs(object):
    """The run in whose folder the endpoint works, and its children. Its caller sees to one call at a time.

    name, user, tags: as the run was submitted. journal: where a successor finds what no record says.
    """

    def __init__(self, directory, run_id, attempt, name, user, tags, journal):
        # type: (str, str, int, str, str, Dict[str, str], Journal) -> None
        self._directory = directory
        self._attempt = attempt
        self._journal = journal
        self._room = MOST_NAMES
        self._script = None  # type: Optional[str]
        self.own = TrackedRun(run_id, name, user, self.now(), RecordFile(directory, run_id, attempt))
        self.own.tags.update(tags)
        self.own.tags.update({RUN_NAME: name, "mlflow.user": user})
        self._runs = {run_id: self.own}
        self._take_over()
        self.keep(self.own)

    def now(self):
        # type: () -> int
        """Milliseconds since 1970."""
        return int(time.time() * 1000)

    def get(self, run_id):
        # type: (str) -> TrackedRun
        """A run by its id. Raises Refused."""
        found = self._runs.get(run_id)
        if found is None:
            words = "Run with id=%s not found: here are this run and its children only" % run_id[:100]
            raise Refused(NOT_FOUND, words)
        return found

    def has(self, run_id):
        # type: (str) -> bool
        """Whether there is such a run."""
        return run_id in self._runs

    def all(self):
        # type: () -> List[TrackedRun]
        """All of them, oldest first."""
        return list(self._runs.values())

    def begin(self, name, user, start, tags):
        # type: (str, str, int, Dict[str, str]) -> TrackedRun
        """The run that a script begins: the own one for the first that is nested in none, else a child.

        So too for the first of another script, once the one before has ended its own: `prepare.py`, then
        `train.py`.
        """
        script = tags.get(SOURCE, "")
        again = self.own.end is not None and self._script not in (script, ANY)
        first = self._script is None or again
        if PARENT in tags or not first:
            return self.create(name, user, start, tags)
        self._script = script
        self.own.user = user
        self.update(self.own, "RUNNING", None, name)
        self.tag(self.own, list(dict(tags, **{SOURCE: script}).items()))
        return self.own

    def named(self, run):
        # type: (TrackedRun) -> None
        """A script goes on with a run by its id: who knows the own one begins none in its place."""
        if run is self.own and self._script is None:
            self._script = ANY
            self.own.tags[SOURCE] = ANY

    def create(self, name, user, start, tags):
        # type: (str, str, int, Dict[str, str]) -> TrackedRun
        """A new child, of the run that its tags name as parent, or of the own run."""
        if len(self._runs) > MOST_CHILDREN:
            raise Refused(BAD, "a run has at most %d children" % MOST_CHILDREN)
        run_id = new_run_id()
        name = name or tags.get(RUN_NAME) or "child-%d" % len(self._runs)
        parent = tags.get(PARENT)
        above = parent if parent in self._runs and parent != self.own.id else ""
        run = self._child(run_id, name, user, start, above or "")
        run.file.write_many(['{"k":"status","v":"Running"'], [start / 1000.0])
        self.tag(run, list(dict(tags, **{RUN_NAME: name}).items()))
        return run

    def keep(self, run):
        # type: (TrackedRun) -> None
        """Journal what no record says of a run."""
        self._journal.keep(RUN, run.id, run.known())

    def update(self, run, status, end, name):
        # type: (TrackedRun, str, Optional[int], str) -> None
        """Change how a run is, and is called. How the own run really ended is its supervisor's to say."""
        if status and status not in ENDS and status not in GOING_ON:
            raise Refused(BAD, "Invalid run status %s" % status[:40])
        if name and name != run.name:
            self.tag(run, [(RUN_NAME, name)])
        if status in GOING_ON:
            run.status, run.end = status, end
        elif status:
            run.status, run.end = status, self.now() if end is None else end
            if run is not self.own:
                line = '{"k":"status","v":%s' % quote(ENDS[status])
                run.file.write_many([line], [run.end / 1000.0])
                run.file.rest()
        self.keep(run)

    def delete(self, run, gone=True):
        # type: (TrackedRun, bool) -> None
        """Hide a child, or bring it back; its records stay. Raises Refused for the own run."""
        if run is self.own:
            raise Refused(DENIED, "a run cannot delete itself: `wb run rm` does, once it is over")
        run.deleted = gone
        self.keep(run)

    def log(self, run, metrics, params, tags):
        # type: (TrackedRun, List[Metric], List[Tuple[str, str]], List[Tuple[str, str]]) -> None
        """Record a batch. Raises Refused, before anything is recorded, when it would change a param."""
        for name, value in params:
            known = run.params.get(name)
            if known is not None and known != value:
                raise Refused(
                    BAD,
                    "Changing param values is not allowed. Param with key='%s' was already logged with value="
                    "'%s' for run ID='%s'. Attempted logging new value '%s'." % (name, known, run.id, value),
                )
        self._record(run, ['{"k":"param","n":%s,"v":%s' % (quote(n), cell(v)) for n, v in params
                           if n not in run.params])  # fmt: skip
        for name, value in params:
            if self._takes(run.params, name):
                run.params[name] = value
        self.tag(run, tags)
        lines = []
        for metric in metrics:
            field = metric_field(metric.value)
            lines.append('{"k":"metric","n":%s,%s,"s":%d' % (quote(metric.name), field, metric.step))
            self.remember(run.metrics, metric)
        if lines:
            run.file.write_many(lines, [metric.time / 1000.0 for metric in metrics])

    def remember(self, last, metric):
        # type: (Dict[str, Point], Metric) -> None
        """Keep what is the last value of a metric: of the greatest step, then time, then value."""
        known = last.get(metric.name)
        if known is None and not self._takes(last, metric.name):
            return
        new = (metric.value, metric.time, metric.step)
        if known is None or (new[2], new[1], _order(new[0])) >= (known[2], known[1], _order(known[0])):
            last[metric.name] = new

    def tag(self, run, tags):
        # type: (TrackedRun, List[Tuple[str, str]]) -> None
        """Set tags."""
        told = [tag for tag in tags if not is_silent(tag[0])]
        self._record(run, ['{"k":"tag","n":%s,"v":%s' % (quote(name), cell(value)) for name, value in told])
        for name, value in tags:
            if self._takes(run.tags, name):
                run.tags[name] = value
            if name == RUN_NAME and value and value != run.name:
                self._rename(run, value)
        if len(told) < len(tags):
            self.keep(run)

    def untag(self, run, name):
        # type: (TrackedRun, str) -> None
        """Take a tag away. Raises Refused when there is none."""
        if name not in run.tags:
            raise Refused(NOT_FOUND, "No tag with name: %s in run with id %s" % (name[:100], run.id))
        del run.tags[name]
        if is_silent(name):
            self.keep(run)
            return
        self._record(run, ['{"k":"tag","n":%s,"v":null,"gone":true' % quote(name)])

    def artifact(self, run, name, path):
        # type: (TrackedRun, str, str) -> None
        """Record a file. path: relative to the run's folder."""
        self._record(run, ['{"k":"artifact","n":%s,"path":%s' % (quote(name), quote(path))])

    def warn(self, text):
        # type: (str) -> None
        """Say in the run's records what a reader of the run should know."""
        self._record(self.own, ['{"k":"warning","v":%s' % cell(text)])

    def close(self):
        # type: () -> None
        """No more is recorded."""
        for run in self._runs.values():
            run.file.rest()

    def _child(self, run_id, name, user, start, above):
        # type: (str, str, str, int, str) -> TrackedRun
        run = TrackedRun(run_id, name, user, start, self._file(run_id, name, above))
        run.parent = above
        self._runs[run_id] = run
        return run

    def _file(self, run_id, name, above):
        # type: (str, str, str) -> RecordFile
        head = '{"id":%s,"name":%s' % (quote(run_id), quote(name))
        head += ',"parent":%s}' % quote(above) if above else "}"
        return RecordFile(self._directory, self.own.id, self._attempt, head)

    def _rename(self, run, name):
        # type: (TrackedRun, str) -> None
        """A child's name stands in its files' headers: it gets another file. The own run's stays a tag."""
        run.name = name
        if run is self.own:
            self._record(run, ['{"k":"tag","n":%s,"v":%s' % (quote(RUN_NAME), cell(name))])
            return
        run.file.rest()
        earlier, run.file = run.file.paths, self._file(run.id, name, run.parent)
        run.file.paths.extend(earlier)
        if run.end is None:
            self._record(run, ['{"k":"status","v":"Running"'])

    def _take_over(self):
        # type: () -> None
        """Know what an endpoint knew that crashed in this attempt."""
        for run_id, known in self._journal.found.get(RUN, {}).items():
            run = self._runs.get(run_id)
            if run is None:
                run = self._child(run_id, known["name"], known["user"], known["start"], known["parent"])
            for name in KEPT:
                setattr(run, name, known[name])
            run.tags.update(known["silent"])
        if SOURCE in self.own.tags:
            self._script = self.own.tags[SOURCE]
        for child, path, wall, records in self._journal.files():
            found = self._runs.get(child or self.own.id)
            if found is not None:
                found.file.paths.append(path)
                for record in records:
                    self._again(found, record, wall)

    def _again(self, run, record, wall):
        # type: (TrackedRun, Dict[str, Any], float) -> None
        """Remember what a record says, as when it was written."""
        kind, name, value = record.get("k"), str(record.get("n")), record.get("v", "")
        if kind == "metric" and "v" in record and "s" in record:
            moment = int(round((wall + record["t"]) * 1000))
            self.remember(run.metrics, Metric(name, float(value), moment, record["s"]))
        elif kind == "param" and self._takes(run.params, name):
            run.params[name] = str(value)
        elif kind == "tag" and record.get("gone"):
            run.tags.pop(name, None)
        elif kind == "tag" and self._takes(run.tags, name):
            run.tags[name] = str(value)

    def _record(self, run, lines):
        # type: (TrackedRun, List[str]) -> None
        """What the disk does not take is dropped, and counted in the file: training goes on."""
        if lines:
            run.file.write_many(lines)

    def _takes(self, names, name):
        # type: (Dict[str, Any], str) -> bool
        """Whether there is room to remember a name; counts it."""
        if name in names:
            return True
        self._room -= 1
        return self._room >= 0


def _order(value):
    # type: (float) -> float
    return float("-inf") if value != value else value
