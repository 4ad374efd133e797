"""The calls of a run that keep files: copies in outputs/, named by artifact records."""

import os

from workbench.remote.complaints import guarded, nothing
from workbench.remote.record_text import quote
from workbench.remote.run_facts import RunFacts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List


class RunFiles(RunFacts):
    """Uploads, images and models of a run."""

    @guarded(nothing)
    def upload_file(self, name: "Any", path_or_stream: "Any" = None, path: "Any" = None) -> None:
        """Keep a copy of a file as outputs/NAME in the run's folder (AZ-88)."""
        source = path_or_stream if path is None else path
        name = self._name(name, "upload_file")
        self._show("artifact", name, source)
        self._artifact(name, self._keep(name, source))

    @guarded(nothing)
    def upload_folder(self, name: "Any", path: "Any") -> None:
        """Keep a copy of every file of a folder below outputs/NAME in the run's folder (AZ-88)."""
        from workbench.remote.artifacts import files_below

        name = self._name(name, "upload_folder")
        self._show("artifact", name, path)
        for below, file in files_below(path):
            self._artifact(name + "/" + below, self._keep(name + "/" + below, file))

    @guarded(list)
    def get_file_names(self) -> "List[str]":
        """The files of outputs/ and logs/, at most 10,000, as paths below the run's folder (AZ-88)."""
        from workbench.remote.artifacts import files_below

        found = []
        for folder in ("outputs", "logs"):
            path = os.path.join(self.directory, folder)
            if os.path.isdir(path):
                found += ["%s/%s" % (folder, below) for below, _ in files_below(path)]
        return found

    @guarded(nothing)
    def log_image(self, name: "Any", path: "Any" = None, plot: "Any" = None, description: "Any" = "") -> None:
        """Keep an image: exactly one of a file's path and a matplotlib figure (AZ-96)."""
        from workbench.remote.artifacts import saved_plot

        name = self._name(name, "log_image")
        if (path is None) == (plot is None):
            raise ValueError("give exactly one of path and plot")
        self._show("image metric", name, plot if path is None else path)
        if path is not None:
            end = os.path.splitext(os.fspath(path))[1]
            self._artifact(name, self._keep(name if name.endswith(end) else name + end, path))
            return
        with saved_plot(plot) as file:
            self._artifact(name, self._keep(name if name.endswith(".png") else name + ".png", file))

    @guarded(nothing)
    def register_model(self, model_name: "Any", model_path: "Any" = None, **more: "Any") -> None:
        """Name a file or folder of outputs/ as a model. There is no registry yet: it becomes an artifact."""
        name = self._name(model_name, "register_model")
        path = os.fspath(model_path) if model_path is not None else "outputs/" + name
        self._show("model", name, path)
        text = "register_model: there is no model registry yet, %s is recorded as an artifact" % name
        self.complain(text, "model", name)
        self._artifact(name, path, ',"model":%s' % quote(name))

    def _artifact(self, name: str, path: str, more: str = "") -> None:
        self._record('{"k":"artifact","n":%s,"path":%s%s' % (quote(name), quote(path), more), name)

    def _keep(self, name: str, source: "Any") -> str:
        from workbench.remote.artifacts import keep

        return keep(self.directory, name, source)

    def _name(self, name: "Any", call: str) -> str:
        raise NotImplementedError

    def _record(self, line: str, name: str) -> None:
        raise NotImplementedError

    def _show(self, kind: str, name: str, value: "Any") -> None:
        """Inside a run nothing is printed; see OfflineRun."""
