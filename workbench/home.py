"""Where this side keeps things: workspaces, settings, known hosts, the server's socket.

`WORKBENCH_HOME` moves all of it. Without it the home is the platform's data folder, and the socket lies in
the runtime folder, which is local to this host even where the home is shared.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from workbench import config_file
from workbench.errors import Refused, UsageError

RUNTIME = "WORKBENCH_RUNTIME"
"""The variable by which a client tells the server it starts where its socket belongs."""
MAX_SOCKET_PATH = 100  # sockaddr_un holds 108 bytes; some systems fewer
_WORKSPACE_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")


class Home(NamedTuple):
    """The places of one home; nothing is created until it is needed."""

    root: Path
    runtime: Path

    @property
    def settings_file(self) -> Path:
        """The user's settings."""
        return self.root / "settings.toml"

    @property
    def known_hosts(self) -> Path:
        """Host keys accepted through the workbench; the user's own file is only read."""
        return self.root / "known_hosts"

    @property
    def cache(self) -> Path:
        """What can be made again: stat caches of source trees."""
        return self.root / "cache"

    @property
    def server_log(self) -> Path:
        """What the local server has to say."""
        return self.root / "server.log"

    @property
    def socket(self) -> Path:
        """The server's Unix socket."""
        return self.runtime / f"{self._key}.sock"

    @property
    def _key(self) -> str:
        if self.runtime == self.root:
            return "server"
        return hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]

    def workspace(self, name: str) -> Path:
        """The folder of one workspace; raises UsageError for a name that is no file name."""
        if not _WORKSPACE_NAME.match(name):
            raise UsageError(
                f"{name!r} is no workspace name",
                "use letters, digits, '_', '-' and '.', up to 64, starting with a letter or digit",
            )
        return self.root / "workspaces" / name

    def has_workspace(self, name: str) -> bool:
        """Whether there is one of that name; raises UsageError as `workspace` does."""
        return self.workspace(name).is_dir()


def find_home(environ: Mapping[str, str] | None = None) -> Home:
    """The home the environment names, else the platform's; a relative WORKBENCH_HOME is made absolute."""
    environ = os.environ if environ is None else environ
    named = environ.get("WORKBENCH_HOME")
    if named:
        root = Path(os.path.realpath(os.path.expanduser(named)))
        if environ.get(RUNTIME):
            return Home(root, Path(environ[RUNTIME]))
        if len(os.fsencode(root / "server.sock")) <= MAX_SOCKET_PATH:
            return Home(root, root)
    else:
        data = environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
        root = Path(os.path.realpath(Path(data) / "workbench"))
    runtime = environ.get("XDG_RUNTIME_DIR")
    if runtime and len(os.fsencode(runtime)) < MAX_SOCKET_PATH - 40 and os.access(runtime, os.W_OK | os.X_OK):
        return Home(root, Path(runtime) / "workbench")
    return Home(root, Path("/tmp") / f"workbench-{os.getuid()}")


def private_folder(path: Path) -> Path:
    """path as a folder only this user may enter; made when missing.

    Raises Refused when somebody else owns it or it is no folder (a trap laid in /tmp).
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = os.lstat(path)
    if not os.path.isdir(path) or os.path.islink(path) or facts.st_uid != os.getuid():
        raise Refused(
            f"{path} is not a folder of yours", "set WORKBENCH_HOME or XDG_RUNTIME_DIR to another place"
        )
    if facts.st_mode & 0o077:
        os.chmod(path, 0o700)
    return path


def user_name() -> str:
    """This user's login name; the number where the system has no entry for it, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return str(os.getuid())


def user_at_host() -> str:
    """Who asks, as machines and their other users are told."""
    return f"{user_name()}@{os.uname().nodename}"


def workspace_name(environ: Mapping[str, str] | None = None) -> str:
    """The workspace the environment names, else a .azureml/config.json here or above, else "default".

    Raises ConfigurationError for such a file that cannot be read.
    """
    environ = os.environ if environ is None else environ
    named = environ.get("WORKBENCH_WORKSPACE")
    if named:
        return named
    found = config_file.find(Path.cwd())
    return "default" if found is None else found.workspace


def wants_embedded(environ: Mapping[str, str] | None = None) -> bool:
    """Whether the environment asks for the services inside the process that uses them."""
    environ = os.environ if environ is None else environ
    return environ.get("WORKBENCH_EMBEDDED", "") not in ("", "0")
