"""The rings of a machine: what was said is found again, what was not is a gap, minutes hold the extremes."""

from __future__ import annotations

import math

import hypothesis
from hypothesis import strategies as st

from workbench.compute.history import MINUTES, MOST, SECONDS, History
from workbench.entities.machine_series import Minute, Span, figures
from workbench.entities.sample import GpuSample, HostSample, MachineSample

START = 1_790_000_040  # a full minute


def near(found: float | None, wanted: float) -> bool:
    return found is not None and math.isclose(found, wanted, rel_tol=1e-3, abs_tol=1e-4)


def test_what_was_said_each_second_is_found_again() -> None:
    history = History()
    for n in range(100):
        history.add(START + n, {"cpu": n, "memory": n * 2.0**30})
    assert all(near(v, n) for n, v in enumerate(history.seconds("cpu", START, START + 100)))
    assert near(history.seconds("memory", START + 99, START + 100)[0], 99 * 2**30)


def test_nothing_said_is_a_gap_and_not_zero() -> None:
    history = History()
    history.add(START, {"cpu": 1})
    history.add(START + 10, {"cpu": 0.0})
    assert history.seconds("cpu", START - 1, START + 12) == [None, 1.0, *[None] * 9, 0.0, None]
    assert history.seconds("gpu:x:power", START, START + 2) == [None, None]


def test_a_figure_that_stands_for_five_seconds_leaves_no_gaps_between() -> None:
    history = History()
    for n in range(0, 20, 5):
        history.add(START + n, {"cpu": n}, covers=6)
    assert history.seconds("cpu", START, START + 16) == [0.0, *[5.0] * 5, *[10.0] * 5, *[15.0] * 5]


def test_a_figure_that_came_after_a_pause_does_not_fill_it() -> None:
    history = History()
    history.add(START, {"cpu": 1}, covers=2)
    history.add(START + 5, {"cpu": 2}, covers=2)
    assert history.seconds("cpu", START, START + 6) == [1.0, None, None, None, None, 2.0]


def test_several_in_one_second_are_their_mean() -> None:
    history = History()
    for value in (10, 20, 30, 40):
        history.add(START, {"cpu": value})
    assert near(history.seconds("cpu", START, START + 1)[0], 25)


def test_minutes_hold_low_mean_and_high_and_are_told_once() -> None:
    history = History()
    for n in range(150):
        history.add(START + n, {"cpu": 100 if n == 70 else 50})
    first, second = history.take()
    assert first == Minute(START // 60, {"cpu": Span(50, 50, 50)})
    assert second.figures["cpu"].low == 50
    assert second.figures["cpu"].high == 100
    assert near(second.figures["cpu"].mean, 50 + 50 / 60)
    assert history.take() == []
    assert history.unfinished() == Minute(START // 60 + 2, {"cpu": Span(50, 50, 50)})
    assert [span and span.high for span in history.minutes("cpu", START // 60 - 1, START // 60 + 4)] == [
        None,
        50,
        100,
        50,
        None,
    ]


def test_hours_of_silence_are_gaps_in_the_minutes_too() -> None:
    history = History()
    history.add(START, {"cpu": 1})
    history.add(START + 3600, {"cpu": 2})
    first = START // 60
    assert [span and span.mean for span in history.minutes("cpu", first, first + 61)] == [1, *[None] * 59, 2]
    assert history.seconds("cpu", START, START + 1) == [None]


def test_a_clock_set_back_forgets_instead_of_mixing() -> None:
    history = History()
    history.add(START + 1000, {"cpu": 1})
    history.add(START, {"cpu": 2})
    assert history.seconds("cpu", START, START + 1) == [2.0]
    assert history.seconds("cpu", START + 1000, START + 1001) == [None]
    assert history.began == START


def test_a_gpu_that_is_gone_for_long_is_forgotten() -> None:
    history = History()
    history.add(START, {"cpu": 1, "gpu:a:power": 2})
    history.advance(START + (MINUTES + 2) * 60)
    history.add(START + (MINUTES + 2) * 60, {"cpu": 1})
    history.advance(START + (MINUTES + 4) * 60)
    assert history.names == ["cpu"]


@hypothesis.given(st.lists(st.tuples(st.integers(0, 90), st.floats(0, 1000, width=16)), max_size=60))
def test_the_seconds_are_as_a_plain_list_would_have_them(steps: list[tuple[int, float]]) -> None:
    history, plain, second = History(), {}, START
    for step, value in steps:
        if step == 0:
            continue
        second += step
        history.add(second, {"cpu": value})
        plain[second] = value
    wanted = [plain.get(s) if s > second - SECONDS else None for s in range(START, second + 2)]
    assert history.seconds("cpu", START, second + 2) == wanted


def test_figures_of_a_sample_absent_and_old_ones_add_nothing() -> None:
    sample = MachineSample(
        time=1.0,
        host=HostSample(cpu=3.0),
        gpus=[
            GpuSample(uuid="a", utilisation=0.0, temperature=40),
            GpuSample(uuid="b", utilisation=50.0),
            GpuSample(uuid="c", utilisation=99.0, age=12.0),
            GpuSample(uuid="d"),
        ],
    )
    assert figures(sample) == {
        "cpu": 3.0,
        "gpu:a:utilisation": 0.0,
        "gpu:a:temperature": 40,
        "gpu:b:utilisation": 50.0,
        "gpus:utilisation": 25.0,
    }


def test_a_machine_that_names_ever_new_series_is_remembered_in_bounds() -> None:
    history = History()
    for second in range(20):
        history.add(START + second, {f"gpu:GPU-{second}-{n}:power": 1.0 for n in range(200)} | {"cpu": 1.0})
    assert len(history.names) == MOST
    assert history.seconds("cpu", START + 19, START + 20) == [1.0]
