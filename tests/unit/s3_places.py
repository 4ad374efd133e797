"""Buckets of the server that tests start."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.s3_server import S3Server, s3_server
from workbench.data.s3.bucket import Bucket
from workbench.data.s3.client import S3Client
from workbench.data.s3.signing import Credentials


def bucket_of(request: pytest.FixtureRequest) -> str:
    return "b-" + hashlib.sha256(request.node.name.encode()).hexdigest()[:16]


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as found:
        yield found


@pytest.fixture
def boto(server: S3Server, request: pytest.FixtureRequest) -> Any:
    """boto3's client, with a bucket of the test's own."""
    client: Any = server.client()
    name = bucket_of(request)
    client.create_bucket(Bucket=name)
    return client


@asynccontextmanager
async def opened(
    server: S3Server,
    bucket: str,
    folder: Path,
    *,
    prefix: str = "",
    secret: str | None = None,
    port: int | None = None,
) -> AsyncIterator[Bucket]:
    credentials = Credentials(server.access, secret or server.secret)
    endpoint = f"http://127.0.0.1:{port or server.port}"
    client = S3Client(bucket, credentials, endpoint=endpoint, region=None, name="lake")
    try:
        yield Bucket(client, prefix, folder / "notes")
    finally:
        await client.close()
