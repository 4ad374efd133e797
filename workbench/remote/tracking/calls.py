"""The calls of `Run` as plain functions on the current run: `workbench.log("loss", 0.5)`."""

from workbench.remote.tracking.run import MISSING, current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def log(name: "Any" = MISSING, value: "Any" = MISSING, description: "Any" = "", step: "Any" = None) -> None:
    """Run.log of the current run."""
    current().log(name, value, description, step)


def log_list(name: "Any", value: "Any", description: "Any" = "") -> None:
    """Run.log_list of the current run."""
    current().log_list(name, value, description)


def log_row(*name: "Any", **cols: "Any") -> None:
    """Run.log_row of the current run."""
    current().log_row(*name, **cols)


def log_table(name: "Any", value: "Any", description: "Any" = "") -> None:
    """Run.log_table of the current run."""
    current().log_table(name, value, description)


def log_param(name: "Any", value: "Any") -> None:
    """Run.log_param of the current run."""
    current().log_param(name, value)


def log_params(params: "Any") -> None:
    """Run.log_params of the current run."""
    current().log_params(params)


def tag(key: "Any", value: "Any" = None) -> None:
    """Run.tag of the current run."""
    current().tag(key, value)


def add_properties(properties: "Any") -> None:
    """Run.add_properties of the current run."""
    current().add_properties(properties)


def upload_file(name: "Any", path: "Any") -> None:
    """Run.upload_file of the current run."""
    current().upload_file(name, path)
