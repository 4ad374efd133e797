"""The calls of a run that make runs below it, and find them again (AZ-81, AZ-84)."""

from workbench.remote.runs.records import RecordWriter
from workbench.remote.tracking.complaints import guarded
from workbench.remote.tracking.run_evaluations import RunEvaluations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    from workbench.remote.tracking.run import Run


class RunChildren(RunEvaluations):
    """A run that others can be made below."""

    def child_run(self, name: "Any" = None, **unknown: "Any") -> "Run":
        """A new run below this one, with an id, metrics, tags and files of its own (AZ-81).

        As a context manager it is Completed, or Failed by what is raised; else call complete() or fail().
        """
        from workbench.remote.tracking.child_runs import ChildRun

        return ChildRun.begin(self, name)

    @guarded(list)
    def create_children(
        self, count: "Any" = None, tag_key: "Any" = None, tag_values: "Any" = None, name: "Any" = None
    ) -> "List[Run]":
        """Several children at once: count of them, or one, tagged with it, a value of tag_values (AZ-81)."""
        from workbench.remote.tracking.child_runs import make_many

        return list(make_many(self, count, tag_key, tag_values, name))

    @guarded(list)
    def get_children(
        self,
        recursive: bool = False,
        tags: "Any" = None,
        properties: "Any" = None,
        type: "Any" = None,
        status: "Any" = None,
    ) -> "List[Any]":
        """The runs below this one that any of its processes made so far, the oldest first (AZ-84).

        recursive: those below them too. tags: a name, or a mapping; properties: a mapping; status: Running,
        Completed, Failed. Children that were submitted are known to the workbench, not here.
        """
        from workbench.remote.tracking.child_runs import find

        return find(self.directory, self._root_id(), self.id, recursive, tags, properties, type, status)

    def _root_id(self) -> str:
        """The run that was submitted: this one."""
        return self.id

    def _child_records(self, told: "Dict[str, str]") -> "Any":
        """Where a child of this run records."""
        from json import dumps

        return RecordWriter(self.directory, self._root_id(), self.attempt, dumps(told))
