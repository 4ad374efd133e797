"""Models for tests: sent to services as a client does, or put into a store."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.services import Services
from workbench.entities.model import ModelDetails, ModelVersion
from workbench.entities.snapshot import Entry, Manifest
from workbench.snapshots.zipstream import ZipStream
from workbench.store.blocking_store import Store
from workbench.store.registry import model_versions


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """A zip whose entries are named by their sha256, as `snapshots.upload` takes it."""
    stream, out = ZipStream(), io.BytesIO()
    for content in dict.fromkeys(files.values()):
        name = hashlib.sha256(content).hexdigest().encode()
        for piece in stream.entry(name, 0o100644, [content], len(content)):
            out.write(piece)
    for piece in stream.end():
        out.write(piece)
    return out.getvalue()


async def send(live: Services, files: Mapping[str, bytes]) -> str:
    """Send files; the manifest's id."""
    entries = [
        {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for path, data in sorted(files.items())
    ]
    answer = await live.call("snapshots.missing", entries=entries)
    if answer["missing"]:

        async def source() -> Any:
            yield zip_of(files)

        operation = live.workspace.operations["snapshots.upload"]
        await operation.write({}, source())
        answer = await live.call("snapshots.missing", entries=entries)
    return str(answer["id"])


async def register(
    live: Services, name: str = "churn", files: Mapping[str, bytes] | None = None, **facts: Any
) -> Any:
    """A version of files (one of a few bytes, where none are given)."""
    manifest = await send(live, {"model.bin": b"weights"} if files is None else files)
    return await live.call("models.register", name=name, manifest=manifest, facts=facts)


def put_version(store: Store, name: str = "churn", metrics: Mapping[str, float] | None = None) -> int:
    """A version in a store, without any content; its number."""
    manifest = Manifest(entries=(Entry(path="model.bin", size=1, sha256="0" * 64),))
    version = ModelVersion(
        name=name,
        version=0,
        created=datetime.now(UTC),
        manifest=manifest.id,
        files=1,
        size=1,
        metrics=dict(metrics or {}),
    )
    return store.write(model_versions.register, version, ModelDetails(), True).version
