"""The package `workbench` as a run sees it; the payload carries this file as workbench/__init__.py.

The names are loaded when they are first asked for, so the link and the supervisor do not pay for them.
"""

import sys

_TRACKING = ("Run", "TrackingWarning")
_CALLS = (
    "add_properties",
    "log",
    "log_list",
    "log_param",
    "log_params",
    "log_row",
    "log_table",
    "tag",
    "upload_file",
)

__all__ = list(_TRACKING + _CALLS)


class _Package(type(sys)):  # type: ignore[misc]
    """A module that finds its names late, on interpreters without module-level __getattr__ as well."""

    def __getattr__(self, name: str) -> object:
        if name not in __all__:
            raise AttributeError("module 'workbench' has no attribute %r" % name)
        from workbench.remote.tracking import run as home

        if name in _CALLS:
            from workbench.remote.tracking import calls as home  # type: ignore[no-redef]
        value: object = getattr(home, name)
        setattr(self, name, value)
        return value


sys.modules[__name__].__class__ = _Package
