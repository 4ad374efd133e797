"""What a datastore may be: its place in one form, by its kind. Pure."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from workbench.entities.base import replace
from workbench.entities.datastore import OWN, Datastore, DatastoreKind
from workbench.errors import UsageError
from workbench.text.sanitize import clean_name

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}", re.ASCII)
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+/?", re.ASCII)
_PROTOCOL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30})://", re.ASCII)
_SECRET = re.compile(
    r"(?i)secret|passw|token|credential|connection_?string|sas|(account|access|api|private)_?key|^key$"
)
_LOCAL = ("file", "local", "memory")


def checked_place(datastore: Datastore) -> Datastore:
    """The datastore with its root in one form; raises UsageError for what no datastore can be."""
    if not _NAME.fullmatch(datastore.name):
        raise UsageError(
            f"{clean_name(datastore.name, 80)!r} is no name for a datastore",
            "letters, digits, '.', '_' and '-', at most 64",
        )
    root = datastore.root.strip()
    if "\0" in root or len(root) > 4096:
        raise UsageError("the place of a datastore is a path or an address")
    for key in datastore.options:
        if _SECRET.search(key):
            raise UsageError(
                f"the option {clean_name(key, 40)} belongs in a secret",
                "keep it first: wb secret set NAME",
            )
    form = {
        DatastoreKind.FOLDER: _folder,
        DatastoreKind.MACHINE: _machine,
        DatastoreKind.S3: _bucket,
        DatastoreKind.FSSPEC: _scheme,
        DatastoreKind.SQL: _database,
    }[datastore.kind]
    if (datastore.target is None) == (datastore.kind is DatastoreKind.MACHINE):
        raise UsageError("a machine's folder, and nothing else, names its machine", "MACHINE:/data")
    if datastore.kind is not DatastoreKind.S3 and (datastore.endpoint or datastore.region):
        raise UsageError("only S3 has an endpoint and a region")
    return replace(datastore, root=form(datastore, root))


def _folder(datastore: Datastore, root: str) -> str:
    if datastore.secret:
        raise UsageError("a folder needs no secret")
    if root.startswith("/"):
        return root.rstrip("/") or "/"
    below = root.strip("/").split("/")
    if below[0] == OWN and len(below) > 1 and not any(part in ("", ".", "..") for part in below):
        return root.strip("/")
    raise UsageError(f"{clean_name(root, 80)!r} is no absolute folder", "begin it with /")


def _machine(datastore: Datastore, root: str) -> str:
    if datastore.secret:
        raise UsageError("a machine is signed in to as for everything else: no secret")
    if root.startswith(("/", "~/")) or root == "~":
        return root.rstrip("/") or "/"
    raise UsageError(f"{clean_name(root, 80)!r} is no folder of a machine", "begin it with / or ~/")


def _bucket(datastore: Datastore, root: str) -> str:
    bucket, _, prefix = root.removeprefix("s3://").strip("/").partition("/")
    if not _BUCKET.fullmatch(bucket) or any(part in ("", ".", "..") for part in prefix.split("/") if prefix):
        raise UsageError(f"{clean_name(root, 80)!r} names no bucket", "s3://BUCKET or s3://BUCKET/PREFIX")
    if datastore.endpoint is not None and not _ENDPOINT.fullmatch(datastore.endpoint):
        raise UsageError(
            f"{clean_name(datastore.endpoint, 80)!r} is no address of an S3 service", "https://HOST[:PORT]"
        )
    return f"{bucket}/{prefix}" if prefix else bucket


def _scheme(datastore: Datastore, root: str) -> str:
    found = _PROTOCOL.match(root)
    if found is None:
        raise UsageError(
            f"{clean_name(root, 80)!r} is no PROTOCOL://...", "gs://bucket, abfs://container, sftp://host/dir"
        )
    if found[1].lower() in _LOCAL or "::" in root:
        raise UsageError(f"{found[1]}:// is no place of its own", "a folder here is named by its path")
    if (
        "@" in root.removeprefix(found[0]).partition("/")[0]
        and ":" in root.removeprefix(found[0]).partition("@")[0]
    ):
        raise UsageError("a password in an address is kept nowhere", "keep it first: wb secret set NAME")
    return root.rstrip("/")


def _database(datastore: Datastore, root: str) -> str:
    if _PROTOCOL.match(root) is None:
        raise UsageError(
            f"{clean_name(root, 80)!r} is no address of a database", "postgresql://USER@HOST/DATABASE"
        )
    if datastore.options:
        raise UsageError("a database has no options", "write them behind ? in its address")
    before = root.partition("://")[2].rpartition("@")[0]
    words = parse_qsl(urlsplit(root).query, keep_blank_values=True)
    if ":" in before or any(_SECRET.search(key) for key, _ in words):
        raise UsageError("a password in an address is kept nowhere", "keep it first: wb secret set NAME")
    return root
