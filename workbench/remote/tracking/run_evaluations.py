"""The calls of a run that log how well a model does: tables in a stated schema (AZ-97)."""

from workbench.remote.forms import record_form as form
from workbench.remote.forms.record_text import cell, flat_text, quote
from workbench.remote.tracking.complaints import guarded, nothing
from workbench.remote.tracking.run_files import RunFiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class RunEvaluations(RunFiles):
    """Confusion matrices, accuracy tables, residuals and predictions of a run.

    Each value is a mapping, or JSON text, with schema_type, schema_version and data.
    """

    @guarded(nothing)
    def log_confusion_matrix(self, name: "Any", value: "Any", description: "Any" = "") -> None:
        """Record a confusion matrix; data: class_labels, matrix (a row a true class)."""
        self._evaluation("confusion_matrix", name, value, description)

    @guarded(nothing)
    def log_accuracy_table(self, name: "Any", value: "Any", description: "Any" = "") -> None:
        """Record counts at thresholds; data: class_labels, probability_tables and probability_thresholds,
        percentile_tables and percentile_thresholds. A table has [TP, FP, TN, FN] a threshold."""
        self._evaluation("accuracy_table", name, value, description)

    @guarded(nothing)
    def log_residuals(self, name: "Any", value: "Any", description: "Any" = "") -> None:
        """Record a histogram of residuals; data: bin_edges, bin_counts."""
        self._evaluation("residuals", name, value, description)

    @guarded(nothing)
    def log_predictions(self, name: "Any", value: "Any", description: "Any" = "") -> None:
        """Record predictions against true values; data: bin_edges, bin_counts, bin_averages, bin_errors."""
        self._evaluation("predictions", name, value, description)

    def _evaluation(self, kind: str, name: "Any", value: "Any", description: "Any") -> None:
        from workbench.remote.tracking.schemas import (
            read_evaluation,  # brings json: not for every script to pay
        )

        name = self._name(name, "log_" + kind)
        self._show(kind.replace("_", " ") + " metric", name, value)
        found = read_evaluation(kind, value)
        if found.problem is not None:
            self.complain("log_%s: %s: %s" % (kind, name, found.problem), found.problem, name)
        schema = '"schema":%s,"schema_version":%s' % (quote(found.type), quote(found.version))
        about = ',"d":%s' % cell(flat_text(description)) if description else ""
        line = '{"k":"%s","n":%s,%s,"v":%s%s' % (form.RECORD_TABLE, quote(name), schema, found.text, about)
        if len(line) <= form.MAX_RECORD - 64:
            self._record(line, name)
            return
        from io import BytesIO

        whole = '{"schema_type":%s,"schema_version":%s,"data":%s}\n'
        content = (whole % (quote(found.type), quote(found.version), found.text)).encode("ascii")
        path = self._keep(name + ".json", BytesIO(content))
        self._artifact(name, path)
        self.complain("%s is over %d bytes and is kept as %s" % (name, form.MAX_RECORD, path), "size", name)
