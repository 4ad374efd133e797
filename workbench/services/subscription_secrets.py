"""What a subscription must not show: the address of its webhook and what signs it, in a 0600 file each."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import NamedTuple

from workbench.errors import NotFound, StoreError
from workbench.home import private_folder

LARGEST = 64 * 1024


class Hidden(NamedTuple):
    """What is kept of one subscription."""

    url: str
    secret: str | None = None
    """Signs what is posted."""

    @property
    def key(self) -> bytes | None:
        """The secret as what signs."""
        return None if self.secret is None else self.secret.encode("utf-8", "surrogateescape")


def new_secret() -> str:
    """One that nobody guesses."""
    return secrets.token_urlsafe(32)


class SubscriptionSecrets:
    """The files of one workspace. They are never listed, logged or sent anywhere."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, hidden: Hidden) -> None:
        """Keep what is hidden of a subscription; whole, or as it was. Raises StoreError."""
        path = self._path(name)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            private_folder(self._folder)
            part.unlink(missing_ok=True)
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(hidden._asdict(), file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except OSError as problem:
            part.unlink(missing_ok=True)
            raise StoreError(f"{path} cannot be written: {problem.strerror}") from problem

    def get(self, name: str) -> Hidden:
        """What is hidden of a subscription; raises NotFound when its file is gone or is nobody's."""
        try:
            with open(self._path(name), encoding="utf-8") as file:
                found = json.loads(file.read(LARGEST))
            return Hidden(str(found["url"]), found.get("secret"))
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise NotFound(
                f"the address of the subscription {name} cannot be read",
                f"make it anew: wb activity unsubscribe {name}, then subscribe",
            ) from problem

    def remove(self, name: str) -> None:
        """Forget it; nothing happens when there is none."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"
