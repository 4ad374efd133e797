"""Writes the fixture files beside it, with the real packages: `python write.py [FORM ...]`.

Needs tensorboardX, tensorboard, wandb, mlflow-skinny with sqlalchemy and alembic, dvclive, lightning,
transformers. What a package
writes of the machine (host, user, paths) is replaced by plain words where the package lets one.
"""

from __future__ import annotations

import math
import os
import shutil
import sqlite3
import sys
from pathlib import Path

HERE = Path(__file__).parent
WORK = Path("/tmp/training")
NAN_AT, INF_AT = 3, 4


def loss(step: int) -> float:
    if step == NAN_AT:
        return math.nan
    if step == INF_AT:
        return math.inf
    return 1.0 / (step + 1)


def tensorboard_x(folder: Path) -> Path:
    """simple_value scalars, out of order and repeated, names with slashes and unicode."""
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(folder))
    for step in range(6):
        writer.add_scalar("loss/train", loss(step), step, walltime=1700000000.5 + step)
    for step in (10, 5, 5):
        writer.add_scalar("größe", float(step), step, walltime=1700000100.0)
    writer.add_scalar("big", 1e30, 2**40, walltime=1700000200.0)
    writer.add_text("note", "warm up", 1, walltime=1700000300.0)
    import numpy

    writer.add_histogram("weights", numpy.arange(20.0), 1, walltime=1700000300.0)
    writer.close()
    return next(folder.glob("*tfevents*"))


def tensorboard_v2(folder: Path) -> Path:
    """What TensorFlow 2 writes: scalars as tensors, text, hyper-parameters."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.hparams import summary_v2 as hparams
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb
    from tensorboard.plugins.text.summary_v2 import text_pb
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))
    start = hparams.hparams_pb({"lr": 1e-3, "layers": 4, "optimiser": "adam", "amp": True}, trial_id="1")
    writer.add_event(Event(wall_time=1700000000.0, summary=start))
    for step in range(6):
        writer.add_event(
            Event(wall_time=1700000001.0 + step, step=step, summary=scalar_pb("loss", loss(step)))
        )
    writer.add_event(Event(wall_time=1700000010.0, step=2, summary=text_pb("note", "warm up")))
    writer.close()
    return next(folder.glob("*tfevents*"))


def wandb_offline(folder: Path) -> Path:
    import wandb

    settings = wandb.Settings(
        mode="offline", host="machine", program="train.py", program_relpath="train.py", disable_git=True,
        save_code=False, disable_code=True, console="off", x_disable_meta=True, x_disable_stats=True,
        x_disable_machine_info=True, silent=True, username="user", email="", root_dir=str(folder),
        x_save_requirements=False,
    )  # fmt: skip
    run = wandb.init(
        project="digits", name="first", id="abc12345", tags=["good", "small"], notes="a note", group="g",
        config={"lr": 1e-3, "model": {"layers": 4, "kind": "mlp"}, "amp": True, "none": None},
        settings=settings,
    )  # fmt: skip
    for step in range(6):
        run.log({"loss": loss(step), "eval/accuracy": step / 10, "nested": {"a": step}, "phase": "warm"})
    run.log({"late": 1.5}, step=20)
    run.config.update({"added": 7})
    run.summary["best"] = 0.25
    run.finish()
    wandb.teardown()  # the file is whole only then
    return next(folder.rglob("*.wandb"))


def mlflow_into(uri: str) -> str:
    os.environ.update(MLFLOW_ALLOW_FILE_STORE="true", LOGNAME="user", USER="user")
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    experiment = client.create_experiment("digits", artifact_location=f"{WORK}/artifacts")
    run = client.create_run(experiment, start_time=1700000000000, run_name="first").info.run_id
    points = [Metric("loss", loss(step), 1700000000000 + step, step) for step in range(6)]
    points += [Metric("eval/accuracy", 0.5, 1700000001000, 0), Metric("out of order", 1.0, 1700000002000, 9)]
    points += [
        Metric("out of order", 2.0, 1700000003000, 3),
        Metric("negative", -math.inf, 1700000003000, -1),
    ]
    params = [Param("lr", "0.001"), Param("model/kind", "mlp"), Param("text", "two\nlines")]
    client.log_batch(run, metrics=points, params=params, tags=[RunTag("note", "größe")])
    client.set_terminated(run, "FAILED", end_time=1700000009000)
    return run


def mlflow_files(folder: Path) -> Path:
    run = mlflow_into(f"file://{folder}/mlruns")
    return next(folder.glob(f"mlruns/*/{run}"))


def mlflow_database(folder: Path) -> Path:
    mlflow_into(f"sqlite:///{folder}/mlflow.db")
    with sqlite3.connect(folder / "mlflow.db") as connection:
        keep = {"runs", "metrics", "params", "tags", "experiments", "latest_metrics", "alembic_version"}
        connection.execute("PRAGMA foreign_keys=OFF")
        found = connection.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall()
        for (name,) in found:
            if name not in keep and not name.startswith("sqlite_"):
                connection.execute(f"DROP TABLE {name}")
    indexes = "SELECT name FROM sqlite_master WHERE type='index' AND sql NOT NULL"
    for (name,) in connection.execute(indexes).fetchall():
        connection.execute(f"DROP INDEX {name}")
    connection.execute("PRAGMA page_size=512")
    connection.execute("VACUUM")
    connection.close()
    return folder / "mlflow.db"


def dvclive_folder(folder: Path) -> Path:
    os.environ["DVC_NO_ANALYTICS"] = "true"
    from dvclive import Live

    with Live(str(folder / "dvclive"), save_dvc_exp=False, dvcyaml=None, report=None) as live:
        live.log_params({"lr": 0.001, "model": {"layers": 4}, "name": "a b: c"})
        for step in range(6):
            live.log_metric("train/loss", loss(step))
            live.log_metric("accuracy", step / 10)
            live.next_step()
    return folder / "dvclive"


def trainer(folder: Path) -> Path:
    from transformers.trainer_callback import TrainerState

    state = TrainerState(max_steps=100, num_train_epochs=2, train_batch_size=8, global_step=20)
    state.log_history = [{"loss": loss(step), "epoch": step / 4, "step": step} for step in range(6)]
    state.log_history.append({"eval_accuracy": 0.5, "epoch": 1.5, "step": 6})
    (folder / "checkpoint-6").mkdir()
    state.save_to_json(str(folder / "checkpoint-6" / "trainer_state.json"))
    return folder


def lightning(folder: Path) -> Path:
    """A metric that comes late has the whole file written anew; each row has only its own columns."""
    from lightning.pytorch.loggers import CSVLogger

    logger = CSVLogger(str(folder), version=0)
    for step in range(6):
        logger.log_metrics({"epoch": step // 3, "train_loss": loss(step)}, step)
        if step % 3 == 2:
            logger.log_metrics({"epoch": step // 3, "accuracy": step / 10}, step)
        logger.save()
    return folder / "lightning_logs"


FORMS = {
    "tensorboard_x": (tensorboard_x, "x/events.out.tfevents.1700000000.machine"),
    "tensorboard_v2": (tensorboard_v2, "v2/events.out.tfevents.1700000000.machine"),
    "wandb": (wandb_offline, "offline-run-20260101_000000-abc12345/run-abc12345.wandb"),
    "mlflow_files": (mlflow_files, "mlruns/1/first"),
    "mlflow_database": (mlflow_database, "mlflow.db"),
    "trainer": (trainer, "trainer"),
    "dvclive": (dvclive_folder, "dvclive"),
    "lightning": (lightning, "lightning_logs"),
}


def main(names: list[str]) -> None:
    for name in names or FORMS:
        write, place = FORMS[name]
        folder = WORK / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        os.chdir(folder)
        source, target = write(folder), HERE / place
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


if __name__ == "__main__":
    main(sys.argv[1:])
