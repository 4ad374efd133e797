"""The readers by the name of their form."""

from typing import Any, Callable, Dict

from workbench.remote.readers import (
    detect,
    dvclive,
    json_lines,
    mlflow_database,
    mlflow_files,
    tables,
    tensorboard,
    trainer_state,
    wandb_log,
)
from workbench.remote.readers.entries import Reading

READERS: Dict[str, Callable[[str, Dict[str, Any]], Reading]] = {
    detect.TENSORBOARD: tensorboard.read,
    detect.WANDB: wandb_log.read,
    detect.MLFLOW: mlflow_files.read,
    detect.MLFLOW_DATABASE: mlflow_database.read,
    detect.DVCLIVE: dvclive.read,
    detect.TRAINER: trainer_state.read,
    detect.TABLE: tables.read,
    detect.JSON_LINES: json_lines.read,
}
