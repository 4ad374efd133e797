"""Files, folders, images and models that a script keeps."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from tests.tracking_run import recorded
from workbench.remote.tracking.complaints import TrackingWarning


def test_files_are_copied_into_outputs(run, tmp_path):
    """AZ-88."""
    source = tmp_path / "model.bin"
    source.write_bytes(b"weights")
    source.chmod(0o755)
    run.upload_file("model.bin", source)
    run.upload_file("outputs/deep/er/model.bin", str(source))
    run.upload_file(name="stream.bin", path_or_stream=io.BytesIO(b"bytes"))
    run.upload_file("model.bin", path=tmp_path / "outputs" / "model.bin")
    assert (tmp_path / "outputs/model.bin").read_bytes() == b"weights"
    assert (tmp_path / "outputs/model.bin").stat().st_mode & 0o111
    assert (tmp_path / "outputs/deep/er/model.bin").read_bytes() == b"weights"
    assert (tmp_path / "outputs/stream.bin").read_bytes() == b"bytes"
    assert [r["path"] for r in recorded(run, "artifact")] == [
        "outputs/model.bin", "outputs/deep/er/model.bin", "outputs/stream.bin", "outputs/model.bin",
    ]  # fmt: skip
    assert recorded(run, "warning") == []


@pytest.mark.parametrize(
    "name", ["../spec.json", "/etc/x", "a/../../x", "outputs/..", "outputs", ".", "a\x00b", "link/x"]
)
def test_no_name_leads_out_of_outputs(run, tmp_path, name):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "link").symlink_to(tmp_path / "elsewhere")
    source = tmp_path / "file"
    source.write_bytes(b"x")
    with pytest.warns(TrackingWarning, match="upload_file"):
        run.upload_file(name, source)
    assert recorded(run, "artifact") == []
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert [p.name for p in (tmp_path / "outputs").iterdir()] == ["link"]


def test_a_fifo_is_no_file_to_wait_for(run, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.warns(TrackingWarning, match="regular"):
        run.upload_file("x", tmp_path / "fifo")


def test_folders_and_images(run, tmp_path):
    """AZ-88, AZ-96: exactly one of file and figure."""

    class Figure:
        def savefig(self, path: str) -> None:
            Path(path).write_bytes(b"png")

    (tmp_path / "folder" / "sub").mkdir(parents=True)
    (tmp_path / "folder" / "a").write_text("1")
    (tmp_path / "folder" / "sub" / "b").write_text("2")
    run.upload_folder("checkpoints", tmp_path / "folder")
    run.log_image("roc", plot=Figure())
    (tmp_path / "photo.jpg").write_bytes(b"jpeg")
    run.log_image("photo", path=tmp_path / "photo.jpg")
    assert (tmp_path / "outputs/photo.jpg").read_bytes() == b"jpeg"
    assert (tmp_path / "outputs/checkpoints/sub/b").read_text() == "2"
    assert (tmp_path / "outputs/roc.png").read_bytes() == b"png"
    with pytest.warns(TrackingWarning, match="exactly one"):
        run.log_image("both", path="x.png", plot=Figure())
    assert [r["path"] for r in recorded(run, "artifact")] == [
        "outputs/checkpoints/a", "outputs/checkpoints/sub/b", "outputs/roc.png", "outputs/photo.jpg",
    ]  # fmt: skip


def test_a_model_is_asked_for_with_what_is_said_of_it(run):
    """AZ-89: inside a run a model is asked for; the workspace registers it."""
    asked = run.register_model(
        model_name="churn", model_path="outputs/model.pkl", tags={"a": "b", "bare": None}, properties={"n": 1},
        model_framework="sklearn", model_framework_version="1.5", description="it \u00fc", datasets=[],
    )  # fmt: skip
    assert (asked.name, asked.version, asked.path) == ("churn", None, "outputs/model.pkl")
    about = {
        "framework": "sklearn", "framework_version": "1.5", "description": "it \u00fc",
        "tags": {"a": "b", "bare": None}, "properties": {"n": "1"},
    }  # fmt: skip
    assert recorded(run, "artifact") == [
        {"n": "churn", "path": "outputs/model.pkl", "model": "churn", "about": about}
    ]


def test_a_model_that_lies_elsewhere_is_copied_to_the_outputs(run, tmp_path, monkeypatch):
    work = tmp_path / "work"
    (work / "saved").mkdir(parents=True)
    (work / "saved" / "a.bin").write_bytes(b"a")
    (work / "b.bin").write_bytes(b"b")
    monkeypatch.chdir(work)
    assert run.register_model("folder", "saved").path == "outputs/saved"
    assert run.register_model("file", str(work / "b.bin")).path == "outputs/b.bin"
    outputs = Path(run.directory) / "outputs"
    assert (outputs / "saved" / "a.bin").read_bytes() == b"a"
    assert (outputs / "b.bin").read_bytes() == b"b"
    with pytest.warns(TrackingWarning, match="register_model"):
        assert run.register_model("gone", "nowhere.bin") is None
    assert run.register_model("odd", "outputs/x", tags=3) is None
