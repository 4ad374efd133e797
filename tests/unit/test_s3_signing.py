"""Requests, addresses and credentials of S3: signed as botocore signs them, and answers that are none."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from tests.s3_server import S3Server
from tests.unit.s3_places import boto, bucket_of, opened, server
from workbench.data.s3.answers import read_error, read_listing
from workbench.data.s3.client import S3Client
from workbench.data.s3.signing import Credentials, presigned_url, read_credentials, signed_headers
from workbench.errors import RemoteError, UsageError

__all__ = ["boto", "server"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><ListBucketResult>&b;</ListBucketResult>',
        b"<ListBucketResult>" * 3,
    ],
)
def test_answers_that_are_none(body: bytes) -> None:
    with pytest.raises(RemoteError):
        read_listing(body)
    assert read_error(body) == ("", "")


@given(st.binary(max_size=300))
def test_any_answer_is_read_or_refused(body: bytes) -> None:
    for text in (body, b"<ListBucketResult><Contents>" + body + b"</Contents></ListBucketResult>"):
        try:
            read_listing(text)
        except RemoteError:
            pass


@given(
    key=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40),
    token=st.sampled_from([None, "to/ken+=="]),
    query=st.dictionaries(st.sampled_from(["prefix", "uploadId", "list-type"]), st.text(max_size=20)),
)
def test_requests_are_signed_as_botocore_signs_them(
    key: str, token: str | None, query: dict[str, str]
) -> None:
    now = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)
    client = S3Client("bucket", None, endpoint="https://s3.example", region=None, name="x")
    url = client.address(key)
    payload = hashlib.sha256(b"body").hexdigest()
    ours = signed_headers(
        "PUT", url, query, {"If-None-Match": "*"}, payload, Credentials("AKID", "secret", token), "eu-1", now
    )
    request = AWSRequest("PUT", url, data=b"body", params=query, headers={"If-None-Match": "*"})
    request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    request.headers["X-Amz-Content-SHA256"] = payload
    if token:
        request.headers["X-Amz-Security-Token"] = token
    auth = S3SigV4Auth(BotoCredentials("AKID", "secret", token), "s3", "eu-1")
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    assert ours["authorization"].endswith(f"Signature={signature}")


def test_addresses_are_signed_as_botocore_signs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    url = "https://bucket.s3.eu-1.amazonaws.com/a%20b/c.txt"
    ours = presigned_url(url, Credentials("AKID", "secret", "to/ken"), "eu-1", now, 900)
    request = AWSRequest("GET", url)
    monkeypatch.setattr(
        "botocore.auth.get_current_datetime", lambda *_: now.replace(tzinfo=None), raising=False
    )
    S3SigV4QueryAuth(BotoCredentials("AKID", "secret", "to/ken"), "s3", "eu-1", 900).add_auth(request)
    theirs, mine = parse_qs(urlsplit(request.url).query), parse_qs(urlsplit(ours).query)
    if theirs["X-Amz-Date"] == mine["X-Amz-Date"]:
        assert theirs == mine
    assert {key: value for key, value in theirs.items() if key not in ("X-Amz-Date", "X-Amz-Signature")} == {
        key: value for key, value in mine.items() if key not in ("X-Amz-Date", "X-Amz-Signature")
    }


async def test_an_address_that_lets_in(
    server: S3Server, boto: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A machine fetches a file by it without any credentials."""
    boto.put_object(Bucket=bucket_of(request), Key="p/a b", Body=b"content")
    async with opened(server, bucket_of(request), tmp_path, prefix="p") as place:
        url = await place.presigned("a b", 60)
        assert url is not None
        assert server.secret not in url
        async with (
            aiohttp.ClientSession() as session,
            session.get(aiohttp.client.URL(url, encoded=True)) as answer,
        ):
            assert await answer.read() == b"content"


@pytest.mark.parametrize(
    "text",
    [
        "AKID:secret",
        " AKID:secret:\n",
        '{"access_key": "AKID", "secret_key": "secret"}',
        '{"AccessKeyId": "AKID", "SecretAccessKey": "secret", "Expiration": 1}',
        "[default]\naws_access_key_id = AKID\naws_secret_access_key=secret\n",
    ],
)
def test_the_forms_of_credentials(text: str) -> None:
    found = read_credentials(text)
    assert (found.access, found.secret, found.token) == ("AKID", "secret", None)
    assert "secret" not in repr(found)
    assert read_credentials("A:b:c:d").token == "c:d"


@pytest.mark.parametrize("text", ["", "AKID", "AKID:", '{"a"', "{}", "A\nB:c d\x01", "a b:c"])
def test_what_lets_nobody_in(text: str) -> None:
    with pytest.raises(UsageError) as problem:
        read_credentials(text)
    assert "AKID" not in problem.value.message
