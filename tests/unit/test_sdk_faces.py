"""The SDK's two faces are one body; what a folder says of its workspace; where progress is shown."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from workbench import aio, config_file, sdk
from workbench.errors import ConfigurationError, NotFound
from workbench.home import workspace_name
from workbench.workspace.progress_display import NotebookLine, ProgressDisplay, Silent, surface

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def make_sdk() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_sdk", ROOT / "docs" / "make_sdk.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_blocking_face_is_the_other_without_its_waits(make_sdk: ModuleType) -> None:
    for name, text in make_sdk.pages().items():
        written = (ROOT / "workbench" / "sdk" / name).read_text("utf-8")
        assert written == text, f"{name}: run python docs/make_sdk.py"
        waits = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef)
        assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, waits)]


def test_both_faces_have_the_same_names_and_parameters() -> None:
    assert set(aio.__all__) == set(sdk.__all__)
    for name in aio.__all__:
        there, here = getattr(aio, name), getattr(sdk, name)
        public = [word for word in vars(there) if not word.startswith("_")]
        assert public == [word for word in vars(here) if not word.startswith("_")]
        for word in public:
            one, other = getattr(there, word), getattr(here, word)
            if callable(one) and callable(other):
                assert list(inspect.signature(one).parameters) == list(inspect.signature(other).parameters)
                assert one.__doc__ == other.__doc__


def test_the_page_is_a_script_that_strict_types_allow(tmp_path: Path) -> None:
    """What people write as docs/sdk.md does need not ask of each thing whether it is None."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "sdk.md").read_text("utf-8"), re.DOTALL)
    script = tmp_path / "script.py"
    script.write_text("\n".join(blocks))
    words = ["--strict", "--config-file", "", "--cache-dir", str(tmp_path / "cache"), str(script)]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("place", config_file.PLACES)
def test_a_file_above_names_the_workspace(place: str, tmp_path: Path) -> None:
    """AZ-2: each of the places, in the folder or above it."""
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(json.dumps({"workspace_name": "team", "subscription_id": "0"}))
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert config_file.config_of(None, below) == (tmp_path / place, "team")
    assert config_file.config_of(tmp_path / place, below).workspace == "team"
    assert config_file.config_of(tmp_path, below).workspace == "team"


def test_the_nearest_and_first_named_wins(tmp_path: Path) -> None:
    """AZ-2: the folder before those above it, .azureml before the others."""
    below = tmp_path / "a"
    for folder, place, name in (
        (tmp_path, ".azureml/config.json", "above"),
        (below, "config.json", "bare"),
        (below, "aml_config/config.json", "older"),
        (below, ".azureml/config.json", "newest"),
    ):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(json.dumps({"workspace_name": name}))
    assert config_file.config_of(None, below).workspace == "newest"
    (below / ".azureml/config.json").unlink()
    assert config_file.config_of(None, below).workspace == "older"
    (below / "aml_config/config.json").unlink()
    assert config_file.config_of(None, below).workspace == "bare"
    (below / "config.json").write_text('{"batch_size": 3}')
    assert config_file.config_of(None, below).workspace == "above", "another tool's config.json"


def test_the_oldest_form_names_the_workspace_by_its_path_in_the_cloud(tmp_path: Path) -> None:
    """AZ-2: project.json, in a folder of its own or bare, behind every config.json."""
    scope = "/subscriptions/0/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/team"
    (tmp_path / "aml_config").mkdir()
    (tmp_path / "aml_config" / "project.json").write_text(
        json.dumps({"Id": "1", "Scope": scope + "/projects/p"})
    )
    assert config_file.config_of(None, tmp_path).workspace == "team"
    (tmp_path / "project.json").write_text(json.dumps({"workspace_name": "bare"}))
    assert config_file.config_of(None, tmp_path).workspace == "team", "the folder comes first"
    (tmp_path / "aml_config" / "project.json").unlink()
    assert config_file.config_of(None, tmp_path).workspace == "bare"
    (tmp_path / "config.json").write_text(json.dumps({"workspace_name": "newer"}))
    assert config_file.config_of(None, tmp_path).workspace == "newer"
    (tmp_path / "config.json").unlink()
    for other in ({"Name": "a build", "version": "1"}, {"Scope": "/workspaces/"}, {"Scope": ["x"]}, []):
        (tmp_path / "project.json").write_text(json.dumps(other))
        with pytest.raises(NotFound):
            config_file.config_of(tmp_path, tmp_path)


def test_where_none_is_found_the_folder_is_named(tmp_path: Path) -> None:
    """AZ-3."""
    with pytest.raises(NotFound, match=str(tmp_path)):
        config_file.config_of(tmp_path, tmp_path)
    (tmp_path / ".azureml").mkdir()
    for content in ("{", "[]", "{}", '{"workspace_name": 3}', "[" * 100_000, "x" * (config_file.LARGEST + 1)):
        (tmp_path / ".azureml" / "config.json").write_text(content)
        with pytest.raises(ConfigurationError, match=r"config\.json"):
            config_file.config_of(tmp_path, tmp_path)


def test_what_was_written_is_found_and_other_keys_stay(tmp_path: Path) -> None:
    """AZ-4."""
    path = config_file.write(tmp_path, "team")
    assert config_file.config_of(None, tmp_path) == (path, "team")
    path.write_text(json.dumps({"subscription_id": "0", "workspace_name": "old"}))
    config_file.write(tmp_path, "new")
    assert json.loads(path.read_text()) == {"subscription_id": "0", "workspace_name": "new"}


def test_a_name_in_the_environment_comes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config_file.write(tmp_path, "team")
    monkeypatch.chdir(tmp_path)
    assert workspace_name({}) == "team"
    assert workspace_name({"WORKBENCH_WORKSPACE": "mine"}) == "mine"
    monkeypatch.chdir("/")
    assert workspace_name({}) == "default"


class Cell:
    """A notebook's output: what was shown, in order."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def display(self, data: dict[str, str], *, raw: bool, display_id: bool) -> Cell:
        assert raw
        assert display_id
        self.shown.append(data["text/html"])
        return self

    def update(self, data: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(data["text/html"])


def test_a_notebook_has_one_line_that_is_replaced_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    cell, now = Cell(), [0.0]
    with ProgressDisplay(NotebookLine(cell.display), clock=lambda: now[0]) as display:
        for second in range(4):
            now[0] = float(second)
            display("model.bin", second * 100, 300)
            display("model.bin", second * 100, 300)
        display.say("<b>\x1b[2Jrunning")
        display.say("<b>\x1b[2Jrunning")
    assert "100%" in cell.shown[-3]
    assert "&lt;b&gt;" in cell.shown[-2]
    assert "\x1b" not in "".join(cell.shown)
    assert cell.shown[-1] == ""
    assert len(cell.shown) == 5, "a line is drawn five times a second at most"

    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=cell.display))  # type: ignore[arg-type]
    assert isinstance(surface(), NotebookLine)


def test_nobody_is_told_where_nobody_looks(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert isinstance(surface(), Silent)
    with ProgressDisplay() as display:
        display("x", 1, 2)
        display.say("y")
    assert capsys.readouterr() == ("", "")
