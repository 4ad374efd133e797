"""Every state has a glyph, a word and a colour of its own."""

from workbench.entities.event import ActivityState
from workbench.entities.run import RunState
from workbench.entities.target import TargetState
from workbench.text import states
from workbench.text.cells import width
from workbench.text.style import CODES, paint


def test_every_state_of_the_entities_has_a_look() -> None:
    """AZ-70: all fifteen."""
    assert set(states.RUN) == {state.value for state in RunState}
    assert set(states.TARGET) == {state.value for state in TargetState}
    assert set(states.ACTIVITY) == {state.value for state in ActivityState}
    assert {state.value for state in RunState if not state.terminal} == states.ACTIVE_RUN


def test_glyphs_fill_one_cell_and_words_differ() -> None:
    for table in (states.RUN, states.TARGET, states.MACHINE, states.CHECK, states.ACTIVITY):
        assert all(
            width(look.glyph) == 1 and look.ascii.isascii() and len(look.ascii) == 1
            for look in table.values()
        )
        assert len({look.word for look in table.values()}) == len(table)
        assert all(look.role in CODES for look in table.values())


def test_an_unknown_state_keeps_its_word() -> None:
    assert states.look(states.RUN, "Dreaming").text() == "? Dreaming"


def test_paint_is_the_callers_choice() -> None:
    assert paint("x", "good", True) == "\x1b[32mx\x1b[0m"
    assert paint("x", "good", False) == "x"
    assert paint("", "good", True) == ""
