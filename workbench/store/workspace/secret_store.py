"""The secrets of a workspace: in the system's keyring where there is one, else encrypted in a file.

secrets.json (0600) has the names, where each value is, and the encrypted values: AES-GCM with the secret's
name bound in, so that no value can be put under another name. The key is in a file of its own (0600), beside
the workspaces and not in them: a copy or a backup of a workspace does not have it. Who can read this user's
files while both are there can read the values; docs/data.md says so.

Blocking, for threads; one at a time. Nothing here is ever shown in an error or a log.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.entities.secret import Secret, SecretPlace, valid_secret_name
from workbench.errors import NotFound, StoreError, UsageError
from workbench.home import private_folder
from workbench.store.workspace.system_keyring import LazyKeyring

LONGEST = 64 * 1024
MOST = 1000
_KEY_BYTES = 32
_NONCE_BYTES = 12


class SecretStore:
    """One workspace's secrets. keyring: None where none is to be used."""

    def __init__(
        self, folder: Path, key_file: Path, workspace: str, keyring: LazyKeyring | None = None
    ) -> None:
        self._path = folder / "secrets.json"
        self._key_file = key_file
        self._workspace = workspace
        self._keyring = keyring
        self._lock = threading.Lock()

    def every(self) -> list[Secret]:
        """All secrets by name, without their values. Raises StoreError."""
        with self._lock:
            found = self._read()
        return [_described(name, found[name]) for name in sorted(found)]

    def put(self, name: str, value: str) -> Secret:
        """Keep a value under a name, in place of what was there. Raises UsageError, StoreError."""
        if not valid_secret_name(name):
            hint = "letters, digits, '_', '.' and '-', the first a letter or '_', at most 128"
            raise UsageError(f"{name[:80]!r} is no name for a secret", hint)
        if not value or "\0" in value or len(value.encode("utf-8", "surrogatepass")) > LONGEST:
            raise UsageError(f"the value of {name} is empty, has a NUL in it, or is longer than 64 KiB")
        with self._lock:
            found = self._read()
            if name not in found and len(found) >= MOST:
                raise UsageError(f"the workspace has {MOST} secrets already", "wb secret rm NAME")
            before = found.get(name)
            found[name] = entry = self._hidden(name, value)
            entry["changed"] = datetime.now(UTC).isoformat()
            self._write(found)
            if before is not None and before["place"] == "keyring" and entry["place"] != "keyring":
                self._forget(name)
        return _described(name, entry)

    def get(self, name: str) -> str:
        """A value; raises NotFound, StoreError when it cannot be read."""
        with self._lock:
            entry = self._read().get(name)
            if entry is None:
                raise NotFound(f"there is no secret {name[:128]}", f"wb secret set {name[:128]}")
            return self._shown(name, entry)

    def remove(self, name: str) -> bool:
        """Forget a secret; False where a keyring keeps its value. Raises NotFound, StoreError."""
        with self._lock:
            found = self._read()
            entry = found.pop(name, None)
            if entry is None:
                raise NotFound(f"there is no secret {name[:128]}", "wb secret ls lists them")
            self._write(found)
            return entry["place"] != "keyring" or self._forget(name)

    def forget_all(self) -> None:
        """Forget every secret; raises StoreError."""
        for secret in self.every():
            self.remove(secret.name)

    def those_of(self, names: Iterable[str]) -> dict[str, str]:
        """The values of those of these names that are here. Raises StoreError."""
        with self._lock:
            found = self._read()
            return {name: self._shown(name, found[name]) for name in names if name in found}

    def _hidden(self, name: str, value: str) -> dict[str, Any]:
        if self._keyring is not None and self._keyring.put(self._workspace, name, value):
            return {"place": SecretPlace.KEYRING.value}
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(_NONCE_BYTES)
        plain = value.encode("utf-8", "surrogatepass")
        data = AESGCM(self._key(make=True)).encrypt(nonce, plain, self._bound(name))
        return {"place": SecretPlace.FILE.value, "data": base64.b64encode(nonce + data).decode("ascii")}

    def _shown(self, name: str, entry: dict[str, Any]) -> str:
        if entry["place"] == "keyring":
            value = None if self._keyring is None else self._keyring.get(self._workspace, name)
            if value is None:
                raise StoreError(
                    f"the system's keyring does not give the secret {name}",
                    f"unlock it, or set it again: wb secret set {name}",
                )
            return value
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            data = base64.b64decode(str(entry["data"]), validate=True)
            plain = AESGCM(self._key()).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], self._bound(name))
            return plain.decode("utf-8", "surrogatepass")
        except (InvalidTag, ValueError, KeyError):
            raise StoreError(
                f"the secret {name} cannot be read: {self._key_file} is not the key it was kept with",
                f"bring that file back, or set it again: wb secret set {name}",
            ) from None

    def _bound(self, name: str) -> bytes:
        return f"workbench secret\n{self._workspace}\n{name}".encode()

    def _forget(self, name: str) -> bool:
        return self._keyring is not None and self._keyring.remove(self._workspace, name)

    def _key(self, make: bool = False) -> bytes:
        try:
            key = _own_file(self._key_file)
        except FileNotFoundError:
            if not make:
                raise StoreError(
                    f"the key of the secrets, {self._key_file}, is gone", "bring it back, or set them again"
                ) from None
            private_folder(self._key_file.parent)
            key = secrets.token_bytes(_KEY_BYTES)
            try:
                _write_whole(self._key_file, key, new=True)
            except FileExistsError:  # another workspace of this home made it just now
                key = _own_file(self._key_file)
        if len(key) != _KEY_BYTES:
            raise StoreError(f"{self._key_file} holds no key", "bring the right file back, or remove it")
        return key

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            found = json.loads(_own_file(self._path))
            entries = found["secrets"]
            if not all(valid_secret_name(name) and "place" in entries[name] for name in entries):
                raise ValueError("names")
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError):
            raise StoreError(f"{self._path} is damaged", "move it away and set the secrets again") from None
        return dict(entries)

    def _write(self, entries: dict[str, dict[str, Any]]) -> None:
        private_folder(self._path.parent)
        text = json.dumps({"v": 1, "secrets": entries}, indent=1, sort_keys=True)
        _write_whole(self._path, text.encode("ascii"))


def _described(name: str, entry: dict[str, Any]) -> Secret:
    try:
        changed = datetime.fromisoformat(str(entry.get("changed")))
    except ValueError:
        changed = datetime.fromtimestamp(0, UTC)
    return Secret(name=name, place=SecretPlace(entry["place"]), changed=changed)


def _own_file(path: Path) -> bytes:
    """What is in a file that is this user's alone; raises FileNotFoundError, StoreError."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as file:
            facts = os.fstat(file.fileno())
            if facts.st_uid != os.getuid() or facts.st_mode & 0o077:
                raise StoreError(
                    f"{path} can be read by others", f"chmod 600 {path}, and change what is in it"
                )
            return file.read(MOST * LONGEST * 2)
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise StoreError(f"{path} cannot be read: {problem.strerror}") from problem


def _write_whole(path: Path, data: bytes, new: bool = False) -> None:
    """A file of this user's alone, whole or not at all. new: FileExistsError where there is one."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if new:
            os.link(part, path)
        else:
            os.replace(part, path)
    except FileExistsError:
        raise
    except OSError as problem:
        raise StoreError(f"{path} cannot be written: {problem.strerror}") from problem
    finally:
        part.unlink(missing_ok=True)
