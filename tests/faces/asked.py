"""The calls that a world in place of the server was asked, and answers that stand in for its own."""

from __future__ import annotations

from typing import Any


class Asked:
    """`calls` are kept, without the parameters that say nothing; `answers` may be replaced one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}

    def note(self, noun: str, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Keep a call; returns the parameters that say something."""
        given = {key: value for key, value in parameters.items() if value is not None}
        self.calls.append((f"{noun}.{method}", given))
        return given

    def asked(self, name: str) -> list[dict[str, Any]]:
        """The parameters of every call of `noun.method`."""
        return [parameters for called, parameters in self.calls if called == name]
