"""Where a forward leads, as it is typed and as it is shown."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.errors import UsageError
from workbench.views.forwards import leads_to, place_of


@pytest.mark.parametrize(("text", "place"), [
    ("8888", {"port": 8888, "local": 0}),
    ("9000:8888", {"port": 8888, "local": 9000}),
    ("db:5432", {"port": 5432, "local": 0, "host": "db"}),
    ("9000:db-1.lan:5432", {"port": 5432, "local": 9000, "host": "db-1.lan"}),
    ("9000:10.0.0.7:5432", {"port": 5432, "local": 9000, "host": "10.0.0.7"}),
    ("10.0.0.7:5432", {"port": 5432, "local": 0, "host": "10.0.0.7"}),
])  # fmt: skip
def test_a_place_is_read(text: str, place: dict[str, Any]) -> None:
    assert place_of(text) == place


@pytest.mark.parametrize(
    "text", ["", "x", "8888:", ":8888", "a:b:c", "1:2:3:4", "8888 ", "-1", "123456", "9000:a b:80"]
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        place_of(text)


def test_where_it_leads_is_said() -> None:
    assert leads_to({"target": "gpu1", "host": "localhost", "port": 8888}) == "gpu1 port 8888"
    assert leads_to({"target": "gpu1", "host": "db", "port": 5432}) == "db port 5432 from gpu1"
    assert leads_to({"target": "gpu1", "host": "localhost", "tool": "tensorboard"}) == "TensorBoard on gpu1"
