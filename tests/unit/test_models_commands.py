"""The commands that the forms about models show are what a shell reads as it was typed."""

from __future__ import annotations

import shlex

from workbench.tui.screens.models.changing import _command


def test_a_gate_is_quoted_whatever_its_rules_quote() -> None:
    rule = "evaluation job:'my eval.yml' on data:test:1: acc > 0.9"
    said = _command("churn", {"rule0": rule, "rule1": "safe", "protected": "champion, stable"})
    assert shlex.split(said) == [
        "wb", "model", "set", "churn", "--gate", rule, "--gate", "safe", "--protect", "champion", "--protect", "stable",
    ]  # fmt: skip
