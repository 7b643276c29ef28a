"""Registries are reached through the proxy that the docker command would take, and no other."""

from __future__ import annotations

import pytest
import urllib3

from layerscope.registry.errors import RegistryError
from layerscope.registry.policy import Policy
from layerscope.registry.transport import Transport


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def pool(url: str) -> urllib3.HTTPConnectionPool:
    return Transport(Policy())._pool(url)


@pytest.mark.parametrize(
    ("name", "url", "proxied"),
    [
        ("HTTPS_PROXY", "https://registry.example/v2/", True),
        ("https_proxy", "https://registry.example/v2/", True),
        ("HTTP_PROXY", "https://registry.example/v2/", False),
        ("ALL_PROXY", "https://registry.example/v2/", False),
        ("HTTPS_PROXY", "https://127.0.0.2:5000/v2/", False),
        ("HTTPS_PROXY", "https://[::1]:5000/v2/", False),
    ],
)
def test_the_proxy_is_the_one_of_the_docker_command(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str, proxied: bool
) -> None:
    monkeypatch.setenv(name, "http://bob:p%40ss@proxy.example:3128")
    found = pool(url)
    assert (found.proxy is not None) is proxied
    if proxied:
        assert found.proxy_headers["proxy-authorization"] == "Basic Ym9iOnBAc3M="


def test_no_proxy_names_networks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8")
    assert pool("https://10.1.2.3/v2/").proxy is None
    assert pool("https://11.1.2.3/v2/").proxy is not None


def test_a_proxy_that_cannot_be_used_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://bob:hunter2@proxy.example:1080")
    with pytest.raises(RegistryError, match="HTTPS_PROXY") as refused:
        pool("https://registry.example/v2/")
    assert "hunter2" not in str(refused.value)
