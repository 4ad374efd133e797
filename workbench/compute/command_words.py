"""What a machine says of a command that runs there. Pure: a machine is not trusted to be well-formed."""

from __future__ import annotations

from typing import Any

from workbench.errors import RemoteError


def read_output(event: Any) -> dict[str, str]:
    """What the command wrote, by "out" and "err"; empty for what says nothing of that."""
    said = event if isinstance(event, dict) else {}
    return {name: said[name] for name in ("out", "err") if isinstance(said.get(name), str)}


def read_exit_code(answer: Any) -> int:
    """How the command ended. Raises RemoteError when the machine does not say."""
    code = answer.get("exit_code") if isinstance(answer, dict) else None
    if isinstance(code, bool) or not isinstance(code, int) or not -1024 < code < 1024:
        raise RemoteError("the machine does not say how the command ended")
    return code
