"""Signature version 4 of requests to S3, in a header or in a URL. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, urlsplit

from workbench.errors import UsageError

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY = hashlib.sha256(b"").hexdigest()
LONGEST_URL = 7 * 24 * 3600
"""Seconds a URL may let somebody in at most."""
_FORMS = "ID:KEY or ID:KEY:TOKEN, or the JSON that names access_key, secret_key and token"
_NAMES = {
    "access": ("access_key", "aws_access_key_id", "accesskeyid", "access_key_id", "key"),
    "secret": ("secret_key", "aws_secret_access_key", "secretaccesskey", "secret_access_key", "secret"),
    "token": ("token", "aws_session_token", "sessiontoken", "session_token"),
}


class Credentials:
    """Who signs. Its values are in no text of it."""

    __slots__ = ("access", "secret", "token")

    def __init__(self, access: str, secret: str, token: str | None = None) -> None:
        self.access, self.secret, self.token = access, secret, token

    def __repr__(self) -> str:
        return "Credentials(...)"


def read_credentials(text: str) -> Credentials:
    """What a secret's value says; raises UsageError, without the value.

    ID:KEY[:TOKEN], a JSON mapping, or lines of NAME = VALUE as in a file of credentials.
    """
    text = text.strip()
    found: dict[str, str] = {}
    if text.startswith("{"):
        try:
            parsed = json.loads(text)
        except ValueError:
            raise UsageError("the secret of the datastore is no JSON", _FORMS) from None
        found = {str(key).lower(): str(value) for key, value in parsed.items() if value}
    elif "=" in text and "\n" in text:
        for line in text.splitlines():
            key, equals, value = line.partition("=")
            if equals:
                found[key.strip().lower()] = value.strip()
    else:
        access, _, rest = text.partition(":")
        secret, _, token = rest.partition(":")
        found = {"access_key": access.strip(), "secret_key": secret.strip(), "token": token.strip()}
    values = {
        part: next((found[name] for name in names if found.get(name)), "") for part, names in _NAMES.items()
    }
    if not values["access"] or not values["secret"] or any(ord(c) < 33 for v in values.values() for c in v):
        raise UsageError("the secret of the datastore lets nobody into S3", _FORMS)
    return Credentials(values["access"], values["secret"], values["token"] or None)


def quoted(text: str, safe: str = "-_.~") -> str:
    """A text as S3 wants it in an address; undecodable bytes as themselves."""
    return quote(text.encode("utf-8", "surrogateescape"), safe=safe)


def query_text(query: Mapping[str, str]) -> str:
    """Parameters in the order and form that is signed."""
    return "&".join(f"{quoted(name)}={quoted(query[name])}" for name in sorted(query))


def signed_headers(
    method: str,
    url: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    payload: str,
    credentials: Credentials,
    region: str,
    now: datetime,
    service: str = "s3",
) -> dict[str, str]:
    """All headers of a request with what signs it.

    url: the address without its query, the path in it quoted already. payload: sha256 of the body, or
    UNSIGNED. now: an aware time in UTC.
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    everything = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    everything |= {"host": urlsplit(url).netloc, "x-amz-date": stamp, "x-amz-content-sha256": payload}
    if credentials.token:
        everything["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(everything))
    lines = "".join(f"{name}:{everything[name]}\n" for name in sorted(everything))
    request = "\n".join([method, urlsplit(url).path or "/", query_text(query), lines, names, payload])
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    signature = _signature(request, stamp, scope, credentials.secret)
    everything["authorization"] = (
        f"{ALGORITHM} Credential={credentials.access}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return everything


def presigned_url(
    url: str, credentials: Credentials, region: str, now: datetime, seconds: int, method: str = "GET"
) -> str:
    """An address that lets whoever has it do method there for so many seconds, from now on."""
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    query = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{credentials.access}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(max(1, min(seconds, LONGEST_URL))),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.token:
        query["X-Amz-Security-Token"] = credentials.token
    text = query_text(query)
    place = urlsplit(url)
    request = "\n".join([method, place.path or "/", text, f"host:{place.netloc}\n", "host", UNSIGNED])
    return f"{url}?{text}&X-Amz-Signature={_signature(request, stamp, scope, credentials.secret)}"


def _signature(request: str, stamp: str, scope: str, secret: str) -> str:
    digest = hashlib.sha256(request.encode("utf-8")).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode("utf-8"), hashlib.sha256).digest()
    text = f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}"
    return hmac.new(key, text.encode("utf-8"), hashlib.sha256).hexdigest()
