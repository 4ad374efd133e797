"""Names that usually hold secrets: such files are named before they are sent. Pure."""

from __future__ import annotations

import re

_SECRET = re.compile(
    rb"""
      \.env(\..+)? | .+\.env
    | .*\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk|ovpn|asc)
    | id_(rsa|dsa|ecdsa|ed25519)(_sk)?([._-].*)?
    | [._]netrc | \.pgpass | \.my\.cnf | \.git-credentials | \.htpasswd | \.npmrc | \.pypirc
    | \.?credentials?([._-].*)? | (service[_-]?account|client[_-]?secret).*\.json | .*-credentials\.json
    | \.?secrets?(\..+)? | kubeconfig | .*\.kubeconfig | \.dockercfg | token(\.txt|\.json)? | \.azure_auth
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_HARMLESS = re.compile(
    rb".*\.(pub|py|pyi|ipynb|md|rst|example|sample|template|dist|tmpl|html?|c|h|cc|cpp|go|rs|js|ts)",
    re.IGNORECASE | re.DOTALL,
)


def looks_secret(name: bytes) -> bool:
    """Whether a file of this name usually holds a key, password or token."""
    return _SECRET.fullmatch(name) is not None and _HARMLESS.fullmatch(name) is None
