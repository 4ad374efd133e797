"""Where the store may live."""

from __future__ import annotations

import os

import pytest

from workbench.errors import StoreError
from workbench.store.blocking_store import Store
from workbench.store.sqlite import opening
from workbench.store.sqlite.location import POINTER, choose_directory, filesystem_type, network_filesystem

MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 27 0:30 / /home rw,relatime shared:5 master:2 - autofs systemd-1 rw
31 27 0:31 / /home rw,relatime - nfs4 server:/home rw,vers=4.2
32 31 8:1 / /home/ann/fast rw - xfs /dev/sdb1 rw
33 27 0:33 / /scratch rw - lustre mds@tcp:/fs rw
34 27 0:34 / /mnt/with\\040space rw - fuse.sshfs ann@box: rw
35 27 0:35 / /mnt/local rw - fuse.ntfs-3g /dev/sdc1 rw
36 27 0:36 / /mnt/s3 rw - fuse.rclone remote: rw
37 27 0:37 / /gpfs rw - gpfs gpfs0 rw
38 27 0:38 / /win rw - 9p C: rw
39 27 0:39 / /share rw - cifs //nas/share rw
40 27 0:40 / /smb rw - smb3 //nas/share rw
41 27 0:41 / /ceph rw - ceph mon:/ rw
42 27 0:42 / /b\\303\\244r rw - nfs server:/x rw
garbage
43 27
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", None),
        ("/var/lib", None),
        ("/home", "nfs4"),
        ("/home/ann/.local", "nfs4"),
        ("/homestead", None),
        ("/home/ann/fast/x", None),
        ("/scratch/a", "lustre"),
        ("/mnt/with space/x", "fuse.sshfs"),
        ("/mnt/local/x", None),
        ("/mnt/s3/x", "fuse.rclone"),
        ("/gpfs/x", "gpfs"),
        ("/win", "9p"),
        ("/share/x", "cifs"),
        ("/smb", "smb3"),
        ("/ceph/a/b", "ceph"),
        ("/bär/x", "nfs"),
    ],
)
def test_network_file_systems_are_told_from_local_ones(path, kind):
    assert network_filesystem(path, MOUNTS) == kind


def test_the_last_mount_on_a_place_counts():
    assert filesystem_type("/home/x", MOUNTS) == "nfs4"
    assert filesystem_type("/x", "") is None


def mounts_at(place, kind="nfs4"):
    return f"1 0 0:1 / / rw - ext4 /dev/vda rw\n2 1 0:2 / {place} rw - {kind} server:/x rw\n"


def test_a_home_on_a_local_disk_holds_its_store(tmp_path):
    assert choose_directory(tmp_path, os.getuid(), "1 0 0:1 / / rw - ext4 /dev/vda rw\n") == (tmp_path, None)


def test_a_home_on_the_network_points_to_a_local_folder(tmp_path):
    home, local = tmp_path / "home", tmp_path / "local"
    local.mkdir()
    mounts = mounts_at(home)
    place, notice = choose_directory(home, os.getuid(), mounts, local)
    assert place.parent == local / f"workbench-state-{os.getuid()}"
    assert place.stat().st_mode & 0o777 == 0o700
    assert notice is not None
    assert "nfs4" in notice
    assert (home / POINTER).read_text().split("\t")[1].strip() == str(place)
    assert choose_directory(home, os.getuid(), mounts, local)[0] == place
    assert len((home / POINTER).read_text().splitlines()) == 1
    other, _ = choose_directory(home / "two", os.getuid(), mounts, local)
    assert other != place


def test_the_pointer_keeps_what_other_hosts_wrote(tmp_path):
    home, local = tmp_path / "home", tmp_path / "local"
    home.mkdir()
    local.mkdir()
    (home / POINTER).write_text("elsewhere\t/var/tmp/x\n")
    choose_directory(home, os.getuid(), mounts_at(home), local)
    assert "elsewhere\t/var/tmp/x" in (home / POINTER).read_text().splitlines()


def test_a_folder_somebody_else_laid_there_is_refused(tmp_path):
    home, local = tmp_path / "home", tmp_path / "local"
    local.mkdir()
    trap = local / f"workbench-state-{os.getuid()}"
    trap.symlink_to(tmp_path)
    with pytest.raises(StoreError):
        choose_directory(home, os.getuid(), mounts_at(home), local)
    trap.unlink()
    trap.mkdir()
    trap.chmod(0o777)
    with pytest.raises(StoreError):
        choose_directory(home, os.getuid(), mounts_at(home), local)
    trap.chmod(0o700)
    with pytest.raises(StoreError):
        choose_directory(home, os.getuid() + 1, mounts_at(home), local)


def test_a_store_is_not_opened_on_the_network(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "network_filesystem_at", lambda path: "lustre")
    with pytest.raises(StoreError, match="lustre") as caught:
        Store.open(tmp_path / "store")
    assert caught.value.hint
