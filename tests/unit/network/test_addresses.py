"""Allowed addresses."""

import pytest

from ptmtorrent_scrapy.network.addresses import AddressPolicy, AddressRefused, is_public, origin, origins


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
        ),
        *("255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
        *(
            "192.0.0.8",
            "192.88.99.1",
            "::7f00:1",
            "::ffff:0:7f00:1",
            "64:ff9b:1::7f00:1",
            "fec0::1",
            "5f00::1",
            "3fff::1",
        ),
        *("::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:a00:1::1"),
    ],
)
def test_an_address_that_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "140.82.112.3", "2606:4700::6810:84e5", "::ffff:8.8.8.8", "64:ff9b::808:808", "2001:4860:4860::8888"],
)
def test_an_address_that_is_public(address: str) -> None:
    assert is_public(address)


def test_only_the_port_that_the_settings_name_is_trusted() -> None:
    policy = AddressPolicy(trusted=origins(["http://127.0.0.1:8000/hub", "https://mirror.example/x", "1d", "10GB"]))
    policy.check("127.0.0.1", 8000, "127.0.0.1")
    policy.check("Mirror.Example", 443, "10.0.0.7")
    policy.check("example.org", 443, "1.1.1.1")
    for host, port, address in (("127.0.0.1", 8001, "127.0.0.1"), ("mirror.example", 80, "10.0.0.7")):
        with pytest.raises(AddressRefused, match="on this machine or a private network"):
            policy.check(host, port, address)


def test_an_invalid_url_has_no_origin() -> None:
    assert [origin(text) for text in ("", "http://", "http://[::1", "http://x:99999", "file:///etc", "x.y")] == [
        None
    ] * 6
