"""One line of a requirements file: a package and its versions, an address, or why it is not kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from workbench.text.sanitize import clean_name

HARMLESS = frozenset({"--require-hashes", "--prefer-binary", "--only-binary", "--no-cache-dir"})
"""Options that change nothing here: locks have hashes, and wheels are preferred anyway."""
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?"
_VERSION = r"(?:===\s*[^\s,;]+|(?:==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+)"
_VERSIONS = rf"\(?\s*{_VERSION}(?:\s*,\s*{_VERSION})*\s*,?\s*\)?"
_REQUIREMENT = re.compile(
    rf"(?P<name>{_NAME})\s*(?P<extras>\[[A-Za-z0-9._,\s-]*\])?\s*"
    rf"(?:(?P<versions>{_VERSIONS})|@\s*(?P<address>\S+))?\s*(?:;\s*(?P<marker>.+))?\Z",
    re.ASCII,
)
_HASH = re.compile(r"\s--hash[= ](sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})(?=\s|\Z)")
_MARKER = re.compile(
    r"""(?:[\s()]|python_version|python_full_version|os_name|sys_platform|platform_release|platform_system"""
    r"""|platform_version|platform_machine|platform_python_implementation|implementation_name"""
    r"""|implementation_version|extra|\bin\b|\bnot\b|\band\b|\bor\b|===|==|~=|!=|<=|>=|<|>|"""
    r"""'[^'\\]*'|"[^"\\]*")+\Z"""
)
_VCS = re.compile(r"(?:[A-Za-z0-9._-]+(?:\[[^]]*\])?\s*@\s*)?(?:git|hg|svn|bzr)(?:\+|@|:)")
_LOCAL = re.compile(
    r"(?:[.~/\\]|[A-Za-z]:[\\/]|file:)|.*[\\/].*|.*\.(?:whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)\Z"
)
_VARIABLE = re.compile(r"\$(?:\{\w+\}|\w+)")
_SECRETS = (
    "leave it out of the file; with --index corp=URL, user and password are the workspace's secrets"
    " UV_INDEX_CORP_USERNAME and UV_INDEX_CORP_PASSWORD"
)
_NAMED = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,63})=(?=https?://)", re.ASCII)


class Bad(Exception):
    """A line that cannot be kept: why, and what to do."""

    def __init__(self, words: str, hint: str) -> None:
        super().__init__(words)
        self.words = words
        self.hint = hint


class Package(NamedTuple):
    """A requirement taken apart."""

    name: str
    extras: str
    versions: str
    address: str
    marker: str
    hashes: tuple[str, ...]


def parse(line: str) -> Package:
    """A requirement's parts; raises Bad for what is none, or cannot be kept."""
    hashes = tuple(_HASH.findall(line))
    rest = _HASH.sub("", line).strip()
    option = re.search(r"\s(--?[A-Za-z][\w-]*)", rest)
    if option is not None and not rest.startswith("-"):
        raise refused_option(option[1], rest[option.end() :])
    if _VARIABLE.search(rest):
        raise Bad("names a variable, whose value no other machine has", _SECRETS)
    _check_place(rest)
    found = _REQUIREMENT.match(rest)
    if found is None:
        raise Bad(f"{_shown(rest)} is no requirement", "write NAME, NAME==1.2 or NAME>=1,<2")
    marker = " ".join((found["marker"] or "").split())
    if marker and not _MARKER.match(marker):
        raise Bad(f"{_shown(marker)} is no condition", "such as: python_version < '3.11'")
    return Package(
        found["name"],
        re.sub(r"\s+", "", found["extras"] or ""),
        re.sub(r"[\s()]+", "", found["versions"] or "").strip(","),
        found["address"] or "",
        marker,
        hashes,
    )


def requirement(line: str) -> str:
    """A requirement as it is kept: its parts in order, one space where one is needed. Raises Bad."""
    package = parse(line)
    text = package.name + package.extras + package.versions
    if package.address:
        text += f" @ {package.address}"
    if package.marker:
        text += f" ; {package.marker}"
    return text + "".join(f" --hash={item}" for item in package.hashes)


def is_exact(line: str) -> bool:
    """Whether a requirement that is kept names one version, or file, and its hashes."""
    package = parse(line)
    exact = re.fullmatch(r"={2,3}[^*,]+", package.versions) is not None or bool(package.address)
    return exact and bool(package.hashes)


def normal_name(name: str) -> str:
    """A package's name as an index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def index(value: str) -> str:
    """The address of an index, or NAME=ADDRESS, where it can be kept; raises Bad."""
    value = value.strip()
    named = _NAMED.match(value)
    if named is not None:
        return named[0] + index(value[named.end() :])
    if _VARIABLE.search(value):
        raise Bad("an index's address names a variable: what it holds is nobody else's", _SECRETS)
    return _address(value, "an index", ("https", "http"))


def address_of(index: str) -> str:
    """The address of an index that may have a name, which uv knows and pip does not."""
    named = _NAMED.match(index)
    return index if named is None else index[named.end() :]


def index_secrets(indexes: Iterable[str]) -> list[str]:
    """The names of the secrets that user and password of named indexes are under, as uv looks for them."""
    names = [match[1] for address in indexes if (match := _NAMED.match(address))]
    plain = [re.sub(r"[^A-Z0-9]", "_", name.upper()) for name in names]
    return [f"UV_INDEX_{name}_{what}" for name in plain for what in ("USERNAME", "PASSWORD")]


def refused_option(option: str, value: str) -> Bad:
    """Why an option of pip cannot be kept."""
    if option in ("-e", "--editable"):
        return Bad(
            f"an editable package ({_shown(value)}) is a folder of this machine",
            "the code directory travels with the run: put it on PYTHONPATH, or name {project: DIR}",
        )
    if option in ("-f", "--find-links", "--no-index"):
        return Bad(f"{option} asks for files nobody else has", "name an index: --extra-index-url URL")
    if option == "--trusted-host":
        return Bad(
            "--trusted-host switches the check of certificates off", "give uv the certificate: SSL_CERT_FILE"
        )
    return Bad(f"{_shown(option)} is not supported in an environment", "leave it out")


def _check_place(text: str) -> None:
    """Raise Bad for what stands for a repository, or for a file or folder of this machine."""
    plain = text.partition(";")[0].strip()
    if _VCS.match(plain):
        raise Bad(
            "a repository holds something else tomorrow, and needs git and its keys on the machine",
            "name a released version, or the https address of a wheel",
        )
    name, at, address = plain.partition("@")
    if at and re.fullmatch(rf"{_NAME}\s*(?:\[[^]]*\])?\s*", name, re.ASCII):
        _address(address.strip(), "a package", ("https",))
        return
    if "://" in plain:
        address = _address(plain, "a package", ("https",))
        raise Bad("an address without a name", f"write NAME @ {clean_name(address, 100)}")
    if ("[" not in plain and _LOCAL.match(plain)) or plain.startswith((".", "/", "~", "file:")):
        raise Bad(
            f"{_shown(plain)} is a file or folder of this machine",
            "the code directory travels with the run; a wheel can be named by its https address",
        )


def _address(value: str, what: str, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(value)
        host, user, password = parts.hostname, parts.username, parts.password
    except ValueError as problem:
        raise Bad(f"the address of {what} cannot be read", "") from problem
    if user is not None or password is not None or "@" in parts.netloc:
        raise Bad(f"the address of {what} holds a user or password", _SECRETS)
    if parts.scheme == "http" and host in ("localhost", "127.0.0.1", "::1"):
        return value
    if (
        parts.scheme not in schemes
        or not host
        or not value.isascii()
        or not value.isprintable()
        or " " in value
    ):
        allowed = " or ".join(schemes)
        raise Bad(f"the address of {what} is no {allowed} address", f"{allowed}://HOST/...")
    return value


def _shown(text: str) -> str:
    """A text in quotes, short, without what may be a user and password."""
    return repr(clean_name(re.sub(r"(?://[^/@\s]*|[^\s/@]*:[^\s@]*)@", "...@", text), 80))
