"""The system's keyring (Secret Service, KWallet, Keychain ...), through the package keyring.

A keyring may ask its user, or wait for a bus that nobody serves: each call has its seconds, in a thread that
is left behind when they are over.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.errors import StoreError

SECONDS = 20.0
log = logging.getLogger(__name__)
_NO_KEYRINGS = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt", "keyring.backends.chainer")
"""What says it is one and keeps nothing, keeps it in plain text, or has none below it."""


class SystemKeyring:
    """A keyring that is there. home: so that two homes of one user have secrets of their own."""

    def __init__(self, backend: Any, home: Path) -> None:
        self._backend = backend
        self._service = f"mlworkbench-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"

    def put(self, workspace: str, name: str, value: str) -> bool:
        """Keep a value; False where the keyring does not take it."""

        def keep() -> bool:
            self._backend.set_password(self._service, f"{workspace}/{name}", value)
            return bool(self._backend.get_password(self._service, f"{workspace}/{name}") == value)

        return self._asked(keep) is True

    def get(self, workspace: str, name: str) -> str | None:
        """A value; None where the keyring has, or gives, none."""
        found = self._asked(lambda: self._backend.get_password(self._service, f"{workspace}/{name}"))
        return found if isinstance(found, str) else None

    def remove(self, workspace: str, name: str) -> bool:
        """Forget a value; False where the keyring does not let it go, as one that is locked."""
        place = (self._service, f"{workspace}/{name}")

        def forget() -> bool:
            try:
                self._backend.delete_password(*place)
            except Exception:  # also where somebody took it away already, which a locked one does not say
                if self._backend.get_password(*place) is not None:
                    raise
            return True

        return self._asked(forget) is True

    def _asked(self, question: Callable[[], Any]) -> Any:
        answer: list[Any] = []

        def ask() -> None:
            try:
                answer.append(question())
            except Exception as problem:  # keyrings raise anything; its text may hold what is secret
                log.warning("the system's keyring answered with %s", type(problem).__name__)

        thread = threading.Thread(target=ask, name="keyring", daemon=True)
        thread.start()
        thread.join(SECONDS)
        return answer[0] if answer else None


class LazyKeyring:
    """The system's keyring once it is needed: looking for one imports what is installed.

    required: values are kept there or nowhere. Its calls are `SystemKeyring`'s.
    """

    def __init__(self, home: Path, required: bool = False) -> None:
        self._home = home
        self._required = required
        self._looked = False
        self._found: SystemKeyring | None = None

    def put(self, workspace: str, name: str, value: str) -> bool:
        """Keep a value; False where it is to be kept elsewhere. Raises StoreError where it may not be."""
        keyring = self._keyring()
        kept = keyring is not None and keyring.put(workspace, name, value)
        if not kept and self._required:
            raise StoreError(
                "the system's keyring takes no secret",
                "unlock it, or set secrets.store = 'file' in the settings",
            )
        return kept

    def get(self, workspace: str, name: str) -> str | None:
        """A value; None where there is no keyring, or it gives none."""
        keyring = self._keyring()
        return None if keyring is None else keyring.get(workspace, name)

    def remove(self, workspace: str, name: str) -> bool:
        """Forget a value; False where it stays in a keyring that is not there now, or does not let it go."""
        keyring = self._keyring()
        return keyring is not None and keyring.remove(workspace, name)

    def _keyring(self) -> SystemKeyring | None:
        if not self._looked:
            self._found, self._looked = find_keyring(self._home), True
        return self._found


def find_keyring(home: Path) -> SystemKeyring | None:
    """The system's keyring, None where there is none or the package that speaks to it is not installed."""
    try:
        import keyring
    except ImportError:
        return None
    try:
        backend = keyring.get_keyring()
        fine = backend.priority >= 1 and not type(backend).__module__.startswith(_NO_KEYRINGS)
    except Exception as problem:  # looking for one imports whatever is installed
        log.warning("looking for the system's keyring ended with %s", type(problem).__name__)
        return None
    return SystemKeyring(backend, home) if fine else None
