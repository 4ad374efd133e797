"""Whether a machine finds what is locked by itself: uv is asked, with the user's proxies and indexes."""

import os
import subprocess
import tempfile
from typing import Any, Dict, Mapping

from workbench.remote.environments.steps import last_words
from workbench.remote.environments.tools_here import find_uv
from workbench.remote.environments.uv_steps import uv_environment
from workbench.remote.machine import Machine
from workbench.remote.processes.masking import masked_text
from workbench.remote.snapshots.leftovers import remove_tree
from workbench.remote.wire.problems import RequestError

PATIENCE = 30.0  # seconds after which a network that swallows everything counts as none
HTTP_SECONDS = "8"


def reach(machine, build, secrets):
    # type: (Machine, Dict[str, Any], Mapping[str, str]) -> Dict[str, Any]
    """{"finds": whether uv can find all of a build's lock here, "why": what it says where it cannot}.

    Nothing is downloaded but what the indexes say of the packages. Raises RequestError without a uv.
    """
    uv = find_uv(machine, build.get("uv"))
    if uv is None:
        raise RequestError("not_found", "there is no uv to ask")
    around = os.path.join(machine.root, "uv")
    os.makedirs(around, 0o700, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="asking-", dir=around)
    try:
        lock = os.path.join(folder, "requirements.txt")
        with open(lock, "wb") as file:
            file.write(str(build.get("lock") or "").encode("utf-8"))
        environment = uv_environment(machine, build, secrets, False)
        environment.update(UV_HTTP_TIMEOUT=HTTP_SECONDS, UV_HTTP_RETRIES="0", UV_HTTP_CONNECT_TIMEOUT="5")
        argv = [uv, "pip", "install", "--dry-run", "--no-deps", "--no-progress", "--color", "never"]
        argv += ["--target", os.path.join(folder, "nothing"), "--python", str(build.get("interpreter"))]
        return ask(argv + ["-r", lock], environment, secrets)
    finally:
        remove_tree(folder)


def ask(argv, environment, secrets):
    # type: (list[str], Mapping[str, str], Mapping[str, str]) -> Dict[str, Any]
    """Run it, at most PATIENCE."""
    try:
        done = subprocess.run(
            argv,
            env=dict(environment),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"finds": False, "why": "no index answered within %g s" % PATIENCE}
    if done.returncode == 0:
        return {"finds": True, "why": ""}
    why = masked_text(last_words(done.stderr, argv[0], done.returncode), secrets.values())
    return {"finds": False, "why": why}
