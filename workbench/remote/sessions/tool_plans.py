"""The tools that can be started beside a run: what they need, how they are started, where their page is."""

import os
from typing import Dict, List, NamedTuple, Optional, Sequence

# modules: any of them will do, the first one there is taken. name: for people.
Tool = NamedTuple("Tool", [("name", str), ("modules", Sequence[str]), ("install", str)])

# argv behind the interpreter. environment: added to the run's. path: of the URL, without its host.
Plan = NamedTuple("Plan", [("argv", List[str]), ("environment", Dict[str, str]), ("path", str)])

TOOLS = {
    "tensorboard": Tool("TensorBoard", ("tensorboard",), "tensorboard"),
    "jupyter": Tool("Jupyter", ("jupyterlab", "notebook"), "jupyterlab"),
}
EVENTS = "events.out.tfevents"
MOST_LOOKED_AT = 20000  # files
HERE = "127.0.0.1"


def plan(tool, module, port, token, log_dir, root):
    # type: (str, str, int, str, str, bool) -> Plan
    """How to start a tool by a module of it. token: what its page asks for, where it asks.

    log_dir: where TensorBoard looks. root: whether it is started by root, which Jupyter has to be told.
    """
    if tool == "tensorboard":
        argv = ["-m", "tensorboard.main", "--logdir", log_dir, "--host", HERE, "--port", str(port)]
        return Plan(argv, {"CUDA_VISIBLE_DEVICES": ""}, "/")  # it reads files; a framework would take a GPU
    argv = ["-m", module, "--no-browser", "--ip=" + HERE, "--port=%d" % port, "--port-retries=0"]
    page = "lab" if module == "jupyterlab" else "tree"
    return Plan(
        argv + (["--allow-root"] if root else []), {"JUPYTER_TOKEN": token}, "/%s?token=%s" % (page, token)
    )


def find_log_dir(run_dir):
    # type: (str) -> str
    """Where TensorBoard should look: the one of outputs/, logs/ and code/ that has event files.

    All of the run's folder where several have, or none has yet. code/ leads to the other two by links,
    which are not followed, so nothing is shown twice.
    """
    having = [name for name in ("outputs", "logs", "code") if _has_events(os.path.join(run_dir, name))]
    return os.path.join(run_dir, having[0]) if len(having) == 1 else run_dir


def _has_events(folder):
    # type: (str) -> bool
    seen = 0
    for _, folders, names in os.walk(folder):
        if any(name.startswith(EVENTS) for name in names):
            return True
        seen += len(names) + len(folders)
        if seen > MOST_LOOKED_AT:
            return False
    return False


def chosen_module(tool, installed):
    # type: (str, Sequence[str]) -> Optional[str]
    """The module to start it by; None when none of them is there."""
    return next((name for name in TOOLS[tool].modules if name in installed), None)
