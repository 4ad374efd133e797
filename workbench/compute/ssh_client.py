"""One hop's sign-in: checks its host key, offers keys, and asks the user what only the user knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import asyncssh

from workbench.compute.host_keys import HostKeys, KnownHost, untrusted
from workbench.compute.identities import UserKey, with_certificate
from workbench.compute.signin import CHANGE_PASSWORD, PromptKind, SignIn, make_prompt
from workbench.errors import NeedsSignIn, StoreError, WorkbenchError

TRIES = 3
"""Wrong answers to one kind of question before the attempt ends."""

MAX_PROMPTS = 16  # of one keyboard-interactive challenge; real ones have one to three


class HopClient(asyncssh.SSHClient):
    """asyncssh's callbacks for one hop. `problem` says why the attempt ended, better than asyncssh can.

    name: USER@HOST for prompts. known: what known_hosts files say of it. strict: StrictHostKeyChecking.
    encrypted: private key files that need a pass phrase. asking: called with True before and False after a
    question, so that the connect timeout does not run meanwhile.
    """

    def __init__(
        self,
        name: str,
        known: KnownHost,
        host_keys: HostKeys,
        sign_in: SignIn,
        strict: str,
        encrypted: Sequence[Path],
        asking: Callable[[bool], None],
    ) -> None:
        self.problem: WorkbenchError | None = None
        self.tried: list[str] = []
        """Methods of signing in that were tried, in SSH's names."""
        self.asked = False
        """Whether the user was asked anything."""
        self.said = ""
        """What the host said last without being asked; as it came."""
        self._name = name
        self._known = known
        self._host_keys = host_keys
        self._strict = strict
        self._sign_in = sign_in
        self._encrypted = list(encrypted)
        self._asking = asking
        self._passwords = 0
        self._challenges = 0
        self._asked_in_challenge = False
        self._notices: list[str] = []

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Whether a key that is not on record may be trusted all the same; sets problem when not."""
        try:
            self.problem = self._host_keys.check(self._known, key, self._strict)
        except StoreError as error:
            self.problem = error
        return self.problem is None

    def unverifiable(self, reason: str) -> WorkbenchError:
        """The error for a key or certificate that asyncssh refused before asking us."""
        return self.problem or untrusted(self._known, reason)

    def auth_banner_received(self, msg: str, lang: str) -> None:
        """Keep what the host says before signing in: it often explains what is wanted."""
        self._notice(msg)

    async def public_key_auth_requested(self) -> UserKey | None:
        """The next encrypted key, its pass phrase asked; None when there is none left."""
        self._note("publickey")
        while self._encrypted and self.problem is None:
            key = await self._unlock(self._encrypted.pop(0))
            if key is not None:
                return key
        return None

    async def password_auth_requested(self) -> str | None:
        """The user's password, at most TRIES times."""
        self._note("password")
        if self._passwords >= TRIES:
            self._give_up("password")
            return None
        self._passwords += 1
        again = "wrong password, try again\n" if self._passwords > 1 else ""
        return await self._ask("password", f"{again}password for {self._name}:", echo=False)

    def password_change_requested(self, prompt: str, lang: str) -> tuple[str, str]:
        """Changing a password is for a terminal: say so and end the attempt."""
        self.problem = self.problem or NeedsSignIn(
            f"{self._name} wants the password changed", CHANGE_PASSWORD
        )
        raise asyncssh.PermissionDenied("the password has to be changed")

    def kbdint_auth_requested(self) -> str | None:
        """Whether to try keyboard-interactive (codes, second factors), at most TRIES times."""
        self._note("keyboard-interactive")
        if self.problem is not None:
            return None
        if self._asked_in_challenge:
            self._challenges += 1
        self._asked_in_challenge = False
        if self._challenges >= TRIES:
            self._give_up("code")
            return None
        return ""

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        """Ask every prompt of a challenge; one without prompts only tells something."""
        if not prompts:
            self._notice(f"{name}\n{instructions}")
            return []
        if len(prompts) > MAX_PROMPTS or self.problem is not None:
            return None
        self._asked_in_challenge = True
        answers: list[str] = []
        again = "that was not accepted, try again" if self._challenges else ""
        for text, echo in prompts:
            kind: PromptKind = "password" if "password" in text.lower() else "code"
            words = [again, name, instructions, text] if not answers else [text]
            answer = await self._ask(kind, "\n".join(word for word in words if word), echo=echo)
            if answer is None:
                return None
            answers.append(answer)
        return answers

    def _notice(self, text: str) -> None:
        self.said = text[:1000]
        if len(self._notices) < 4:
            self._notices.append(self.said)

    async def _unlock(self, path: Path) -> UserKey | None:
        again = ""
        for _ in range(TRIES):
            phrase = await self._ask("passphrase", f"{again}pass phrase for the key {path}:", echo=False)
            if not phrase:
                return None
            try:
                key = await asyncio.to_thread(asyncssh.read_private_key, str(path), phrase)
                return with_certificate(path, key)
            except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
                again = "wrong pass phrase, try again\n"
            except OSError:
                return None
        self._give_up("passphrase")
        return None

    async def _ask(self, kind: PromptKind, text: str, *, echo: bool) -> str | None:
        """The user's answer; None when there is nobody to give one, and problem then says so."""
        if self.problem is not None:
            return None
        notice = "\n".join(self._notices)
        self._notices.clear()
        self._asking(True)
        self.asked = True
        try:
            return await self._sign_in.answer(
                make_prompt(kind, f"{notice}\n{text}" if notice else text, self._name, echo=echo)
            )
        except NeedsSignIn as error:
            self.problem = error
            return None
        finally:
            self._asking(False)

    def _give_up(self, kind: PromptKind) -> None:
        what = {"password": "the password", "passphrase": "the pass phrase", "code": "the answer"}[kind]
        self.problem = self.problem or NeedsSignIn(
            f"{self._name}: {what} was wrong {TRIES} times", "wait a moment, then: wb compute login"
        )

    def _note(self, method: str) -> None:
        if method not in self.tried:
            self.tried.append(method)
