"""A run that failed says why in its own words, from the machine's end to every list."""

from __future__ import annotations

from tests.machines.wb import Wb


def test_a_traceback_is_the_reason(wb: Wb) -> None:
    program = "import sys; print('epoch 1', flush=True); raise RuntimeError('CUDA out of memory')"
    wb("submit", "-t", "local", "--no-code", "--wait", "--", "python3", "-c", program, code=1)
    run = wb.json("run", "show", "@1")
    assert (run["cause"], run["exit_code"]) == ("exit", 1)
    assert run["message"] == "RuntimeError: CUDA out of memory"
    assert "RuntimeError: CUDA out of memory" in wb("run", "ls", COLUMNS="200")


def test_without_words_the_exit_code_is_all_there_is_to_say(wb: Wb) -> None:
    wb("submit", "-t", "local", "--no-code", "--wait", "--", "echo working; exit 3", code=1)
    run = wb.json("run", "show", "@1")
    assert (run["message"], run["exit_code"]) == ("exit code 3", 3)
