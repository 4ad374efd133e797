"""Short trainings with the real packages, unchanged, inside a run: each number is what the package itself reads.

They need an interpreter with mlflow, scikit-learn, wandb, lightning, transformers with accelerate, keras and torch,
2 GB in all, which WORKBENCH_TEST_TRACKERS names; files that these packages wrote are read in every suite
(`tests/unit/test_readers_packages.py`).
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, untagged
from tests.machines.test_run_logs_read import points, records
from workbench.remote.forms import protocol

__all__ = ["ground", "untagged"]

PYTHON = os.environ.get("WORKBENCH_TEST_TRACKERS", "")
pytestmark = pytest.mark.skipif(not PYTHON, reason="WORKBENCH_TEST_TRACKERS names no interpreter with them")
PATIENCE = 280.0

NET = """
import torch
torch.manual_seed(0)
x = torch.randn(64, 3)
y = x.sum(1, keepdim=True)
"""
LIGHTNING = (
    NET
    + """
import lightning
from lightning.pytorch.loggers import CSVLogger

class Net(lightning.LightningModule):
    def __init__(self, lr=0.05):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(3, 1)
    def loss(self, batch):
        return ((self.layer(batch[0]) - batch[1]) ** 2).mean()
    def training_step(self, batch, index):
        loss = self.loss(batch)
        self.log("train_loss", loss)
        return loss
    def validation_step(self, batch, index):
        self.log("val_loss", self.loss(batch))
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)

data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=8)
logger = CSVLogger("mine")
lightning.Trainer(max_epochs=2, logger=logger, log_every_n_steps=2, accelerator="cpu",
                  enable_progress_bar=False, enable_model_summary=False).fit(Net(), data, data)
import pandas
table = pandas.read_csv(logger.log_dir + "/metrics.csv")
theirs = {name: [[int(s), v] for s, v in zip(table.step, table[name]) if v == v]
          for name in ("train_loss", "val_loss", "epoch")}
"""
)
TRAINER = (
    NET
    + """
from transformers import Trainer, TrainingArguments

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)
    def forward(self, x=None, labels=None):
        found = self.layer(x)
        return {"loss": ((found - labels) ** 2).mean(), "logits": found}

data = [{"x": a, "labels": b} for a, b in zip(x, y)]
asked = TrainingArguments("out", num_train_epochs=2, per_device_train_batch_size=8, logging_steps=2,
                          eval_strategy="epoch", save_strategy="epoch", report_to=[], use_cpu=True)
Trainer(Net(), asked, train_dataset=data, eval_dataset=data[:16]).train()
from transformers.trainer_callback import TrainerState
state = TrainerState.load_from_json("out/checkpoint-16/trainer_state.json")
theirs = {name: [[row["step"], row[name]] for row in state.log_history if name in row]
          for name in ("loss", "eval_loss", "grad_norm", "learning_rate")}
"""
)
KERAS = (
    "import os\nos.environ['KERAS_BACKEND'] = 'torch'\n"
    + NET
    + """
import keras
model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse", metrics=["mae"])
told = model.fit(x.numpy(), y.numpy(), epochs=3, validation_split=0.25, verbose=0,
                 callbacks=[keras.callbacks.CSVLogger("history.csv")])
theirs = {name: [[at, value] for at, value in enumerate(values)] for name, values in told.history.items()}
"""
)
WANDB = """
import glob, subprocess, sys, wandb
with wandb.init(project="p", config={"lr": 0.1, "net": {"depth": 3}}) as run:
    for step in range(50):
        run.log({"loss": 1 / (step + 1), "nested/acc": step / 50})
(log,) = glob.glob("logs/wandb/offline-run-*/*.wandb")
said = subprocess.run([sys.executable, "-m", "wandb", "leet", "inspect", "--json", log], capture_output=True).stdout
rows = [json.loads(line)["history"]["item"] for line in said.splitlines() if b'"type":"history"' in line]
theirs = {name: [[row["_step"], row[name]] for row in rows] for name in ("loss", "nested/acc")}
"""
SKLEARN = """
import mlflow
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
mlflow.autolog()
x, y = load_digits(return_X_y=True)
with mlflow.start_run() as run:
    model = LogisticRegression(max_iter=20).fit(x[:300], y[:300])
    found = mlflow.sklearn.log_model(model, name="mine", pip_requirements=[])
    assert (mlflow.sklearn.load_model(found.model_uri).predict(x) == model.predict(x)).all()
    with mlflow.start_run(nested=True):
        mlflow.log_metric("inner", 0.5, step=3)
client = mlflow.MlflowClient()
data = client.get_run(run.info.run_id).data
assert data.params["max_iter"] == "20"
theirs = {name: [[point.step, point.value] for point in client.get_metric_history(run.info.run_id, name)]
          for name in data.metrics}
theirs["inner"] = [[3, 0.5]]
assert "training_accuracy_score" in theirs
"""


def ended(ground: Ground, run: str) -> dict[str, Any]:
    """Its status at its end: to import such packages may take longer than any other test waits."""
    until = time.monotonic() + PATIENCE
    while ground.state(run) not in protocol.TERMINAL and time.monotonic() < until:
        time.sleep(0.2)
    return ground.status(run)


def run_of(ground: Ground, script: str, folder: Path, **asked: Any) -> tuple[str, dict[str, Any]]:
    """A run of a training, and what its package read of it."""
    file, told = folder / "train.py", folder / "theirs.json"
    file.write_text(f"import json\n{script}\njson.dump(theirs, open({str(told)!r}, 'w'))\n")
    run = ground.submit(shlex.join([PYTHON, str(file)]), **asked)
    status = ended(ground, run)
    assert status["transitions"][-1]["state"] == "Completed", ground.path(run, "stream.log").read_text()
    return run, json.loads(told.read_text())


@pytest.mark.parametrize(
    ("script", "asked"),
    [(LIGHTNING, {}), (TRAINER, {}), (KERAS, {}), (WANDB, {}), (SKLEARN, {"mlflow": True})],
    ids=["lightning", "trainer", "keras", "wandb", "sklearn"],
)
def test_a_training_of_a_real_package_is_the_runs(
    script: str, asked: dict[str, Any], ground: Ground, tmp_path: Path
) -> None:
    run, theirs = run_of(ground, script, tmp_path, **asked)
    assert theirs
    for name, expected in theirs.items():
        assert [[step, value] for one, value, step in points(ground, run) if one == name] == expected, name
    assert records(ground, run, "warning") == []


def test_the_packages_are_there() -> None:
    """What the variable names has all of them, so that a run that fails has failed by itself."""
    words = "import accelerate, lightning, mlflow, sklearn, torch, transformers, wandb"
    assert subprocess.run([PYTHON, "-c", words], check=False).returncode == 0
