"""`from azureml.core import Dataset` inside a run: the datasets that are its inputs, and tables at paths."""

from workbench.remote.tabular.inputs import InputTable, named
from workbench.remote.tracking.run import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

DELIMITED_OPTIONS = (
    "include_path", "infer_column_types", "set_column_types", "separator", "header", "partition_format",
    "support_multi_line", "empty_as_string", "encoding", "validate",
)  # fmt: skip

__all__ = ["Dataset"]


class _Tables(object):
    """Tables of files that are at a path of this machine, such as an input's."""

    @staticmethod
    def from_delimited_files(path, **options):
        # type: (Any, object) -> InputTable
        """Rows of delimited text; options as the cloud's SDK has them."""
        return InputTable.of(str(path), _definition("delimited", options))

    @staticmethod
    def from_parquet_files(path, **options):
        # type: (Any, object) -> InputTable
        """Rows of parquet files."""
        return InputTable.of(str(path), _definition("parquet", options))

    @staticmethod
    def from_json_lines_files(path, **options):
        # type: (Any, object) -> InputTable
        """Rows of files with one JSON object a line."""
        return InputTable.of(str(path), _definition("json_lines", options))


def _definition(form, options):
    # type: (str, dict[str, object]) -> dict[str, object]
    known = {key: value for key, value in options.items() if key in DELIMITED_OPTIONS and value is not None}
    return dict(known, format=form)


class Dataset(object):
    """What a script finds of datasets inside a run: those that it was submitted with."""

    Tabular = _Tables

    @staticmethod
    def get_by_name(workspace, name, version="latest"):
        # type: (object, str, Union[int, str]) -> str
        """The input that is a version of that name: its path, which a tabular one is read by as well.

        Raises ValueError where this run has no such input: inside a run others are not reached.
        """
        run = Run.get_context()
        asked = str(name) if version == "latest" else "%s:%s" % (name, version)
        found = named(run.input_datasets, run._spec(), asked)
        if found is None:
            words = "the dataset %s is no input of this run: submit it with --input %s=data:%s"
            raise ValueError(words % (asked, name, asked))
        return found

    get = get_by_name
