"""Links in a model's folder: those that stay in it are followed, no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import UsageError
from workbench.workspace.model_files import local_files


def test_a_link_in_the_folder_is_followed_and_one_that_leads_out_refused(tmp_path: Path) -> None:
    """Whoever gets a folder from elsewhere does not make what it points at, such as a key, part of a model."""
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "w.bin").write_bytes(b"weights")
    (folder / "deep" / "again.bin").symlink_to("../w.bin")
    assert local_files(folder) == {
        "w.bin": folder / "w.bin",
        "deep/again.bin": (folder / "w.bin").resolve(),
    }
    (tmp_path / "id_ed25519").write_text("secret")
    for target, word in (
        ("../id_ed25519", "leads out of the model"),
        ("/etc/passwd", "leads out of the model"),
        ("gone", "leads nowhere"),
        ("link", "leads nowhere"),
    ):
        link = folder / "link"
        link.symlink_to(target)
        with pytest.raises(UsageError, match=word):
            local_files(folder)
        link.unlink()
    (folder / "folder").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="link to a folder"):
        local_files(folder)


def test_a_hubs_cache_is_links_to_its_blobs_and_a_named_link_is_what_it_leads_to(tmp_path: Path) -> None:
    cache = tmp_path / "models--a--b"
    (cache / "blobs").mkdir(parents=True)
    (cache / "snapshots" / "1f").mkdir(parents=True)
    (cache / "blobs" / "abc").write_bytes(b"weights")
    link = cache / "snapshots" / "1f" / "model.safetensors"
    link.symlink_to("../../blobs/abc")
    whole = (cache / "blobs" / "abc").resolve()
    assert local_files(link.parent) == {"model.safetensors": whole}
    assert local_files(link) == {"model.safetensors": whole}
