"""Where to listen, and where Elasticsearch is."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.settings.address import cloud_address, elasticsearch_address, listen_address


@pytest.mark.parametrize(
    ("text", "host", "port", "shown", "loopback"),
    [
        ("127.0.0.1:8200", "127.0.0.1", 8200, "127.0.0.1:8200", True),
        ("localhost", "localhost", 8200, "localhost:8200", True),
        ("localhost:1234", "localhost", 1234, "localhost:1234", True),
        (":8200", "", 8200, ":8200", False),
        ("0.0.0.0:0", "0.0.0.0", 0, "0.0.0.0:0", False),
        ("[::1]:8200", "::1", 8200, "[::1]:8200", True),
        ("[::]", "::", 8200, "[::]:8200", False),
        ("::1", "::1", 8200, "[::1]:8200", True),
        ("apm.example.org:8200", "apm.example.org", 8200, "apm.example.org:8200", False),
    ],
)
def test_listen(text: str, host: str, port: int, shown: str, loopback: bool) -> None:
    address = listen_address(text)
    assert (address.host, address.port, str(address), address.is_loopback()) == (host, port, shown, loopback)


@pytest.mark.parametrize("text", ["unix:/run/apm.sock", "unix:///run/apm.sock"])
def test_listen_on_a_unix_socket(text: str) -> None:
    address = listen_address(text)
    assert (address.path, str(address), address.is_loopback()) == ("/run/apm.sock", "unix:/run/apm.sock", True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("unix:apm.sock", "whole path"),
        ("unix:", "whole path"),
        ("unix:/run/", "whole path"),
        ("unix:/" + "x" * 107, "107 bytes"),
        ("http://localhost:8200", "not a URL"),
        ("localhost:x", "port"),
        ("localhost:70000", "port"),
        ("[::1", "IPv6"),
        ("[::1]8200", "IPv6"),
        ("[x::]:1", "IPv6"),
        ("a b:1", "name or address"),
        ("1:2:3", "IPv6"),
    ],
)
def test_no_listen_address(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        listen_address(text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("localhost", "https://localhost:9200/base"),
        ("localhost:9201", "https://localhost:9201/base"),
        ("http://es:80/path/", "http://es:80/path"),
        ("http://es", "http://es:9200/base"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]:9200/base"),
        ("[::1]:1", "https://[::1]:1/base"),
        ("https://user:pa%40ss@es", "https://es:9200/base"),
    ],
)
def test_elasticsearch(text: str, url: str) -> None:
    assert elasticsearch_address(text, "https", "/base").url == url


def test_credentials_in_the_address_are_taken_out() -> None:
    assert elasticsearch_address("https://user:pa%40ss@es", "http", "")[1:] == ("user", "pa@ss")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("http://[::1", "missing ']' in host"),
        ("http://es:x", "parse"),
        ("http://es:99999", "parse"),
        ("ftp://es", "http or https"),
        ("http://", "parse"),
        ("http://es?a=b", "parse"),
        ("http://a b", "invalid character"),
        ("http://[v6]", "parse"),
        ("", "parse"),
    ],
)
def test_no_elasticsearch_address(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        elasticsearch_address(text, "http", "")


def test_a_broken_address_does_not_show_its_password() -> None:
    with pytest.raises(ValueError, match=r"\*\*\*") as caught:
        elasticsearch_address("http://user:geheim@es:x", "http", "")
    assert "geheim" not in str(caught.value)


def _cloud(text: str) -> str:
    return "name:" + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("encoded", "url"),
    [
        ("eu.example.org$abc$def", "https://abc.eu.example.org:443"),
        ("eu.example.org:9243$abc$def", "https://abc.eu.example.org:9243"),
        ("eu.example.org$abc:9244$", "https://abc.eu.example.org:9244"),
    ],
)
def test_cloud(encoded: str, url: str) -> None:
    assert cloud_address(_cloud(encoded)) == url


@pytest.mark.parametrize("cloud_id", ["", "x", "name:&&", _cloud("only-a-host"), _cloud("$abc"), _cloud("a b$c")])
def test_no_cloud(cloud_id: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        cloud_address(cloud_id)


@given(st.text(alphabet=st.sampled_from(list("a1:/@[]%.?# -")) | st.characters(), max_size=40))
def test_any_text_is_an_address_or_an_error(text: str) -> None:
    for read in (listen_address, cloud_address, lambda address: elasticsearch_address(address, "http", "")):
        try:
            read(text)
        except ValueError:
            pass
