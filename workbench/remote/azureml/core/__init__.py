"""`from azureml.core import Run`: the tracking of `from workbench import Run` under the name scripts know.

What else scripts import from here can be imported, and says that it is not here when it is used: many import
a Workspace that they use elsewhere only.
"""

import sys

from workbench.remote.tabular.run_datasets import Dataset
from workbench.remote.tracking.run import Run

ABSENT = {
    "Datastore": "datastore", "Environment": "environment", "Experiment": "experiment",
    "Keyvault": "keyvault", "Model": "model", "ScriptRunConfig": "script_run_config",
    "Webservice": "webservice", "Workspace": "workspace",
}  # fmt: skip
"""Name -> the module it has of its own."""

__all__ = ["Dataset", "Run"]


class _Absent(type):
    """A class that can be imported, and asked about, but not used."""

    def __call__(cls, *given, **named):
        # type: (*object, **object) -> object
        """Always ImportError."""
        raise _refusal(cls.__name__)

    def __getattr__(cls, name):
        # type: (str) -> object
        if name.startswith("__"):
            raise AttributeError(name)
        raise _refusal(cls.__name__)


def _refusal(name):
    # type: (str) -> ImportError
    return ImportError(
        "azureml.core.%s is not here: inside a run azureml.core is a stand-in that has Run and Dataset only. "
        "Install azureml-core in the run's environment, or use it outside of the run" % name
    )


def _offer():
    # type: () -> None
    """Put them here, and in modules of their own as in `from azureml.core.model import Model`."""
    here = sys.modules[__name__]
    offered = {"Dataset": ("dataset", Dataset)}  # type: dict[str, tuple[str, type]]
    for name, module in ABSENT.items():
        offered[name] = (module, _Absent(name, (), {"__doc__": "Not here.", "__module__": __name__}))
    for name, (module, kind) in offered.items():
        setattr(here, name, kind)
        own = type(sys)("%s.%s" % (__name__, module))
        setattr(own, name, kind)
        setattr(here, module, own)
        sys.modules[own.__name__] = own


_offer()
