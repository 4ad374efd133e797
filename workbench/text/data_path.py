"""Where a text says that data is: one reading for job files, command lines and the SDK. Pure.

./images, /data/imagenet              on this side
gpu1:/data/imagenet                   on a machine
https://host/data.csv, s3://b/key     on the web
datastore:NAME/path                   in a datastore of the workspace
azureml://datastores/NAME/paths/path  the same, as files for the cloud say it
data:digits:3, azureml:digits@latest  a version of a dataset
model:churn@champion                  a version of a model
"""

from __future__ import annotations

import re
from typing import NamedTuple

from workbench.errors import UsageError
from workbench.text.asset_reference import AssetReference, parse, split_kind
from workbench.text.sanitize import clean_name

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}://\S", re.ASCII)
WEB = ("http", "https")
_HOSTED = re.compile(r"azureml://(?:[^?#]*/)?datastores/([^/?#]+)(?:/paths/?(.*))?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
DATASTORE = "datastore:"
_HINT = "write a path, MACHINE:PATH, a URL, datastore:NAME/PATH or data:NAME:VERSION"


class DataPath(NamedTuple):
    """What a text means; of the fields but path at most one is set, none for a path on this side."""

    path: str
    """The path there, the URL, or the reference's own text."""
    datastore: str | None = None
    target: str | None = None
    data: AssetReference | None = None
    model: AssetReference | None = None
    url: bool = False


def read_data_path(text: str, azureml: str = "data") -> DataPath:
    """What text means; raises UsageError.

    azureml: what azureml:NAME:VERSION names where it stands: data or model. Whether what it names is there is
    not looked at; a path on this side is left as it was written.
    """
    text = text.strip()
    if not text or any(ord(character) < 32 for character in text):
        raise UsageError(f"{clean_name(text, 80)!r} is no place of data", _HINT)
    hosted = _HOSTED.fullmatch(text)
    if hosted:
        return DataPath(hosted[2] or "", datastore=_named(hosted[1]))
    if text.lower().startswith("azureml://"):
        raise UsageError(
            f"{clean_name(text, 120)} is in no workspace that can be reached from here",
            "register where its data is here, and name that: data:NAME",
        )
    if text.startswith(DATASTORE) and text != DATASTORE:
        name, _, path = text.removeprefix(DATASTORE).partition("/")
        return DataPath(path, datastore=_named(name))
    if URL.match(text):
        scheme, _, rest = text.partition("://")
        if scheme.lower() in WEB and "@" in re.split(r"[/?#]", rest, maxsplit=1)[0]:
            raise UsageError("a URL with a password in it is kept nowhere", "use a datastore with a secret")
        return DataPath(text, url=True)
    kind, rest = split_kind(text)
    if kind is not None and not rest.startswith(("/", "~", ".")):
        reference = parse(rest)
        if kind == "model" or (kind == "azureml" and azureml == "model"):
            return DataPath(rest, model=reference)
        return DataPath(rest, data=reference)
    name, colon, path = text.partition(":")
    if colon and path and _NAME.fullmatch(name):
        return DataPath(path, target=name)
    return DataPath(text)


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{clean_name(name, 80)!r} is no name of a datastore", _HINT)
    return name
