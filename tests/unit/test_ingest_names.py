"""Which files may be logs, which patterns take them, and what metrics of several logs are called."""

from __future__ import annotations

import pytest

from workbench.remote.ingest.candidates import chosen, log_in, looked_into
from workbench.remote.ingest.naming import Names


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
    assert names.named("sweep/a", "tensorboard", ["loss", "lr"]) == {"loss": "loss", "lr": "lr"}
    assert names.named("sweep/b", "tensorboard", ["loss", "acc"]) == {"loss": "b/loss", "acc": "acc"}
    assert names.named("other/b", "tensorboard", ["loss"]) == {"loss": "other/b/loss"}
    assert names.named("sweep/b", "tensorboard", ["loss"]) == {"loss": "b/loss"}


def test_the_parts_of_a_training_are_told_apart_from_the_start() -> None:
    """Keras writes logs/train and logs/validation with the same names."""
    names = Names()
    assert names.named("logs/train", "tensorboard", ["epoch_loss"]) == {"epoch_loss": "train/epoch_loss"}
    assert names.named("logs/validation", "tensorboard", ["epoch_loss"]) == {
        "epoch_loss": "validation/epoch_loss"
    }


def test_a_log_below_another_has_its_folder_before_the_name() -> None:
    """SummaryWriter.add_scalars makes one for each of its curves."""
    names = Names()
    names.named("runs/x", "tensorboard", ["lr"])
    assert names.named("runs/x/loss_a", "tensorboard", ["loss"]) == {"loss": "loss_a/loss"}
    assert names.named("runs/x/loss_b", "tensorboard", ["loss"]) == {"loss": "loss_b/loss"}


def test_two_loggers_of_one_folder_are_not_told_twice() -> None:
    """Lightning with a CSVLogger and a TensorBoardLogger; a second event file goes on with the first."""
    names = Names()
    assert names.named("v0", "tensorboard", ["loss"]) == {"loss": "loss"}
    assert names.named("v0", "table", ["loss", "extra"]) == {"loss": None, "extra": "extra"}
    assert names.named("v0", "tensorboard", ["loss"]) == {"loss": "loss"}
