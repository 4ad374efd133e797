"""What a text says of where data is."""

from __future__ import annotations

import pytest

from workbench.data.sources import checked_key, checked_source, safe_key
from workbench.entities.dataset import DataSource
from workbench.errors import UsageError
from workbench.text.asset_reference import AssetReference
from workbench.text.data_path import DataPath, read_data_path


@pytest.mark.parametrize("text", ["https://me:pa55@h/x.csv", "HTTP://tok@h?x", "http://u:p@[::1]:1/x"])
def test_an_address_with_a_password_is_nowhere_taken(text: str) -> None:
    """It would stand in the record of the run, and on its machine."""
    with pytest.raises(UsageError, match="kept nowhere") as caught:
        read_data_path(text)
    assert "pa55" not in str(caught.value)
    assert read_data_path("wasbs://container@account/x").url
    assert read_data_path("https://h/a@b").url


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("./images", DataPath("./images")),
        ("/data/a b", DataPath("/data/a b")),
        ("C:", DataPath("C:")),
        ("gpu1:/data/x", DataPath("/data/x", target="gpu1")),
        ("gpu1:~/x:y", DataPath("~/x:y", target="gpu1")),
        ("dir/a:b", DataPath("dir/a:b")),
        ("https://h/x.csv", DataPath("https://h/x.csv", url=True)),
        ("s3://b/k", DataPath("s3://b/k", url=True)),
        ("datastore:lake/a/b", DataPath("a/b", datastore="lake")),
        ("azureml://datastores/lake/paths/a/b", DataPath("a/b", datastore="lake")),
        (
            "azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/lake/paths/a",
            DataPath("a", datastore="lake"),
        ),
        ("data:digits", DataPath("digits", data=AssetReference("digits"))),
        ("data:digits:3", DataPath("digits:3", data=AssetReference("digits", 3))),
        ("azureml:digits@latest", DataPath("digits@latest", data=AssetReference("digits", None, "latest"))),
        ("model:churn@champion", DataPath("churn@champion", model=AssetReference("churn", None, "champion"))),
        ("data:/disk", DataPath("/disk", target="data")),
    ],
)
def test_what_a_text_means(text: str, meant: DataPath) -> None:
    """AZ-48, AZ-57: every form that a path of data may have."""
    assert read_data_path(text) == meant


def test_azureml_names_what_stands_there() -> None:
    assert read_data_path("azureml:churn:2", azureml="model").model == AssetReference("churn", 2)


@pytest.mark.parametrize(
    "text", ["", " ", "azureml://registries/x/data/y", "datastore:../x", "data:x:nine", "a\nb"]
)
def test_what_means_nothing(text: str) -> None:
    with pytest.raises(UsageError):
        read_data_path(text)


@pytest.mark.parametrize(
    "source",
    [
        DataSource(paths=[]),
        DataSource(paths=["a.csv"]),
        DataSource(datastore="d", target="t", paths=["a"]),
        DataSource(datastore="d", paths=["a.csv", "https://h/b.csv"]),
        DataSource(paths=["https://h/b.csv", "a.csv"]),
        DataSource(datastore="d", paths=["../a"]),
        DataSource(target="t", paths=["relative"]),
        DataSource(paths=["https://user:word@host/x"]),
        DataSource(paths=["file:///etc/passwd"]),
    ],
)
def test_what_a_dataset_cannot_refer_to(source: DataSource) -> None:
    """AZ-48: a list cannot mix URLs and paths of a place."""
    with pytest.raises(UsageError):
        checked_source(source)


def test_what_a_dataset_refers_to() -> None:
    """AZ-48: one string, a list, patterns, URLs."""
    kept = checked_source(DataSource(datastore="d", paths=["/weather/**/*.csv", "", "b/"]))
    assert kept.paths == ["weather/**/*.csv", "", "b"]
    assert checked_source(DataSource(paths=["https://h/a.csv"])).urls
    assert checked_source(DataSource(target="gpu1", paths=["~/x", "/y/*.png"])).paths == ["~/x", "/y/*.png"]


@pytest.mark.parametrize(
    "key", ["..", "a/../b", "/a", "a//b", "a/./b", "a\\b", "a\0b", "a\x1b[2Jb", "x" * 5000]
)
def test_a_key_that_leads_elsewhere(key: str) -> None:
    assert not safe_key(key)
    with pytest.raises(UsageError):
        checked_key(key)
