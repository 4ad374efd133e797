"""Datastores, datasets and secrets as their user has them: wb, a local server, a real sshd, a real S3 endpoint."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import MAIN, Wb
from tests.s3_server import S3Server, s3_server

LARGE = os.urandom(1 << 20) * 33 + b"its end"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as found:
        yield found


@pytest.fixture
def bucket(s3: S3Server, request: pytest.FixtureRequest) -> tuple[Any, str]:
    client: Any = s3.client()
    name = "b-" + hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    client.create_bucket(Bucket=name)
    return client, name


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    place = tmp_path / "tree"
    (place / "deep" / "er").mkdir(parents=True)
    for number in range(20):
        (place / "deep" / f"{number}.csv").write_text(f"a,b\n{number},2\n")
    (place / "deep" / "er" / "caf\u00e9 1.txt").write_text("x")
    (place / os.fsdecode(b"caf\xe9\n")).write_text("no path")
    (place / "link").symlink_to("deep/7.csv")
    return place


def paths_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def keep(wb: Wb, name: str, value: str) -> None:
    """wb secret set, its value on standard input."""
    subprocess.run(
        [*MAIN, "secret", "set", name],
        env=wb.environ,
        input=value,
        text=True,
        check=True,
        capture_output=True,
    )


def lake(wb: Wb, s3: S3Server, name: str) -> None:
    keep(wb, "lake_key", f"{s3.access}:{s3.secret}\n")
    wb("datastore", "add", "lake", f"s3://{name}/raw", "--endpoint", s3.url, "--secret", "lake_key")


def rows(text: str) -> Any:
    return json.loads(text)


@pytest.fixture
def filed(wb: Wb) -> Wb:
    """A workbench whose secrets go to the file, whatever keyring the machine has."""
    wb.environ["WORKBENCH_SECRETS__STORE"] = "file"
    return wb


def test_secrets(filed: Wb, tmp_path: Path) -> None:
    """AZ-11: set from standard input, never from the command line; listed without values."""
    wb = filed
    keep(wb, "TOKEN", "line one\nline two\n")
    assert wb("secret", "get", "TOKEN") == "line one\nline two"
    assert [(row["name"], row["place"]) for row in rows(wb("secret", "ls", "-o", "json"))] == [
        ("TOKEN", "file")
    ]
    assert "line one" not in wb("secret", "ls", "-o", "json")
    done = wb.run("secret", "set", "EMPTY")
    assert (done.returncode, "there is no value" in done.stderr) == (2, True)
    done = wb.run("secret", "set", "TOKEN", "value")  # a value on the command line is none
    assert done.returncode == 2
    wb("secret", "rm", "TOKEN", "-y")
    assert wb.run("secret", "get", "TOKEN").returncode == 3
    assert b"line one" not in b"".join(paths_below(wb.folder).values())


@pytest.mark.parametrize("kind", ["default", "machine", "s3"])
def test_a_folder_goes_into_a_datastore_and_comes_back(
    filed: Wb, server: SshServer, s3: S3Server, bucket: tuple[Any, str], tree: Path, tmp_path: Path, kind: str
) -> None:
    """AZ-45: upload(src, target_path, overwrite), download(target_path, prefix), in each kind of place."""
    wb, name = filed, "lake"
    if kind == "s3":
        with s3.signatures_checked():
            lake(wb, s3, bucket[1])
    elif kind == "machine":
        attach(wb, server)
        wb("datastore", "add", "lake", f"{server.name}:{server.home}/lake")
    else:
        name = "workspaceblobstore"
    (tree / "lone").symlink_to("nowhere")
    (tree / "again").symlink_to(tree / "deep")
    (tree / "tab\there").write_text("1")
    done = wb.run("datastore", "upload", str(tree), name, "set one")
    assert done.returncode == 0
    assert "2 files left out: no path may be called so" in done.stderr
    assert "left out, being no files or links to folders: again, lone" in done.stderr
    listed = rows(wb("datastore", "ls", name, "set one", "-o", "json"))
    assert {row["path"] for row in listed} == {"set one/deep/", "set one/link"}
    (tree / "deep" / "0.csv").write_text("changed here")
    wb("datastore", "upload", str(tree), name, "set one")
    back = tmp_path / "back"
    wb("datastore", "download", str(back), name, "set one/deep")
    found = paths_below(back)
    assert set(found) == {f"set one/deep/{n}.csv" for n in range(20)} | {"set one/deep/er/caf\u00e9 1.txt"}
    assert found["set one/deep/0.csv"] == b"a,b\n0,2\n"  # kept unless overwrite
    wb("datastore", "upload", str(tree), name, "set one", "--overwrite")
    (back / "set one" / "deep" / "1.csv").write_text("mine")
    wb("datastore", "download", str(back), name)
    assert (back / "set one" / "deep" / "1.csv").read_text() == "mine"
    assert (back / "set one" / "link").read_text() == "a,b\n7,2\n"
    wb("datastore", "download", str(back), name, "--overwrite")
    assert (back / "set one" / "deep" / "1.csv").read_text() == "a,b\n1,2\n"
    assert (back / "set one" / "deep" / "0.csv").read_text() == "changed here"
    assert wb.run("datastore", "download", str(back), name, "nothing").returncode == 3
    wb("datastore", "set", name, "read_only=yes")
    done = wb.run("datastore", "upload", str(tree), name, "two")
    assert (done.returncode, "read only" in done.stderr) == (5, True)


def test_an_upload_whose_command_is_killed_goes_on(
    filed: Wb, s3: S3Server, bucket: tuple[Any, str], tmp_path: Path
) -> None:
    """AZ-45: resumable, also by another process after a kill."""
    wb, (client, name) = filed, bucket
    lake(wb, s3, name)
    source = tmp_path / "large.bin"
    source.write_bytes(LARGE)
    started = subprocess.Popen([*MAIN, "datastore", "upload", str(source), "lake"], env=wb.environ)
    deadline = time.monotonic() + 60
    upload: dict[str, Any] = {}
    while time.monotonic() < deadline:
        uploads = client.list_multipart_uploads(Bucket=name).get("Uploads") or []
        if uploads:
            upload = uploads[0]
            if client.list_parts(Bucket=name, Key="raw/large.bin", UploadId=upload["UploadId"]).get("Parts"):
                break
        time.sleep(0.01)
    started.kill()
    started.wait()
    if "Contents" not in client.list_objects_v2(Bucket=name):  # it was killed in time
        again = client.list_multipart_uploads(Bucket=name)["Uploads"]
        assert [item["UploadId"] for item in again] == [upload["UploadId"]]
    wb("datastore", "upload", str(source), "lake")
    assert client.get_object(Bucket=name, Key="raw/large.bin")["Body"].read() == LARGE
    assert "Uploads" not in client.list_multipart_uploads(Bucket=name)
    back = tmp_path / "back"
    wb("datastore", "download", str(back), "lake", "large.bin")
    assert (back / "large.bin").read_bytes() == LARGE


def test_a_hostile_bucket_writes_nothing_outside(
    filed: Wb, s3: S3Server, bucket: tuple[Any, str], tmp_path: Path
) -> None:
    wb, (client, name) = filed, bucket
    lake(wb, s3, name)
    for key in ("raw/../../evil", "raw//etc/evil", "raw/a/../../evil", "raw/\x1b]0;evil\x07", "raw/good"):
        client.put_object(Bucket=name, Key=key, Body=b"x")
    place = tmp_path / "inner" / "to"
    wb("datastore", "download", str(place), "lake")
    assert paths_below(tmp_path / "inner") == {"to/good": b"x"}
    shown = wb.run("datastore", "ls", "lake")
    assert "\x1b" not in shown.stdout + shown.stderr
    (place / "sub").symlink_to(tmp_path)
    client.put_object(Bucket=name, Key="raw/sub/evil", Body=b"x")
    done = wb.run("datastore", "download", str(place), "lake")
    assert (done.returncode, (tmp_path / "evil").exists()) == (5, False)


def test_wrong_credentials_are_one_line_without_them(
    filed: Wb, s3: S3Server, bucket: tuple[Any, str], tmp_path: Path
) -> None:
    """AZ-43: in no record, log or error."""
    wb = filed
    lake(wb, s3, bucket[1])
    keep(wb, "lake_key", f"{s3.access}:wr0ng-and-secret")
    with s3.signatures_checked():
        done = wb.run("datastore", "ls", "lake")
    assert done.returncode == 5
    assert "does not let us in" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2
    wb("secret", "rm", "lake_key", "-y")
    done = wb.run("datastore", "ls", "lake")
    assert (done.returncode, "there is no secret lake_key" in done.stderr) == (3, True)
    everything = b"".join(paths_below(wb.folder).values()) + done.stderr.encode()
    assert b"wr0ng-and-secret" not in everything
    assert s3.secret.encode() not in everything


def test_a_dataset_where_it_lies(
    filed: Wb, server: SshServer, s3: S3Server, bucket: tuple[Any, str], tree: Path, tmp_path: Path
) -> None:
    """AZ-46, AZ-48, AZ-56, AZ-63: a reference with a hash, by a pattern, on a machine and in a bucket."""
    wb = filed
    attach(wb, server)
    lake(wb, s3, bucket[1])
    there = server.home / "sets"
    (tree / "link").unlink()
    subprocess.run(["cp", "-a", str(tree), str(there)], check=True)
    wb("data", "register", "onmachine", f"{server.name}:{there}/deep/**/*.csv", "--tag", "kind=numbers")
    wb("datastore", "upload", str(tree / "deep"), "lake", "deep")
    wb("data", "register", "inlake", "datastore:lake/deep/*.csv")
    seen = {}
    for name in ("onmachine", "inlake"):
        first = rows(wb("data", "fingerprint", name, "-o", "json"))["fingerprint"]
        assert (first["files"], first["content"]) == (20, False)
        whole = rows(wb("data", "fingerprint", name, "--contents", "-o", "json"))["fingerprint"]
        assert (whole["files"], whole["content"]) == (20, True)
        seen[name] = whole["hash"]
        files = rows(wb("data", "files", name, "-o", "json"))
        assert {row["path"] for row in files} == {f"{n}.csv" for n in range(20)}
        assert len(rows(wb("data", "files", name, "--seen", "-o", "json"))) == 20
        back = tmp_path / f"back-{name}"
        wb("data", "download", name, str(back))
        assert paths_below(back) == {f"{n}.csv": f"a,b\n{n},2\n".encode() for n in range(20)}
    assert seen["onmachine"] == seen["inlake"]  # the same bytes are the same hash, wherever they are
    (there / "deep" / "3.csv").write_text("a,b\n3,3\n")
    assert "--contents says whether they hold the same" in wb.run("data", "fingerprint", "onmachine").stderr
    done = wb.run("data", "fingerprint", "onmachine", "--contents")
    assert done.returncode == 5
    assert "not those it was registered with" in done.stderr
    assert rows(wb("data", "show", "onmachine", "-o", "json"))["fingerprint"]["hash"] == seen["onmachine"]
    done = wb.run("data", "register", "onmachine", f"{server.name}:{there}")
    assert (done.returncode, "--new-version" in done.stderr) == (5, True)
    again = wb("data", "register", "onmachine", f"{server.name}:{there}", "--new-version", "-o", "json")
    assert rows(again)["version"] == 2
    assert [row["version"] for row in rows(wb("data", "versions", "onmachine", "-o", "json"))] == [2, 1]
    wb("data", "rm", "onmachine", "--all", "-y")
    assert (there / "deep" / "3.csv").exists()


WEATHER = {
    f"{state}/2026/11/{day:02}.csv": f"city,temp,rain\nA{day},{day}.5,0\nB{day},,{day}\n"
    for state in ("CA", "NY")
    for day in (1, 2, 3)
}


def weather(folder: Path) -> None:
    for path, text in WEATHER.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def test_a_table_where_it_lies(
    filed: Wb, server: SshServer, s3: S3Server, bucket: tuple[Any, str], tmp_path: Path
) -> None:
    """AZ-47, AZ-51, AZ-53, AZ-61: registered, looked at, derived and profiled, on a machine and in a bucket."""
    wb = filed
    attach(wb, server)
    lake(wb, s3, bucket[1])
    there = server.home / "weather"
    weather(there)
    wb("datastore", "upload", str(there), "lake", "weather")
    form = ["--table", "csv", "--partition-format", "{state}/{day:yyyy/MM/dd}.csv"]
    wb("data", "register", "inlake", "datastore:lake/weather", *form)
    wb("data", "register", "there", f"{server.name}:{there}", *form)
    for name, target in (("inlake", "local"), ("there", server.name)):
        version = rows(wb("data", "show", name, "-o", "json"))
        assert {c["name"]: c["type"] for c in version["schema"]} == {
            "city": "text",
            "temp": "float",
            "rain": "integer",
            "state": "text",
            "day": "datetime",
        }
        assert version["kind"] == "tabular"
        first = rows(wb("data", "preview", name, "-n", "3", "-o", "json"))
        assert first[0] == {
            "city": "A1", "temp": 1.5, "rain": 0, "state": "CA", "day": "2026-11-01T00:00:00",
        }  # fmt: skip
        wet = f"wet-{name}"
        wb("data", "derive", name, wet, "--where", "rain > 1 and state = 'NY'", "--columns", "city,rain")
        assert rows(wb("data", "preview", wet, "-o", "json")) == [
            {"city": "B2", "rain": 2},
            {"city": "B3", "rain": 3},
        ]
        assert rows(wb("data", "show", name, "-o", "json")) == version  # the source is as it was
        profile = rows(wb("data", "profile", name, "-o", "json"))
        found = {row["column"]: row for row in profile}
        assert (found["temp"]["count"], found["temp"]["missing"], found["temp"]["mean"]) == (12, 6, 2.5)
        assert (found["state"]["distinct"], found["rain"]["max"]) == (2, 3)
        run = rows(wb("run", "show", "@1", "-o", "json"))
        assert (run["target"], run["experiment"], run["tags"]["dataset"]) == (target, "profiles", f"{name}:1")
        assert wb("data", "profile", name, "-o", "json") == wb("data", "profile", name, "-o", "json")
        assert rows(wb("run", "show", "@1", "-o", "json"))["id"] == run["id"]  # made once, then kept
    done = wb.run("data", "register", "bad", f"{server.name}:{there}", "--table", "csv", "--no-validate")
    assert (done.returncode, "needs infer_column_types=False" in done.stderr) == (2, True)
    done = wb.run("data", "register", "bad", f"{server.name}:{there}", "--table", "parquet")
    assert (done.returncode, "no parquet file" in done.stderr) == (2, True)
    assert wb.run("data", "show", "bad").returncode == 3


def test_a_run_reads_from_a_bucket_and_writes_to_one(
    filed: Wb, server: SshServer, s3: S3Server, bucket: tuple[Any, str], tmp_path: Path
) -> None:
    """AZ-57, AZ-59: by way of an address that needs no credentials; what the machine has of them is nothing."""
    wb, (client, name) = filed, bucket
    attach(wb, server)
    lake(wb, s3, name)
    for number in range(3):
        client.put_object(Bucket=name, Key=f"raw/in/{number}.txt", Body=f"{number}".encode())
    wb("data", "register", "numbers", "datastore:lake/in")
    job = tmp_path / "job.yml"
    job.write_text(
        "command: cat ${{inputs.x}}/*.txt > ${{outputs.y}}/sum.txt\n"
        "inputs:\n  x: {type: uri_folder, path: 'data:numbers'}\n"
        "outputs:\n  y: {type: uri_folder, path: 'datastore:lake/out', mode: upload, name: sums}\n"
    )
    wb("submit", str(job), "-t", server.name, "--wait")
    deadline = time.monotonic() + 60
    while "Contents" not in client.list_objects_v2(Bucket=name, Prefix="raw/out/"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert client.get_object(Bucket=name, Key="raw/out/sum.txt")["Body"].read() == b"012"
    while wb.run("data", "show", "sums").returncode:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    made = rows(wb("data", "show", "sums", "-o", "json"))
    assert made["source"] == {"datastore": "lake", "paths": ["out"]}
    on_disk = b"".join(paths_below(server.home).values())
    assert s3.secret.encode() not in on_disk


def test_a_table_of_nothing_has_no_profile_and_says_so(filed: Wb, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    filed("data", "register", "none", str(tmp_path / "empty.csv"), "--table", "csv")
    done = filed.run("data", "profile", "none")
    assert (done.returncode, "none has no columns" in done.stderr) == (2, True), done.stderr


def test_who_refers_to_what_is_not_there_yet_is_told(filed: Wb, tmp_path: Path) -> None:
    """A reference may come before its data, and a slip of the pen looks the same."""
    (tmp_path / "here.csv").write_text("a\n1\n")
    words = [str(tmp_path / name) for name in ("here.csv", "*.csv", "nothing*.parquet")]
    done = filed.run("data", "register", "later", *words)
    assert (done.returncode, done.stderr.count("there is nothing at")) == (0, 1)
    assert f"{tmp_path}/nothing*.parquet yet" in done.stderr
