"""The machines of the fixed world, how they are attached, and its activities."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from copy import deepcopy
from typing import Any

from tests.faces.fixed_runs import ago
from workbench.errors import HostKeyUnknown, NeedsSignIn, NotFound, Unreachable, WorkbenchError

FINGERPRINT = "SHA256:Qm9vZ2llV29vZ2llRmluZ2VycHJpbnRPZkFIb3N0S2V5"


def gpus(count: int, name: str = "NVIDIA A100", memory: int = 80) -> list[dict[str, Any]]:
    """GPUs as a machine's facts have them."""
    return [{"uuid": f"GPU-{number}", "name": name, "memory": memory << 30} for number in range(count)]


def target(name: str, **fields: Any) -> dict[str, Any]:
    """A machine as `compute.list` has it."""
    return {
        "name": name,
        "kind": "ssh",
        "created": ago(days=9),
        "state": "connected",
        "last_seen": ago(seconds=1),
        "settings": {"address": f"ann@{name}.lab.example"},
        "facts": {
            "hostname": name,
            "user": "ann",
            "cpus": 64,
            "memory": 540 << 30,
            "home_free": 812 << 30,
            "python": {"path": "/usr/bin/python3", "version": "3.11.2"},
            "gpus": gpus(4),
        },
        "default": False,
        "problem": "",
        **fields,
    }


TARGETS = [
    target("gpu1", default=True),
    target(
        "dgx-02",
        last_seen=ago(minutes=3),
        state="unreachable",
        problem="no answer for 3 minutes; trying again in 20 s",
    ),
    target(
        "lab-7",
        state="needs sign-in",
        last_seen=ago(hours=3),
        problem="it wants a password and a code",
        facts={"cpus": 16, "memory": 64 << 30, "home_free": 31 << 30, "gpus": gpus(1, "NVIDIA RTX 4090", 24)},
    ),
    {
        "name": "local",
        "kind": "local",
        "created": ago(days=9),
        "state": "idle",
        "settings": {},
        "facts": {"hostname": "laptop", "cpus": 8, "memory": 16 << 30, "gpus": []},
        "default": False,
        "problem": "",
    },
]
CHECKS = [
    {"name": "python", "state": "ok", "text": "/usr/bin/python3 is 3.11.2", "hint": ""},
    {
        "name": "lingering",
        "state": "warn",
        "text": "ann's processes may end with her last session",
        "hint": "loginctl enable-linger ann",
    },
    {
        "name": "disk",
        "state": "bad",
        "text": "31 GB are free where runs are kept",
        "hint": "wb compute prune gpu1 frees 212 GB",
    },
]
ACTIVITIES = [
    {
        "id": "a3",
        "kind": "transfer",
        "subject": "experiments/mnist/runs/01JD0000000000000000000042",
        "state": "running",
        "started": ago(minutes=2),
        "done": 42 << 20,
        "total": 100 << 20,
        "text": "sending data.bin",
    },
    {
        "id": "a2",
        "kind": "attach",
        "subject": "compute/gpu1",
        "state": "done",
        "started": ago(hours=5),
        "ended": ago(hours=5),
        "text": "attached",
    },
    {
        "id": "a1",
        "kind": "follow",
        "subject": "compute/dgx-02",
        "state": "failed",
        "started": ago(hours=9),
        "ended": ago(hours=8),
        "error": "the connection was lost",
        "hint": "wb compute doctor dgx-02",
    },
]
ANSWERS = {"Password: ": "s3cret", "Verification code: ": "271828"}
"""What a guarded host asks, and what it takes."""


class MachineServices:
    """`compute.*` and `activities.list`; a host in `guarded` shows an unknown key and asks its questions."""

    def __init__(self) -> None:
        super().__init__()
        self.targets = deepcopy(TARGETS)
        self.activities = deepcopy(ACTIVITIES)
        self.alerts: list[dict[str, Any]] = []
        self.alert_events: list[dict[str, Any]] = []
        self.subscriptions: list[dict[str, Any]] = []
        self.guarded: set[str] = set()
        self.ended: list[str] = []
        """Machines whose command was ended before it was through."""
        self.questions = list(ANSWERS)
        self._pending: dict[str, list[str]] = {}

    def compute_list(self) -> Any:
        return [dict(item) for item in self.targets]

    def compute_get(self, name: str) -> Any:
        for item in self.targets:
            if item["name"] == name:
                return dict(item)
        raise NotFound(f"there is no machine {name}", "wb compute ls lists them")

    def compute_doctor(self, name: str) -> Any:
        return CHECKS if self.compute_get(name) else []

    def compute_attach(self, name: str, kind: str, settings: dict[str, Any], accept_key: str = "") -> Any:
        if name in self.guarded and accept_key != FINGERPRINT:
            raise HostKeyUnknown(
                f"the key of {name} is not known",
                "compare its fingerprint",
                host=name,
                port=22,
                algorithm="ssh-ed25519",
                fingerprint=FINGERPRINT,
            )
        if name in self.guarded:
            return self._ask(name)
        return self._attached(name, settings)

    def compute_login(self, name: str, session: str = "", answer: str = "") -> Any:
        if not session:
            return self._ask(name)
        asked = self._pending[session][0]
        if ANSWERS.get(asked) != answer:
            raise NeedsSignIn(f"{name} did not take the answer", "I tries again")
        del self._pending[session][0]
        return self._next(session)

    def _ask(self, name: str) -> Any:
        self._pending[name] = list(self.questions)
        return self._next(name)

    def _next(self, session: str) -> Any:
        if self._pending[session]:
            text = self._pending[session][0]
            return {
                "session": session,
                "prompt": {"kind": "keyboard", "text": text, "echo": text.startswith("Ver")},
            }
        return self._attached(session, {"address": session})

    def _attached(self, name: str, settings: dict[str, Any]) -> Any:
        self.targets = [item for item in self.targets if item["name"] != name] + [
            target(name, settings=settings)
        ]
        self.measured(name, name=name, state="connected", problem=None, freshness="never")  # type: ignore[attr-defined]
        return {
            "target": self.compute_get(name),
            "card": {
                "lines": [f"{name}  4 x NVIDIA A100, 4 free", "python 3.11.2, 812 GB free"],
                "warnings": [],
            },
        }

    async def compute_exec(self, name: str, shell: str) -> AsyncGenerator[Any, None]:
        """What is run fails on lab-7, cannot reach dgx-02, and never ends where `sleep` is told."""
        if name == "dgx-02":
            raise Unreachable("dgx-02 does not answer")
        yield {"out": f"{name} says \x1b[31mhello\x1b[0m\nand mo"}
        yield {"out": "re\n", "err": ""}
        if "sleep" in shell:
            try:
                await asyncio.sleep(600)
            finally:
                self.ended.append(name)
        yield {"exit_code": 3 if name == "lab-7" else 0}

    async def compute_attend(self, session: str) -> AsyncGenerator[Any, None]:
        yield {}

    def compute_set(self, name: str, changes: dict[str, Any]) -> Any:
        for item in self.targets:
            if item["name"] == name:
                item["settings"] = {**item["settings"], **changes}
        return self.compute_get(name)

    def compute_default(self, name: str) -> Any:
        for item in self.targets:
            item["default"] = item["name"] == name
        return self.compute_get(name)

    def compute_detach(self, name: str, even_protected: bool = False) -> Any:
        if name == "local":
            raise WorkbenchError("this machine is always there")
        if self.compute_get(name)["settings"].get("protected") and not even_protected:
            raise WorkbenchError(f"{name} is protected")
        self.targets = [item for item in self.targets if item["name"] != name]
        return {}

    def runs_active_by_target(self) -> Any:
        return {"runs": {"gpu1": 1, "dgx-02": 1}}

    def alerts_list(self, **_: Any) -> Any:
        return [dict(item) for item in self.alerts]

    def alerts_lately(self, **_: Any) -> Any:
        return [dict(item) for item in self.alert_events]

    def alerts_silence(self, target: str, rule: str, seconds: float, **_: Any) -> Any:
        for alert in self.alerts:
            if (alert["target"], alert["rule"]) == (target, rule):
                alert["silenced_until"] = ago(seconds=-seconds)
        return self.alerts_list()

    def alerts_rules(self) -> Any:
        return [
            {
                "rule": "held-idle",
                "severity": "warn",
                "condition": "a GPU does nothing",
                "over": "it works",
                "off": False,
            }
        ]

    def subscriptions_list(self) -> Any:
        return [dict(item) for item in self.subscriptions]

    def subscriptions_add(self, **asked: Any) -> Any:
        made = {"delivered": 0, "failed": 0, "created": ago(seconds=1), **asked}
        self.subscriptions.append(made)
        return {"subscription": made}

    def subscriptions_remove(self, name: str) -> Any:
        self.subscriptions = [item for item in self.subscriptions if item["name"] != name]
        return {}

    def subscriptions_test(self, name: str) -> Any:
        return {"delivered": True}

    def activities_list(self, active: bool = False, **_: Any) -> Any:
        return [dict(item) for item in self.activities if not active or item["state"] == "running"]
