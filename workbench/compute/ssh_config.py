"""What the user's ssh_config says of one host, evaluated by asyncssh's own loader.

asyncssh skips keywords it does not know without a word. Here every keyword of the blocks that match the host
is kept, so that the ones we honour ourselves are read and the ones nobody honours can be named.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from asyncssh.config import ConfigParseError, SSHClientConfig

from workbench.compute.address import Address
from workbench.errors import ConfigurationError
from workbench.home import user_name

SYSTEM_CONFIG = Path("/etc/ssh/ssh_config")
DEFAULT_IDENTITIES = (
    "id_ed25519",
    "id_ecdsa",
    "id_rsa",
    "id_ed25519_sk",
    "id_ecdsa_sk",
    "id_ed448",
    "id_dsa",
)
MAX_INCLUDES = 16
_PROXIES = ("proxyjump", "proxycommand")


class Line(NamedTuple):
    """A keyword that applies to the host, its value, and where it stands."""

    keyword: str
    value: str
    place: str


class Survey(NamedTuple):
    """Everything the configuration says of one host."""

    named: str
    """The host as it was asked for."""
    host: str
    """The name or address to connect to (HostName)."""
    port: int
    user: str
    lines: list[Line]
    """All keywords of matching blocks in order, known to asyncssh or not."""
    paths: list[Path]
    """The files that were read, without what they include."""
    options: dict[str, Any]
    """asyncssh's view: first value of each keyword it knows."""

    def first(self, keyword: str) -> str | None:
        """The value that counts of a keyword: the first, as in OpenSSH."""
        for line in self.lines:
            if line.keyword == keyword.lower():
                return line.value
        return None

    @property
    def strict(self) -> str:
        """StrictHostKeyChecking as yes, accept-new, ask or no."""
        value = (self.first("stricthostkeychecking") or "ask").lower()
        return {"true": "yes", "off": "no", "false": "no"}.get(value, value)

    @property
    def alias(self) -> str | None:
        """HostKeyAlias."""
        return self.first("hostkeyalias")

    @property
    def known_hosts(self) -> list[Path]:
        """The user's and the system's known_hosts files; "none" is no file."""
        user = self.options.get("UserKnownHostsFile", ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"])
        system = self.options.get(
            "GlobalKnownHostsFile", ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]
        )
        return [Path(name).expanduser() for name in [*user, *system] if name.lower() != "none"]

    @property
    def identities(self) -> list[Path]:
        """Private key files to try, existing ones only: those named, else the usual ones."""
        named = self.options.get("IdentityFile")
        if named is None:
            named = [f"~/.ssh/{name}" for name in DEFAULT_IDENTITIES]
        return [path for name in named if (path := Path(name).expanduser()).is_file()]

    @property
    def identities_only(self) -> bool:
        """IdentitiesOnly: keys of the agent count only when they are also named."""
        return bool(self.options.get("IdentitiesOnly"))

    @property
    def proxy_jump(self) -> str | None:
        """ProxyJump as written; None when a ProxyCommand comes first, as in OpenSSH."""
        return self.first("proxyjump") if self._proxy == "proxyjump" else None

    @property
    def proxy_command(self) -> str | None:
        """ProxyCommand with its tokens expanded; None when there is none or a ProxyJump comes first."""
        value = self.options.get("ProxyCommand")
        return str(value) if value and self._proxy == "proxycommand" else None

    @property
    def _proxy(self) -> str | None:
        return next((line.keyword for line in self.lines if line.keyword in _PROXIES), None)


def config_paths(named: str | None) -> list[Path]:
    """The files to read: the one named, as with `ssh -F`, else the user's and the system's.

    Raises ConfigurationError when the named file cannot be read.
    """
    if named is not None:
        path = Path(named).expanduser()
        if not os.access(path, os.R_OK):
            raise ConfigurationError(f"the ssh_config {path} cannot be read", "check the target's ssh_config")
        return [path]
    usual = [Path("~/.ssh/config").expanduser(), SYSTEM_CONFIG]
    return [path for path in usual if os.access(path, os.R_OK)]


def survey(address: Address, paths: Sequence[Path]) -> Survey:
    """What the files say of address. Reads files and may run `Match exec`: call it off the event loop.

    Raises ConfigurationError for what asyncssh cannot parse. The system's file is left out when only it
    cannot be parsed: the user cannot mend it.
    """
    try:
        return _survey(address, list(paths))
    except (ConfigParseError, UnicodeDecodeError) as error:
        if SYSTEM_CONFIG in paths and len(paths) > 1:
            return survey(address, [path for path in paths if path != SYSTEM_CONFIG])
        raise ConfigurationError(
            f"the ssh_config cannot be used: {error}",
            "mend it, or let the system's ssh carry the link: transport openssh",
        ) from error


def _survey(address: Address, paths: list[Path]) -> Survey:
    config = _load(address, paths, final=False)
    if config.has_match_final():
        config = _load(address, paths, final=True)
    options = config.get_options(reload=False)
    host = str(options.get("Hostname", address.host))
    port = address.port or int(str(options.get("Port", 22)))
    user = address.user or str(options.get("User", user_name()))
    return Survey(address.host, host, port, user, config.lines, paths, options)


def _load(address: Address, paths: list[Path], *, final: bool) -> _RecordingConfig:
    user, port = (() if part is None else part for part in (address.user, address.port))
    config = _RecordingConfig(None, False, False, final, user_name(), user, address.host, port)
    for path in paths:
        config.parse(path)
    return config


class _RecordingConfig(SSHClientConfig):
    """asyncssh's client configuration that keeps every keyword it meets in a matching block."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lines: list[Line] = []
        self._handlers = _Handlers(SSHClientConfig._handlers)

    def record(self, option: str, args: list[str]) -> None:
        self.lines.append(Line(option.lower(), " ".join(args), f"{self._path}:{self._line_no}"))


Handler = Callable[[_RecordingConfig, str, list[str]], None]


class _Handlers(dict[str, tuple[str, Handler]]):
    """Handlers that record first; keywords asyncssh does not know are recorded only."""

    def __getitem__(self, keyword: str) -> tuple[str, Handler]:
        known = self.get(keyword)
        if known is None:
            return keyword, _record_only
        option, handler = known

        def record(config: _RecordingConfig, name: str, args: list[str]) -> None:
            config.record(name, args)
            handler(config, name, args)

        return option, record


def _record_only(config: _RecordingConfig, option: str, args: list[str]) -> None:
    config.record(option, args)
    args.clear()


def host_aliases(path: Path, depth: int = 0) -> list[str]:
    """The names one can say after `ssh`: Host entries without wildcards, also of included files, in order.

    A file that cannot be read has none.
    """
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found: dict[str, None] = {}
    for line in lines:
        words = _words(line)
        keyword = words[0].lower() if words else ""
        if keyword == "host":
            found.update((name, None) for name in words[1:] if not set(name) & set("*?!"))
        elif keyword == "include" and depth < MAX_INCLUDES:
            for included in _included(words[1:]):
                found.update((name, None) for name in host_aliases(included, depth + 1))
    return list(found)


def _words(line: str) -> list[str]:
    """The words of a line: "Keyword value ..." or "Keyword=value"; none for comments and broken quotes."""
    try:
        words = shlex.split(line, comments=False)
    except ValueError:
        return []
    if not words or words[0].startswith("#"):
        return []
    first, equals, rest = words[0].partition("=")
    return (
        [first, *([rest] if rest else []), *(word for word in words[1:] if word != "=")] if equals else words
    )


def _included(patterns: list[str]) -> list[Path]:
    """The files an Include names; relative names are below ~/.ssh, whichever file names them."""
    found: list[Path] = []
    for pattern in patterns:
        path = Path(pattern).expanduser()
        root = Path(path.anchor) if path.anchor else Path("~/.ssh").expanduser()
        relative = str(path.relative_to(path.anchor)) if path.anchor else pattern
        found += sorted(one for one in root.glob(relative) if one.is_file())
    return found
