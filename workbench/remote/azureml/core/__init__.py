"""`from azureml.core import Run`: the tracking of `from workbench import Run` under the name scripts know."""

import sys

from workbench.remote.tracking import Run

__all__ = ["Run"]

ABSENT = frozenset((
    "ComputeTarget", "Dataset", "Datastore", "Environment", "Experiment", "Image", "Keyvault", "Model",
    "RunConfiguration", "ScriptRunConfig", "Webservice", "Workspace",
))  # fmt: skip


class _Package(type(sys)):  # type: ignore[misc]
    """A module that says what it lacks, on interpreters without module-level __getattr__ as well."""

    def __getattr__(self, name):
        # type: (str) -> object
        if name in ABSENT:
            raise ImportError(
                "azureml.core.%s is not here: inside a run azureml.core is a stand-in that has Run only. "
                "Install azureml-core in the run's environment, or ask for it outside of the run" % name
            )
        raise AttributeError("module 'azureml.core' has no attribute %r" % name)


sys.modules[__name__].__class__ = _Package
