"""What names an environment on a machine: a hash of all that its content depends on. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

from workbench.errors import RemoteError
from workbench.text.sanitize import clean

KEY_LENGTH = 32


class Interpreter(NamedTuple):
    """A machine's interpreter that an environment is built with."""

    path: str
    version: str
    abi: str
    machine: str
    libc: tuple[str, str]
    """Name and version, such as ("glibc", "2.36")."""

    @property
    def minor(self) -> str:
        """Such as 3.11."""
        return ".".join(self.version.split(".")[:2])


def read_interpreter(wire: Any) -> Interpreter | None:
    """What a machine says of an interpreter; None where it has none. Raises RemoteError for nonsense."""
    if wire is None:
        return None
    try:
        name, number = wire["libc"]
        found = Interpreter(
            clean(wire["path"], 4000), clean(wire["version"], 40), clean(wire["abi"], 100),
            clean(wire["machine"], 40), (clean(name, 40), clean(number, 40)),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as problem:
        raise RemoteError("the machine did not say with which interpreter it builds") from problem
    if not found.path.startswith("/"):
        raise RemoteError("the machine named no interpreter's path")
    return found


def build_key(
    kind: str, content: str, interpreter: Interpreter, builder: str, indexes: list[str], by: str
) -> str:
    """The key: lock or conda file, Python's version, ABI and place, system, builder's version, indexes.

    by: what builds, uv or conda. Names and versions of the environment are not part of it: those that come to
    the same are one on the machine.
    """
    parts = [
        2, kind, content, interpreter.path, interpreter.version, interpreter.abi, interpreter.machine,
        list(interpreter.libc), by, builder, indexes,
    ]  # fmt: skip
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:KEY_LENGTH]


def wheel_platforms(system: str, machine: str, libc: tuple[str, str]) -> list[str]:
    """The platform tags of wheels that a machine takes, the newest first, as pip names them."""
    if system != "linux":
        return []
    name, number = libc
    try:
        major, minor = (int(part) for part in number.split(".")[:2])
    except ValueError:
        major, minor = 0, 0
    if name == "musl":
        highest = minor if major == 1 else 1
        return [f"musllinux_1_{m}_{machine}" for m in range(highest, 0, -1)]
    if name != "glibc" or major != 2:
        return [f"manylinux2014_{machine}", f"manylinux_2_17_{machine}"]
    found = [f"manylinux_2_{m}_{machine}" for m in range(minor, 4, -1)]
    old = [("manylinux2014", 17), ("manylinux2010", 12), ("manylinux1", 5)]
    return [*found, *(f"{word}_{machine}" for word, least in old if minor >= least), f"linux_{machine}"]


def uv_platform(machine: str, libc: tuple[str, str]) -> str:
    """The machine's platform as uv's --python-platform names it, for the markers of a lock."""
    name, number = libc
    if name == "musl":
        return f"{machine}-unknown-linux-musl"
    parts = number.split(".")
    if name == "glibc" and len(parts) >= 2 and parts[0] == "2" and parts[1].isdigit():
        # uv knows the older ones by name, 2.28 and 2.31 to 2.40; a lock's markers look at none of them.
        return f"{machine}-manylinux_2_28" if int(parts[1]) >= 28 else f"{machine}-manylinux2014"
    return f"{machine}-unknown-linux-gnu"
