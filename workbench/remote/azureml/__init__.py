"""A stand-in for Azure ML's package, last on sys.path of a run: an installed one, or part of it, goes before.

Scripts that do `from azureml.core import Run` log to their run unchanged. Of the rest of that package there
is nothing here.
"""

from pkgutil import extend_path

__path__ = [p for p in extend_path(__path__, __name__) if p not in __path__] + __path__
