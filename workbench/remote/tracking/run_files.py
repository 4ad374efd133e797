"""The calls of a run that keep files: copies in outputs/, named by artifact records."""

import os

from workbench.remote.forms.record_text import quote
from workbench.remote.tracking.complaints import guarded, nothing
from workbench.remote.tracking.model_request import ModelRequest, described, path_in_outputs
from workbench.remote.tracking.run_facts import RunFacts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional


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
        from workbench.remote.tracking.artifacts import files_below

        name = self._name(name, "upload_folder")
        self._show("artifact", name, path)
        for below, file in files_below(path):
            self._artifact(name + "/" + below, self._keep(name + "/" + below, file))

    @guarded(list)
    def get_file_names(self) -> "List[str]":
        """The files of outputs/ and logs/, at most 10,000, as paths below the run's folder (AZ-88)."""
        from workbench.remote.tracking.artifacts import files_below

        found = []
        for folder in ("outputs", "logs"):
            path = os.path.join(self.directory, folder)
            if os.path.isdir(path):
                found += ["%s/%s" % (folder, below) for below, _ in files_below(path)]
        return found

    @guarded(nothing)
    def log_image(self, name: "Any", path: "Any" = None, plot: "Any" = None, description: "Any" = "") -> None:
        """Keep an image: exactly one of a file's path and a matplotlib figure (AZ-96)."""
        from workbench.remote.tracking.artifacts import saved_plot

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
    def register_model(
        self,
        model_name: "Any",
        model_path: "Any" = None,
        tags: "Any" = None,
        properties: "Any" = None,
        model_framework: "Any" = None,
        model_framework_version: "Any" = None,
        description: "Any" = None,
        **more: "Any",
    ) -> "Optional[ModelRequest]":
        """Ask that a file or folder of outputs/ is registered as a model once the run is Completed (AZ-89).

        What lies elsewhere is copied to outputs/ first. Answers what was asked for; the registry is not here,
        so it has no number yet.
        """
        name = self._name(model_name, "register_model")
        given = os.fspath(model_path) if model_path is not None else "outputs/" + name
        self._show("model", name, given)
        path = path_in_outputs(given, self.directory)
        if path is None:
            path = "outputs/" + os.path.basename(os.path.normpath(given))
            if os.path.isdir(given):
                self.upload_folder(os.path.basename(path), given)
            else:
                self._keep(os.path.basename(path), given)
        about = described(tags, properties, model_framework, model_framework_version, description)
        self._artifact(name, path, ',"model":%s,"about":%s' % (quote(name), about))
        return ModelRequest(name, path)

    def _artifact(self, name: str, path: str, more: str = "") -> None:
        self._record('{"k":"artifact","n":%s,"path":%s%s' % (quote(name), quote(path), more), name)

    def _keep(self, name: str, source: "Any") -> str:
        from workbench.remote.tracking.artifacts import keep

        return keep(self.directory, name, source)

    def _name(self, name: "Any", call: str) -> str:
        raise NotImplementedError

    def _record(self, line: str, name: str) -> None:
        raise NotImplementedError

    def _show(self, kind: str, name: str, value: "Any") -> None:
        """Inside a run nothing is printed; see OfflineRun."""
