"""The secrets of a run: what was handed over with it, and what the workspace keeps under the other names."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from workbench.errors import UsageError
from workbench.runs.stored_secrets import STORED
from workbench.store.workspace.secret_store import SecretStore


async def with_stored(
    store: SecretStore, names: Iterable[str], given: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The values of a run's secrets, and the properties that say which were the workspace's.

    Raises UsageError for a name that neither has, StoreError.
    """
    lacking = [name for name in names if name not in given]
    if not lacking:
        return dict(given), {}
    found = await asyncio.to_thread(store.those_of, lacking)
    missing = [name for name in lacking if name not in found]
    if missing:
        raise UsageError(
            f"secret {missing[0]} is neither in the environment nor in the workspace",
            f"wb secret set {missing[0]}, or export {missing[0]}=... before submitting",
        )
    return {**given, **found}, {STORED: ",".join(sorted(found))}
