"""Which files may be logs, which patterns take them, and what metrics of several logs are called."""

from __future__ import annotations

import pytest

from workbench.remote.ingest.candidates import chosen, log_in, looked_into
from workbench.remote.ingest.naming import Log, Names


@pytest.mark.parametrize(
    ("folder", "name", "is_folder", "expected"),
    [
        ("/c/runs", "events.out.tfevents.1.box", False, "/c/runs/events.out.tfevents.1.box"),
        ("/c", "METRICS.CSV", False, "/c/METRICS.CSV"),
        ("/c", "model.bin", False, None),
        ("/c/mlruns/1/abc", "meta.yaml", False, "/c/mlruns/1/abc"),
        ("/c/out", "checkpoint-500", True, "/c/out"),
        ("/c/out", "checkpoint-best", True, None),
        ("/c/dvclive/plots", "metrics", True, "/c/dvclive"),
        ("/c/mlruns/1/abc", "metrics", True, None),
    ],
)
def test_what_may_be_a_log(folder: str, name: str, is_folder: bool, expected: str | None) -> None:
    assert log_in(folder, name, is_folder) == expected


@pytest.mark.parametrize(
    ("name", "into"), [("runs", True), (".git", False), ("node_modules", False), ("checkpoint-5", False)]
)
def test_which_folders_are_looked_into(name: str, into: bool) -> None:
    assert looked_into("/c", name) is into


@pytest.mark.parametrize(
    ("patterns", "taken"),
    [
        ([], True),
        (["runs/**"], True),
        (["runs/"], True),
        (["*.csv"], True),
        (["logs/*"], False),
        (["runs/**", "!*/debug/*"], False),
        (["!other/*"], True),
    ],
)
def test_patterns_take_paths_below_the_working_directory(patterns: list[str], taken: bool) -> None:
    assert chosen("runs/debug/metrics.csv", patterns) is taken


def test_the_first_log_keeps_the_plain_name_and_the_next_its_folder() -> None:
    names = Names()
    assert names.named(Log("sweep/a", "tensorboard", ""), ["loss", "lr"]) == {"loss": "loss", "lr": "lr"}
    assert names.named(Log("sweep/b", "tensorboard", ""), ["loss", "acc"]) == {"loss": "b/loss", "acc": "acc"}
    assert names.named(Log("other/b", "tensorboard", ""), ["loss"]) == {"loss": "other/b/loss"}
    assert names.named(Log("sweep/b", "tensorboard", ""), ["loss"]) == {"loss": "b/loss"}


def test_the_parts_of_a_training_are_told_apart_from_the_start() -> None:
    """Keras writes logs/train and logs/validation with the same names."""
    names = Names()
    assert names.named(Log("logs/train", "tensorboard", ""), ["epoch_loss"]) == {
        "epoch_loss": "train/epoch_loss"
    }
    assert names.named(Log("logs/validation", "tensorboard", ""), ["epoch_loss"]) == {
        "epoch_loss": "validation/epoch_loss"
    }


def test_a_log_below_another_has_its_folder_before_the_name() -> None:
    """SummaryWriter.add_scalars makes one for each of its curves."""
    names = Names()
    names.named(Log("runs/x", "tensorboard", ""), ["lr"])
    assert names.named(Log("runs/x/loss_a", "tensorboard", ""), ["loss"]) == {"loss": "loss_a/loss"}
    assert names.named(Log("runs/x/loss_b", "tensorboard", ""), ["loss"]) == {"loss": "loss_b/loss"}


def test_two_loggers_of_one_folder_are_not_told_twice() -> None:
    """Lightning with a CSVLogger and a TensorBoardLogger; a second event file goes on with the first."""
    names = Names()
    assert names.named(Log("v0", "tensorboard", ""), ["loss"]) == {"loss": "loss"}
    assert names.named(Log("v0", "table", "metrics"), ["loss", "extra"]) == {"loss": None, "extra": "extra"}
    assert names.named(Log("v0", "tensorboard", ""), ["loss"]) == {"loss": "loss"}


def test_two_tables_of_one_folder_are_two_logs() -> None:
    """Of those with the same columns the second has its file before the name."""
    names = Names()
    names.named(Log("out", "tensorboard", ""), ["lr"])
    assert names.named(Log("", "table", "fold_2"), ["lr"]) == {"lr": "fold_2/lr"}
    assert names.named(Log("", "table", "fold_0"), ["loss"]) == {"loss": "loss"}
    assert names.named(Log("", "table", "fold_1"), ["loss", "acc"]) == {"loss": "fold_1/loss", "acc": "acc"}
    assert names.named(Log("", "table", "fold_0"), ["loss"]) == {"loss": "loss"}


def test_tables_called_like_parts_of_a_training_are_told_apart_from_the_start() -> None:
    names = Names()
    assert names.named(Log("out", "table", "val"), ["loss"]) == {"loss": "val/loss"}
    assert names.named(Log("out", "table", "train"), ["loss"]) == {"loss": "train/loss"}


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ("csv/lightning_logs/version_0", "tb/lightning_logs/version_0", "tb/loss"),
        ("lightning_logs/version_0", "lightning_logs/version_1", "version_1/loss"),
        ("exp1/version_0", "exp2/version_0", "exp2/loss"),
        ("version_0", "deep/version_0", "deep/loss"),
        ("deep/version_0", "version_0", "version_0/loss"),
        ("out", "", "tensorboard/loss"),
    ],
)
def test_a_name_that_is_taken_gets_what_tells_the_folders_apart(first: str, second: str, name: str) -> None:
    names = Names()
    names.named(Log(first, "table", "metrics"), ["loss"])
    assert names.named(Log(second, "tensorboard", ""), ["loss"]) == {"loss": name}


def test_two_loggers_of_two_folders_that_log_the_same_are_told_once() -> None:
    """Lightning with a CSVLogger("csv") and a TensorBoardLogger("tb"), whichever is read first."""
    table, events = Log("csv/version_0", "table", "metrics"), Log("tb/version_0", "tensorboard", "")
    names = Names()
    assert names.named(events, ["loss"], {"loss": (1, 2.5488336)}) == {"loss": "loss"}
    begins = {"loss": (1, 2.5488337), "val": (7, 0.5), "epoch": (1, 0.0)}
    assert names.named(table, begins, begins) == {"loss": None, "val": "val", "epoch": "epoch"}
    assert names.named(events, ["val", "hp"], {"val": (7, 0.5)}) == {"val": None, "hp": "hp"}
    another = Names()
    another.know(events, "", ["loss"], names.same(events))
    assert another.named(table, ["loss"], {"loss": (9, 0.1)}) == {"loss": None}


@pytest.mark.parametrize(
    ("form", "begin"),
    [("table", (1, 0.75)), ("table", (2, 0.5)), ("tensorboard", (1, 0.5))],
)
def test_loggers_that_log_something_else_keep_their_own(form: str, begin: tuple[int, float]) -> None:
    names = Names()
    names.named(Log("a", "tensorboard", ""), ["loss"], {"loss": (1, 0.5)})
    assert names.named(Log("b", form, "m"), ["loss"], {"loss": begin}) == {"loss": "b/loss"}
    assert names.named(Log("b", form, "m"), ["loss"], {"loss": (1, 0.5)}) == {"loss": "b/loss"}


def test_the_same_epochs_say_nothing_of_two_loggers() -> None:
    names = Names()
    names.named(Log("a", "tensorboard", ""), ["epoch"], {"epoch": (1, 1.0)})
    assert names.named(Log("b", "table", "m"), ["epoch"], {"epoch": (1, 1.0)}) == {"epoch": "b/epoch"}
