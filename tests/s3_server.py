"""A real S3 endpoint on a free port: moto's server in a thread, its signatures checked when asked for."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import boto3
import moto.settings
from botocore.config import Config
from moto.server import ThreadedMotoServer


class S3Server(NamedTuple):
    """Where it is, and who may come in when signatures are checked."""

    url: str
    port: int
    access: str
    secret: str

    def client(self, service: str = "s3") -> object:
        """boto3's own client, as the oracle that fills buckets."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            aws_access_key_id=self.access or "test",
            aws_secret_access_key=self.secret or "test",
            region_name="us-east-1",
            config=Config(retries={"max_attempts": 1}),
        )

    @contextmanager
    def signatures_checked(self) -> Iterator[None]:
        """From here on a request that is not signed by the right key is refused."""
        before = moto.settings.INITIAL_NO_AUTH_ACTION_COUNT
        moto.settings.INITIAL_NO_AUTH_ACTION_COUNT = 0.0
        try:
            yield
        finally:
            moto.settings.INITIAL_NO_AUTH_ACTION_COUNT = before


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """The server for a while, with one user that may do everything in buckets."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        url = f"http://127.0.0.1:{port}"
        iam = S3Server(url, port, "", "").client("iam")
        user = f"tester-{uuid.uuid4().hex}"  # what moto keeps is its process's, and outlives a server
        iam.create_user(UserName=user)  # type: ignore[attr-defined]
        key = iam.create_access_key(UserName=user)["AccessKey"]  # type: ignore[attr-defined]
        allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_user_policy(UserName=user, PolicyName="all", PolicyDocument=policy)  # type: ignore[attr-defined]
        yield S3Server(url, port, key["AccessKeyId"], key["SecretAccessKey"])
    finally:
        server.stop()
