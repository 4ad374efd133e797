"""Addresses as a person writes them, and those no machine can have."""

from __future__ import annotations

import pytest

from workbench.compute.address import Address, parse_address, parse_jump
from workbench.errors import UsageError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("gpu1", Address("gpu1")),
        ("ann@gpu1", Address("gpu1", "ann")),
        ("ann@gpu1.example.org:2222", Address("gpu1.example.org", "ann", 2222)),
        ("[::1]:22", Address("::1", None, 22)),
        ("ann@[fe80::1%eth0]", Address("fe80::1%eth0", "ann")),
        ("fe80::1", Address("fe80::1")),
        ("ann@corp@gpu1", Address("gpu1", "ann@corp")),
    ],
)
def test_what_is_understood(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "-oProxyCommand=x", "ann@-x", "-ann@x", "@h", "h:", "h:0", "h:65536", "h:x"),
        *("a b", "a;b", "a$(b)", "a`b`", "a\nb", "a|b"),
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_address(text)


def test_jump_lists() -> None:
    assert parse_jump(None) == parse_jump("none") == parse_jump("") == []
    assert parse_jump("ann@a:1, b") == [Address("a", "ann", 1), Address("b")]
    assert parse_jump("ssh://ann@a:1/") == [Address("a", "ann", 1)]
