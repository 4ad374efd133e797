"""A user's script: train once more, and hand the champion's alias on if the gate lets it."""

import sys
from datetime import datetime

from workbench import Dataset, Model, Refused, ScriptRunConfig, Workspace

with Workspace.open() as workspace:
    digits = Dataset.get_by_name(workspace, "digits")
    runs = {}
    for rows in (40, 1200):
        asked = ScriptRunConfig(
            sys.argv[1],
            "train.py",
            ["--data", digits.as_named_input("digits").as_mount(), "--rows", rows],
            environment="digits@latest",
            experiment="digits-by-script",
        )
        runs[rows] = workspace.submit(asked)
    for run in runs.values():
        run.wait_for_completion()
    few, many = (
        run.register_model("digits", "outputs/model", tags={"reviewed": None}) for run in runs.values()
    )
    before = Model.get(workspace, "digits", alias="champion")
    print("before", before.version, before.details["metrics"]["acc"])
    many.promote("champion", why="more rows")
    try:
        few.promote("champion", why="fewer rows")
    except Refused as refused:
        print("refused", f"digits:{refused.data['verdict']['version']}")
    print("champion", Model.get(workspace, "digits", alias="champion").version)
    moves = Model.history(workspace, "digits", "champion")
    (then,) = Model.history(workspace, "digits", at=datetime.fromisoformat(moves[1]["time"]))
    print("then", then["version"])
    print("made of", *(f"{one['name']}:{one['version']}" for one in many.details["datasets"]))
    print("acc", many.run.get_metrics("acc")["acc"])
    print("files", *(path.name for path in many.download(sys.argv[2])))
    Model.rollback(workspace, "digits", why="only a try")
    print("after", Model.get(workspace, "digits", alias="champion").version)
