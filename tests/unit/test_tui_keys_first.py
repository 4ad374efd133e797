"""News wait for keys, and not for ever; the screen is painted less often over a slow link."""

from __future__ import annotations

from workbench.tui.model.keys_first import LONGEST, QUIET, waiting
from workbench.tui.model.link_speed import paints


def test_news_wait_while_the_last_key_is_answered_and_no_longer_than_a_held_key_may_hold_them() -> None:
    assert waiting(float("-inf"), 5.0, 5.0) == 0
    assert 0 < waiting(5.0, 5.0, 5.0) <= QUIET
    assert waiting(5.0, 5.0, 5.0 + QUIET) == 0
    held = 5.0 + LONGEST
    assert 0 < waiting(held - 0.001, 5.0, held - 0.001) <= 0.001 + 1e-9
    assert waiting(held, 5.0, held) == 0


def test_fewer_paints_over_ssh() -> None:
    assert paints({"SSH_TTY": "/dev/pts/1"}) < paints({})
