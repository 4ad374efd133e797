"""A machine reached through the system's ssh, for what only OpenSSH can do: Kerberos, FIDO, odd proxies.

One connection: a live ControlMaster of the user's is shared, else a private one is started, signed in once
and used for every channel.
"""

from __future__ import annotations

import asyncio
import os
import shutil

from workbench.compute.address import Address
from workbench.compute.askpass import Askpass, Question
from workbench.compute.channel import Channel
from workbench.compute.openssh_words import Resolved, explain, host_key_question, parse_resolved, prompt_kind
from workbench.compute.process_channel import ProcessChannel
from workbench.compute.signin import make_prompt
from workbench.compute.ssh_host import SshHost
from workbench.errors import ConfigurationError, HostKeyUnknown, NeedsSignIn, Unreachable
from workbench.text.sanitize import clean

POLL = 0.02
MAX_QUESTIONS = 12
"""Answers one attempt may ask for; ssh itself asks three times for each key and password."""


class OpensshHost(SshHost):
    """A machine over the system's ssh, with the user's whole configuration; a connection of theirs stays."""

    def _prepare(self) -> None:
        self._resolved: Resolved | None = None
        self._askpass: Askpass | None = None
        self._master: ProcessChannel | None = None
        self._shared = False
        self._problem: Unreachable | None = None
        self._asked: dict[str, int] = {}
        self._clock: asyncio.Timeout | None = None
        self._channels: list[ProcessChannel] = []

    async def open(self, line: str) -> Channel:
        """See `Host`."""
        await self.connect()
        assert self._resolved is not None
        words = [*self._base(), *self._route(), *self._checks(self._resolved), *self._target(), line]
        channel = await self._start(words)
        self._channels = [known for known in self._channels if known.running] + [channel]
        return channel

    @property
    def _connected(self) -> bool:
        return self._shared or (self._master is not None and self._master.running)

    @property
    def _found(self) -> Address | None:
        found = self._resolved
        return None if found is None else Address(found.host, found.user, found.port)

    @property
    def _patience(self) -> float:
        """Seconds until we give up ourselves: ssh's own limit for the network, and some for all else."""
        chosen = self._resolved.connect_timeout if self._resolved is not None else None
        return (chosen or self._timeout) + 10

    async def _reach(self) -> None:
        self._resolved = await self._resolve()
        if not await self._share():
            await self._start_master(self._resolved)

    async def _resolve(self) -> Resolved:
        code, out, error = await self._ask_ssh([*self._base(), "-G", *self._target()])
        if code != 0:
            raise ConfigurationError(
                f"ssh does not understand its configuration: {clean(error, 500).strip()}", "mend ssh_config"
            )
        return parse_resolved(out)

    async def _share(self) -> bool:
        """Whether a live connection of the user's own carries us."""
        assert self._resolved is not None
        if self._resolved.control_path is None:
            return False
        code, _, _ = await self._ask_ssh([*self._base(), "-O", "check", *self._target()])
        self._shared = code == 0
        return self._shared

    async def _start_master(self, resolved: Resolved) -> None:
        self._askpass = Askpass(self._answer)
        await self._askpass.start()
        self._problem, self._asked = None, {}
        words = [*self._base(), "-N", "-M", *self._route(), *self._checks(resolved), *self._target()]
        self._master = await self._start(words)
        socket = self._askpass.folder / "c"
        try:
            async with asyncio.timeout(self._patience) as self._clock:
                # ssh tells nobody that it is in: its socket appears, or it ends.
                while not socket.exists() and self._master.running and self._problem is None:  # noqa: ASYNC110
                    await asyncio.sleep(POLL)
        except TimeoutError:
            raise Unreachable(
                f"{self.describe()} did not let us in within {self._patience:.0f} s",
                "try the same with: ssh -v",
            ) from None
        finally:
            self._clock = None
        if self._problem is not None:
            raise self._problem
        if not self._master.running:
            await self._master.wait()
            problem = explain(self._master.stderr_tail(), self.describe(), resolved.port)
            raise await self._named(problem, resolved)

    async def _named(self, problem: Unreachable, resolved: Resolved) -> Unreachable:
        """The problem; a key that ssh refused without showing it (strict checking) gets its fingerprint."""
        if not isinstance(problem, HostKeyUnknown) or resolved.strict != "yes":
            return problem
        asking = resolved._replace(strict="no")  # becomes "ask", and every question is answered with no
        assert self._askpass is not None
        words = [*self._base(), "-N", "-o", "ControlPath=none", *self._checks(asking), *self._target()]
        probe = await self._start(words)
        async with asyncio.timeout(self._patience):
            while probe.running and self._problem is None:  # noqa: ASYNC110
                await asyncio.sleep(POLL)
        probe.abort()
        await probe.wait()
        return self._problem or problem

    async def _hang_up(self) -> None:
        channels, self._channels = self._channels, []
        for channel in channels:
            channel.abort()
            await channel.wait()
        master, self._master = self._master, None
        if master is not None:
            master.abort()
            await master.wait()
        askpass, self._askpass = self._askpass, None
        if askpass is not None:
            await askpass.close()
        self._shared = False

    async def _answer(self, question: Question) -> str | None:
        """The answer to what ssh asks; None ends the attempt, self._problem says why."""
        assert self._resolved is not None
        if question.manner == "none":  # "touch your key": ssh ends the helper when that was done
            await asyncio.sleep(3600)
        if question.manner or self._problem is not None:
            return None
        key = host_key_question(question.text)
        if key is not None:
            strict = self._resolved.strict == "yes"
            if key.fingerprint in self._accept and not strict:
                return "yes"
            self._problem = key.error(strict=strict)
            return None
        return await self._ask_user(question.text)

    async def _ask_user(self, text: str) -> str | None:
        kind = prompt_kind(text)
        again = "that was not accepted, try again\n" if self._asked.get(text) else ""
        self._asked[text] = self._asked.get(text, 0) + 1
        if sum(self._asked.values()) > MAX_QUESTIONS:
            self._problem = NeedsSignIn(f"{self.describe()} asks without end", "try the same with: ssh -v")
            return None
        if self._clock is not None:
            self._clock.reschedule(None)  # a person may take as long as it takes
        try:
            return await self._sign_in.answer(make_prompt(kind, again + text, self.describe()))
        except NeedsSignIn as error:
            self._problem = error
            return None
        finally:
            if self._clock is not None and not self._clock.expired():
                self._clock.reschedule(asyncio.get_running_loop().time() + self._patience)

    def _base(self) -> list[str]:
        settings, words = self._settings, ["ssh"]
        if settings.ssh_config:
            words += ["-F", os.path.expanduser(settings.ssh_config)]
        if settings.identity:
            words += ["-i", os.path.expanduser(settings.identity)]
        if settings.jump:
            words += ["-J", settings.jump]
        return words

    def _route(self) -> list[str]:
        """How a channel runs: over which connection; no terminal, no forwardings, no other command."""
        words = ["-T", "-x"]
        if self._askpass is not None:
            words += ["-S", str(self._askpass.folder / "c")]
        fixed = ("ClearAllForwardings=yes", "RemoteCommand=none", "PermitLocalCommand=no", "LogLevel=INFO")
        return words + [word for option in fixed for word in ("-o", option)]

    def _checks(self, resolved: Resolved) -> list[str]:
        # The first file is the one ssh adds accepted keys to: ours, never the user's.
        own = str(self._known_hosts)
        files = " ".join(_quoted(path) for path in [own, *resolved.known_hosts] if path != "none")
        options = [f"UserKnownHostsFile={files}", "ControlPersist=no", "UpdateHostKeys=no"]
        options += ["ServerAliveInterval=15", "ServerAliveCountMax=3"]
        if resolved.strict == "no":  # it would make every check worthless; a key is asked for instead
            options.append("StrictHostKeyChecking=ask")
        if resolved.connect_timeout is None:
            options.append(f"ConnectTimeout={self._timeout:.0f}")
        return [word for option in options for word in ("-o", option)]

    def _target(self) -> list[str]:
        address, words = self._address, []
        if address.user:
            words += ["-l", address.user]
        if address.port:
            words += ["-p", str(address.port)]
        return [*words, "--", address.host]

    async def _start(self, words: list[str]) -> ProcessChannel:
        environment = {**os.environ, **(self._askpass.environment() if self._askpass else {})}
        try:
            return await ProcessChannel.start(words, environment)
        except FileNotFoundError:
            raise _no_ssh() from None

    async def _ask_ssh(self, words: list[str]) -> tuple[int, str, str]:
        """Exit status, output and error output of a short ssh command without a connection."""
        if shutil.which("ssh") is None:
            raise _no_ssh()
        none = asyncio.subprocess.DEVNULL
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*words, stdin=none, stdout=pipe, stderr=pipe)
        try:
            async with asyncio.timeout(self._timeout):
                out, error = await process.communicate()
        except TimeoutError:
            raise Unreachable(
                "ssh does not finish reading its configuration", "is a Match exec hanging?"
            ) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, out.decode("utf-8", "replace"), error.decode("utf-8", "replace")


def _no_ssh() -> ConfigurationError:
    return ConfigurationError("there is no ssh program here", "install OpenSSH, or set transport asyncssh")


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path
